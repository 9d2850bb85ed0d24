//! Small guests that burn time in functions with known names.

use std::sync::atomic::{AtomicBool, Ordering};

use wasmscope::{Guest, ProfileSession, Recorder, SamplerConfig};
use wasmscope_model::{Event, Location, Recording};
use wasmscope_testkit::patience::until;
use wasmtime::{Module, Store, TypedFunc};

/// Steps of a spinning loop that take about a millisecond.
pub const MILLISECOND: i32 = 500_000;

/// Returns a function `$NAME(steps)` that spins, and `$NAME_run`, exported as `NAME`, that calls it.
pub fn spinner(name: &str) -> String {
    format!(
        r#"(func ${name} (param $steps i32) (local $x i32)
             (loop $again
               (local.set $x (i32.mul (i32.xor (local.get $x) (local.get $steps)) (i32.const 16777619)))
               (br_if $again (local.tee $steps (i32.sub (local.get $steps) (i32.const 1)))))
             (global.set $kept (local.get $x)))
           (func ${name}_run (export "{name}") (param i32)
             (call ${name} (local.get 0))
             (global.set $kept (i32.const 0)))"#
    )
}

/// Returns a module with nothing but spinners.
pub fn spinners(names: &[&str]) -> Guest {
    module(&names.iter().map(|name| spinner(name)).collect::<String>(), "")
}

/// Returns a module with these functions, and before them these imports.
pub fn module(functions: &str, imports: &str) -> Guest {
    let text = format!("(module {imports} (global $kept (mut i32) (i32.const 0)) {functions})");
    Guest::from_bytes("guest.wat", text.as_bytes()).unwrap()
}

pub fn session() -> ProfileSession {
    ProfileSession::builder().build().unwrap()
}

pub fn dense() -> SamplerConfig {
    SamplerConfig { rate_hz: 9973, ..SamplerConfig::default() }
}

/// Makes an instance without imports in the store, and finds an export that takes an amount of work.
pub fn export<T>(store: &mut Store<T>, module: &Module, name: &str) -> TypedFunc<i32, ()> {
    let instance = wasmtime::Instance::new(&mut *store, module, &[]).unwrap();
    instance.get_typed_func(&mut *store, name).unwrap()
}

pub fn counter(recorder: &Recorder, name: &str) -> u64 {
    recorder.counters().iter().find(|counter| counter.name == name).unwrap().value
}

/// Says that it is enough when dropped: also when an assertion failed, else the guests beside it would spin on.
pub struct Enough<'a>(pub &'a AtomicBool);

impl Drop for Enough<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Works until the recorder has `samples` more samples.
pub fn work_until(recorder: &Recorder, samples: u64, mut work: impl FnMut()) {
    let wanted = counter(recorder, "samples") + samples;
    until("samples", || {
        let is_done = counter(recorder, "samples") >= wanted;
        if !is_done {
            work();
        }
        is_done
    });
}

/// Returns the physical functions of each stack, outermost first and joined by `;`, with their counts.
pub fn stacks(recording: &Recording) -> Vec<(String, u64)> {
    let name = |location: &Location| {
        let function = location.lines.last().unwrap().function;
        recording.profile.functions[function.0 as usize].name.clone()
    };
    let rows = recording.rows(Event::Cpu);
    rows.map(|row| (recording.stack(row.stack).rev().map(name).collect::<Vec<_>>().join(";"), row.count)).collect()
}

/// Returns the count of samples whose stack is exactly this.
pub fn count_of(recording: &Recording, stack: &str) -> u64 {
    stacks(recording).iter().filter(|(found, _)| found == stack).map(|(_, count)| count).sum()
}

/// Asserts that every stack with `inner` in it is exactly one of `allowed`, and that the first of them was seen.
pub fn assert_only(recording: &Recording, inner: &str, allowed: &[&str]) {
    let mut seen = 0;
    for (stack, count) in stacks(recording).iter().filter(|(stack, _)| stack.split(';').any(|frame| frame == inner)) {
        assert!(allowed.contains(&stack.as_str()), "{count} samples at {stack}");
        seen += if stack == allowed[0] { *count } else { 0 };
    }
    assert!(seen > 0, "{} was never seen: {:?}", allowed[0], stacks(recording));
}

/// Asserts that every signal is accounted for: in one of the recordings, outside the guest, or counted as lost.
pub fn assert_all_counted(recordings: &[&Recording]) {
    let kept = |recording: &&Recording| {
        let losses = &recording.losses;
        recording.total_count(Event::Cpu) + losses.outside_guest + losses.dropped_ring_full
    };
    let signals: u64 = recordings.iter().map(|recording| recording.run.as_ref().unwrap().signals).sum();
    assert_eq!(recordings.iter().map(kept).sum::<u64>(), signals);
    assert!(recordings.iter().all(|recording| recording.losses.unregistered_thread == 0));
}
