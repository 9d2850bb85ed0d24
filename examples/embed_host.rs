//! A host that runs guests itself, and prints where they spend their time.
//!
//! `cargo run -p wasmscope-examples --example embed_host`

use wasmscope::{Guest, ProfileSession, SamplerConfig};
use wasmscope_model::Event;
use wasmscope_profiler::export::{TableLayout, write_table};
use wasmtime::Instance;

/// Sums the squares below `n`, by a function that is called for each.
const GUEST: &str = r#"(module
  (func $square (param i64) (result i64)
    (i64.mul (local.get 0) (local.get 0)))
  (func (export "sum_of_squares") (param $n i64) (result i64)
    (local $sum i64)
    (loop $next (result i64)
      (local.set $n (i64.sub (local.get $n) (i64.const 1)))
      (local.set $sum (i64.add (local.get $sum) (call $square (local.get $n))))
      (br_if $next (i64.gt_s (local.get $n) (i64.const 0)))
      (local.get $sum))))"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The session's engine reports where its machine code lies; `load` keeps the bytes that names come from.
    let session = ProfileSession::builder().build()?;
    let module = session.load(&Guest::from_bytes("squares.wat", GUEST.as_bytes())?)?;

    // From here on every thread that enters a guest of this session is sampled.
    let recorder = session.record(SamplerConfig { rate_hz: 997, ..SamplerConfig::default() })?;
    let sum = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| -> wasmtime::Result<i64> {
                    let mut store = session.new_store(());
                    let instance = Instance::new(&mut store, &module, &[])?;
                    let sum = instance.get_typed_func::<i64, i64>(&mut store, "sum_of_squares")?;
                    sum.call(&mut store, 100_000_000)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(Ok(0))).sum::<wasmtime::Result<i64>>()
    })?;
    println!("sum {sum}");

    let recording = recorder.stop()?;
    write_table(&recording, &[Event::Cpu, Event::Wait], TableLayout::default(), std::io::stdout())?;
    Ok(())
}
