#!/bin/sh
# Builds ../orders.wasm: `rustup target add wasm32-wasip1` is all it needs.
# The checked-in file is smaller than what rustup's std and libc give: it was linked with the libc of
# testkit/guests/wasi-libc.sh and a std that was compiled as rust_std in testkit/guests/fetch.sh compiles one, but with
# debug = "line-tables-only", -Cembed-bitcode=yes, and --remap-path-prefix of its sources to /rustc, of its crates to crates.
set -e
cd "$(dirname "$0")"
registry=$(echo "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*)
export RUSTFLAGS="--remap-path-prefix=$PWD=examples/guests/orders --remap-path-prefix=$registry=/crates $RUSTFLAGS"
${CARGO:-cargo} build --release --locked --target wasm32-wasip1
cp "${CARGO_TARGET_DIR:-target}/wasm32-wasip1/release/orders.wasm" ..
