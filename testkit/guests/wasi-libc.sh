#!/bin/sh
# Builds Debian's wasi-libc from its source package with line tables and inlined calls as its only debug information,
# so that guests stay small. Usage: wasi-libc.sh FOLDER, then WASI_SYSROOT=FOLDER/sysroot for the build scripts.
# Needs clang-19, llvm-19, make, and apt that can fetch source packages of the configured archives.
set -e
debian_source=$(cd "$(dirname "$0")" && pwd)/debian-source.sh
mkdir -p "$1"
cd "$1"
folder=$(pwd)
"$debian_source" wasi-libc
tar xf wasi-libc_*.orig.tar.xz
tar xf wasi-libc_*.debian.tar.xz
cd wasi-libc-*/
for change in $(cat ../debian/patches/series); do patch -s -p1 <"../debian/patches/$change"; done

# The last map that fits counts.
maps="-ffile-prefix-map=$(clang-19 -print-resource-dir)=/clang -ffile-prefix-map=$folder=/wasi-libc -ffile-prefix-map=$(pwd)=/wasi-libc"
make -j"$(nproc)" CC=clang-19 AR=llvm-ar-19 NM=llvm-nm-19 SYSROOT="$folder/sysroot" OBJDIR="$folder/objects" \
  EXTRA_CFLAGS="-O2 -DNDEBUG -gline-tables-only $maps -fno-stack-protector -Wno-error" startup_files libc >../make.log 2>&1
ls "$folder/sysroot/lib/wasm32-wasi/libc.a"
