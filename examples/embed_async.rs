//! A service on tokio: a store for each request, async host functions, and labels that say which request a sample is of.
//!
//! `cargo run -p wasmscope-examples --example embed_async`

use std::sync::Arc;

use wasmscope::{Guest, ProfileSession, SamplerConfig};
use wasmscope_model::{Event, SampleContext};
use wasmscope_profiler::export::{TableLayout, write_table};
use wasmtime::{Caller, Linker, Store};

/// Works, and waits for the host in between.
const GUEST: &str = r#"(module
  (import "host" "fetch" (func $fetch))
  (func $work (param $n i32)
    (loop (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "handle") (param $size i32)
    (call $work (local.get $size))
    (call $fetch)
    (call $work (local.get $size))))"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let session = Arc::new(ProfileSession::builder().build()?);
    let module = session.load(&Guest::from_bytes("handler.wat", GUEST.as_bytes())?)?;
    let mut linker = Linker::new(session.engine());
    linker.func_wrap_async("host", "fetch", |_: Caller<'_, ()>, (): ()| {
        Box::new(async {
            tokio::task::yield_now().await;
        })
    })?;
    let ready = linker.instantiate_pre(&module)?;

    let recorder = session.record(SamplerConfig { rate_hz: 997, ..SamplerConfig::default() })?;
    let requests: Vec<_> = (1..=200u64)
        .map(|request| {
            let (session, ready) = (session.clone(), ready.clone());
            tokio::spawn(async move {
                let mut store = Store::new(session.engine(), ());
                // The store is sampled while this future is polled, on whatever thread that is.
                let attached = session.attach(&mut store);
                let labels = SampleContext { request, ..SampleContext::default() };
                let handled = async {
                    let instance = ready.instantiate_async(&mut store).await?;
                    let handle = instance.get_typed_func::<i32, ()>(&mut store, "handle")?;
                    handle.call_async(&mut store, 2_000_000).await
                };
                attached.sampled_for(labels, Box::pin(handled)).await
            })
        })
        .collect();
    for request in requests {
        request.await??;
    }
    // A recording can be cut at any time; sampling goes on until the recorder is stopped or dropped.
    let recording = recorder.cut()?;
    write_table(&recording, &[Event::Cpu, Event::Wait], TableLayout::default(), std::io::stdout())?;
    println!("sampled until now at {} Hz", recorder.rate_hz());
    recorder.stop()?;
    Ok(())
}
