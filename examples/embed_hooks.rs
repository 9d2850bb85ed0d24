//! A host with an engine, an epoch callback and a call hook of its own, that adds sampling to them.
//!
//! `cargo run -p wasmscope-examples --example embed_hooks`

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmscope::{Guest, ProfileSession, SamplerConfig};
use wasmscope_model::Event;
use wasmscope_profiler::export::{TableLayout, write_table};
use wasmtime::{CallHook, Config, Engine, Linker, Module, Store, UpdateDeadline};

/// Calls the host once in every round.
const GUEST: &str = r#"(module
  (import "host" "log" (func $log (param i32)))
  (func $round (param $n i32)
    (loop (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "run") (param $rounds i32)
    (loop
      (call $round (i32.const 1000000))
      (call $log (local.get $rounds))
      (br_if 0 (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))))"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The host's own engine, as it was before: wasmscope does not make it and does not change it.
    let mut config = Config::new();
    config.epoch_interruption(true);
    let engine = Engine::new(&config)?;
    let guest = Guest::from_bytes("rounds.wat", GUEST.as_bytes())?;
    let module = Module::new(&engine, &**guest.bytes())?;

    // A session is told of the module, with the bytes that names come from; dropping `described` takes it back.
    let session = ProfileSession::builder().build()?;
    let described = session.describe_module(&module, &guest)?;

    let mut store = Store::new(&engine, 0u64);
    store.set_epoch_deadline(1);
    // The host's epoch callback stays its own.
    store.epoch_deadline_callback(|mut store| {
        *store.data_mut() += 1;
        Ok(UpdateDeadline::Continue(1))
    });
    // A store has room for one call hook. The host's goes in here, behind wasmscope's.
    let host_calls = Arc::new(AtomicU64::new(0));
    let counted = host_calls.clone();
    session.attach_with_hook(&mut store, move |_, hook| {
        counted.fetch_add(u64::from(matches!(hook, CallHook::CallingHost)), Ordering::Relaxed);
        Ok(())
    });

    let mut linker = Linker::new(&engine);
    let ticker = engine.clone();
    linker.func_wrap("host", "log", move |_: i32| ticker.increment_epoch())?;

    let recorder = session.record(SamplerConfig { rate_hz: 997, ..SamplerConfig::default() })?;
    let instance = linker.instantiate(&mut store, &module)?;
    instance.get_typed_func::<i32, ()>(&mut store, "run")?.call(&mut store, 500)?;
    let recording = recorder.stop()?;

    let epochs = *store.data();
    println!("{} host calls and {epochs} epochs seen by the host's own hooks", host_calls.load(Ordering::Relaxed));
    write_table(&recording, &[Event::Cpu, Event::Wait], TableLayout::default(), std::io::stdout())?;
    drop(described);
    Ok(())
}
