#!/bin/sh
# Builds ../split.wasm with clang and a wasi-libc: CC=$WASI_SDK/bin/clang, or Debian's packages
# clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32. WASI_SYSROOT names another libc than the compiler's own;
# the checked-in file was built with that of testkit/guests/wasi-libc.sh, whose debug information is small.
set -e
cd "$(dirname "$0")"
${CC:-clang-19} --target=wasm32-wasi -g -O2 "-ffile-prefix-map=$PWD=examples/guests/split" \
  ${WASI_SYSROOT:+--sysroot=$WASI_SYSROOT "-ffile-prefix-map=$WASI_SYSROOT=/wasi-libc"} \
  split.c -lc-printscan-no-floating-point -o ../split.wasm
