#!/bin/sh
# Builds ../waits-p3.wasm: `rustup target add wasm32-wasip1` and wasm-tools are all it needs (ADAPTERS: ../adapters.sh,
# WASM_TOOLS: how to run wasm-tools).
# The checked-in file is smaller than what rustup's std gives: it was linked with zig's libc (../zig-libc.sh) and a std as
# examples/guests/orders/build.sh describes it. The older libc of Debian must not be used: it takes the adapter's memory.
set -e
cd "$(dirname "$0")"
registry=$(echo "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*)
guests=$(dirname "$PWD")
export RUSTFLAGS="--remap-path-prefix=$guests=testkit/guests --remap-path-prefix=$registry=/crates $RUSTFLAGS"
${CARGO:-cargo} build --release --locked --target wasm32-wasip1
${WASM_TOOLS:-wasm-tools} component new "${CARGO_TARGET_DIR:-target}/wasm32-wasip1/release/waits_p3.wasm" \
  --adapt "wasi_snapshot_preview1=$ADAPTERS/wasi_snapshot_preview1.reactor.wasm" -o ../waits-p3.wasm
