#!/bin/sh
# Writes the adapters that make components of WASI 0.1 modules: wasi_snapshot_preview1.command.wasm, .reactor.wasm and
# .proxy.wasm.
# Usage: adapters.sh FOLDER, then ADAPTERS=FOLDER for the build scripts. Needs cargo.
set -e
unset RUSTFLAGS CARGO_BUILD_TARGET || true
mkdir -p "$1/crate/src"
cd "$1/crate"
cat >Cargo.toml <<'TOML'
[package]
name = "adapters"
edition = "2021"
[dependencies]
wasi-preview1-component-adapter-provider = "=48.0.8"
[workspace]
TOML
cat >src/main.rs <<'RUST'
use wasi_preview1_component_adapter_provider as adapters;

fn main() -> std::io::Result<()> {
    std::fs::write("../wasi_snapshot_preview1.command.wasm", adapters::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER)?;
    std::fs::write("../wasi_snapshot_preview1.reactor.wasm", adapters::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)?;
    std::fs::write("../wasi_snapshot_preview1.proxy.wasm", adapters::WASI_SNAPSHOT_PREVIEW1_PROXY_ADAPTER)
}
RUST
CARGO_TARGET_DIR=target cargo run -q
cd ..
rm -rf crate
ls -l
