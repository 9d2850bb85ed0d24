//! What one sample costs inside the handler, by the depth of the stack.
//!
//! A running sampler measures its own handler; this prints the medians, and races a guest with and without sampling.
#![cfg(target_arch = "x86_64")]
#![allow(missing_docs, reason = "a benchmark has no readers of its documentation")]

#[path = "../tests/assembly_guest/mod.rs"]
mod assembly_guest;

use assembly_guest::{Names, Store, publish};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use wasmscope_model::Event;
use wasmscope_profiler::{CodeRegistry, Sampler, SamplerConfig};

/// Rounds of the guest's innermost loop in one run.
const ROUNDS: usize = 1_000_000;

fn guest_by_rate(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("guest of 15 frames");
    for rate_hz in [0, 997, 9_973] {
        let registry = CodeRegistry::new();
        publish(&registry);
        let config = SamplerConfig { rate_hz: rate_hz.max(1), ..SamplerConfig::default() };
        let sampler =
            (rate_hz > 0).then(|| Sampler::start(config, registry.clone()).expect("sampling works on this machine"));
        let store = Store::default();
        group.bench_function(BenchmarkId::from_parameter(rate_hz), |bencher| bencher.iter(|| store.run(13, ROUNDS)));
        drop(sampler);
    }
    group.finish();
}

fn report_handler_times(_criterion: &mut Criterion) {
    println!("handler's own time, from its first to its last reading of the clock:");
    for depth in [1, 13, 62, 253] {
        let registry = CodeRegistry::new();
        publish(&registry);
        let config = SamplerConfig { rate_hz: 9_973, ..SamplerConfig::default() };
        let sampler = Sampler::start(config, registry).expect("sampling works on this machine");
        let store = Store::default();
        (0..1_000).for_each(|_| store.run(depth, ROUNDS));
        let Some(recording) = sampler.stop() else { continue };
        let [median, p99] = [0.5, 0.99].map(|share| recording.handler_time(share).unwrap_or_default());
        let signals = recording.run.signals;
        let samples = recording.symbolize(&mut Names).total_count(Event::Cpu);
        println!("{:>4} frames: median {median:?}, p99 {p99:?} ({samples} samples of {signals} signals)", depth + 2);
    }
}

criterion_group!(benches, guest_by_rate, report_handler_times);
criterion_main!(benches);
