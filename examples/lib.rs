//! Hosts that use the library, one a file: `cargo run -p wasmscope-examples --example embed_host`.
