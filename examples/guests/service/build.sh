#!/bin/sh
# Builds ../service-p2.wasm and ../service-p3.wasm: `rustup target add wasm32-wasip1` and wasm-tools are all it needs
# (ADAPTERS: testkit/guests/adapters.sh, WASM_TOOLS: how to run wasm-tools).
# The checked-in files are smaller than what rustup's std gives: they were linked with the std of testkit/guests/rust-std.sh.
set -e
cd "$(dirname "$0")"
registry=$(echo "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*)
export RUSTFLAGS="--remap-path-prefix=$PWD=examples/guests/service --remap-path-prefix=$registry=/crates $RUSTFLAGS"

# build VERSION ADAPTER
build() {
  ${CARGO:-cargo} build --release --locked --target wasm32-wasip1 --features "$1"
  ${WASM_TOOLS:-wasm-tools} component new "${CARGO_TARGET_DIR:-target}/wasm32-wasip1/release/service.wasm" \
    --adapt "wasi_snapshot_preview1=$ADAPTERS/wasi_snapshot_preview1.$2.wasm" -o "../service-$1.wasm"
}

build p2 proxy
build p3 reactor
