#!/bin/sh
# Builds the guest of the tests of split DWARF; needs clang-19, lld-19 and llvm-19 of Debian. In 4/ and 5/, by DWARF's version:
#   whole.wasm     nothing is split: what all others are compared with
#   split.wasm     -gsplit-dwarf: two skeletons; the rest is in obj/main.dwo and obj/ring.dwo, and packed in split.wasm.dwp
#   single.wasm    -gsplit-dwarf=single: the rest is in obj/main.o and obj/ring.o; in the module itself it is spoilt, as wasm-ld
#                  merges strings without telling those that point to them
#   unmerged.wasm  the same linked with wasm-ld -O0, which merges nothing
# And in other/ a build of DWARF 5 in which two functions are called otherwise, so that the ids differ.
set -e
cd "$(dirname "$0")"
sources=$PWD
flags="--target=wasm32 -O2 -fno-exceptions -fno-rtti -ffile-prefix-map=$PWD=/build -fdebug-compilation-dir=/build"

# build VERSION FLAG...: compiles both units in the current folder, to obj/.
build() {
  version=$1
  shift
  for unit in main ring; do
    clang++-19 $flags "-gdwarf-$version" "$@" -c "$sources/$unit.cc" -o obj/$unit.o
  done
}

link() {
  wasm-ld-19 --no-entry obj/main.o obj/ring.o "$@"
}

rm -rf 4 5 other
for version in 4 5; do
  mkdir -p $version/obj
  (
    cd $version
    build $version
    link -o whole.wasm
    build $version -gsplit-dwarf
    link -o split.wasm
    llvm-dwp-19 obj/main.dwo obj/ring.dwo -o split.wasm.dwp
    build $version -gsplit-dwarf=single
    link -o single.wasm
    link -O0 -o unmerged.wasm
    chmod 644 ./*.wasm
  )
done
mkdir -p other/obj
(
  cd other
  build 5 -gsplit-dwarf -Dstore=put -Dturn=spin
  llvm-dwp-19 obj/main.dwo obj/ring.dwo -o split.wasm.dwp
  rm obj/*.o
)
