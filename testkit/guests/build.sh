#!/bin/sh
# Builds the guests of the tests. A part whose compiler is missing is skipped, by name.
#   clang-19      Debian: clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32 libc++-19-dev-wasm32 libc++abi-19-dev-wasm32
#   ZIG           how to run zig (PyPI: ziglang; ZIG="python3 -m ziglang")
#   ASC           the AssemblyScript compiler (npm: assemblyscript; ASC=node_modules/.bin/asc)
#   WASI_SYSROOT  a libc with little debug information (wasi-libc.sh); without it the compiler's own
set -e
cd "$(dirname "$0")"
map="-ffile-prefix-map=$PWD=testkit/guests"
small="${WASI_SYSROOT:+--sysroot=$WASI_SYSROOT -ffile-prefix-map=$WASI_SYSROOT=/wasi-libc}"
clang="clang-19 --target=wasm32-wasi -O2 $map"
clangxx="clang++-19 --target=wasm32-wasi -O2 -fno-exceptions $map"

if command -v clang-19 >/dev/null; then
  $clang -g $small trap.c -lc-printscan-no-floating-point -o trap.wasm
  $clang -g $small -mexec-model=reactor reactor.c -o reactor.wasm
  $clang -g $small -mbulk-memory hostcalls.c -lc-printscan-no-floating-point -o hostcalls.wasm
  # Debian's libc was compiled by an older clang to DWARF 4: units of two versions and two producers in one file.
  $clang -gdwarf-5 words.c -lc-printscan-no-floating-point -o c-dwarf5.wasm
  $clangxx -g shapes.cc -o cpp-clang.wasm
else
  echo "skipped: all but as.wasm (no clang-19)"
fi

# Compiled by zig's clang with zig's C++ headers, linked with Debian's libraries (zig's own carry a megabyte of DWARF),
# whose inline namespace is std::__2.
if [ -n "$ZIG" ] && command -v clang++-19 >/dev/null; then
  zig_lib=$($ZIG env | sed -n 's/.*lib_dir.*"\(.*\)".*/\1/p')
  object=$(mktemp --suffix=.o)
  trap 'rm -f "$object"' EXIT
  $ZIG c++ -target wasm32-wasi -O2 -g -fno-exceptions -D_LIBCPP_ABI_NAMESPACE=__2 -Wno-macro-redefined "$map" \
    "-ffile-prefix-map=$zig_lib=/zig" -c shapes.cc -o "$object"
  clang++-19 --target=wasm32-wasi "$object" -o cpp-zig.wasm
else
  echo "skipped: cpp-zig.wasm (needs ZIG and clang-19)"
fi

if [ -n "$ASC" ]; then
  $ASC loops.ts -O2 --debug --runtime stub --use abort= --sourceMap -o as.wasm
else
  echo "skipped: as.wasm (needs ASC)"
fi
