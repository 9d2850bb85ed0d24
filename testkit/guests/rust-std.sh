#!/bin/sh
# Makes a sysroot in FOLDER with a std for wasm32-wasip1 that keeps guests small: of debug information line tables and
# inlined calls only, and bitcode, so that a guest with lto = true takes only what it uses. Its libc is zig's
# (zig-libc.sh). From Debian alone: rustc-web cargo-web rust-web-src lld-19.
# Usage: LIBC_OF_ZIG=FOLDER_OF_LIBC rust-std.sh FOLDER; it prints the variables that the guests' build scripts need.
# RUSTC and CARGO name a rustc and a cargo with these sources that lie elsewhere.
set -e
unset RUSTFLAGS CARGO_TARGET_DIR CARGO_BUILD_TARGET || true
export RUSTC="${RUSTC:-/usr/bin/rustc}" CARGO="${CARGO:-/usr/bin/cargo}"
libc=$(cd "$LIBC_OF_ZIG" && pwd)
mkdir -p "$1"
cd "$1"
sysroot=$PWD
library=$sysroot/lib/rustlib/wasm32-wasip1/lib
if [ ! -e complete ]; then
  mkdir -p crate/src "$library/self-contained"
  cd crate
  printf '[package]\nname = "only_std"\nedition = "2021"\n[profile.release]\ndebug = "line-tables-only"\n[workspace]\n' >Cargo.toml
  : >src/lib.rs
  registry=$(echo "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*)
  # Debian's sources of std lie behind a link, and the debug information has both names of their folder.
  source=$("$RUSTC" --print sysroot)/lib/rustlib/src/rust
  RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Cembed-bitcode=yes --remap-path-prefix=$registry=/crates \
    --remap-path-prefix=$source=/rustc --remap-path-prefix=$(realpath "$source")=/rustc" \
    "$CARGO" build -q --release --target wasm32-wasip1 -Zbuild-std=std,panic_abort,proc_macro
  cp target/wasm32-wasip1/release/deps/lib*-*.rlib "$library"
  rm "$library"/libonly_std-*
  cp "$libc/libc.a" "$libc/crt1-command.o" "$libc/crt1-reactor.o" "$library/self-contained"
  ln -sfn "$("$RUSTC" --print target-libdir)/.." "$sysroot/lib/rustlib/$("$RUSTC" --print host-tuple)"
  cd ..
  rm -rf crate
  touch complete
fi
cat <<VARIABLES
export RUSTC=$RUSTC CARGO=$CARGO CARGO_TARGET_WASM32_WASIP1_LINKER=wasm-ld-19
export RUSTFLAGS="--sysroot $sysroot"
VARIABLES
