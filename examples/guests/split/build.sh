#!/bin/sh
# Builds ../split.wasm with clang and a wasi-libc: CC=$WASI_SDK/bin/clang, or Debian's packages
# clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32. WASI_SYSROOT names another libc than the compiler's own;
# the checked-in file was built with that of testkit/guests/wasi-libc.sh, whose debug information is small.
set -e
cd "$(dirname "$0")"
compiler="${CC:-clang-19} --target=wasm32-wasi ${WASI_SYSROOT:+--sysroot=$WASI_SYSROOT}"
object=$(mktemp --suffix=.o)
trap 'rm -f "$object"' EXIT
# In two steps: when clang links with -O and finds a wasm-opt, it runs it, and names and lines are lost.
$compiler -g -O2 "-ffile-prefix-map=$PWD=examples/guests/split" \
  ${WASI_SYSROOT:+"-ffile-prefix-map=$WASI_SYSROOT=/wasi-libc"} -c split.c -o "$object"
$compiler "$object" -lc-printscan-no-floating-point -o ../split.wasm
chmod 644 ../split.wasm
