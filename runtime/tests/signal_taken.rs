//! SIGPROF in other hands. It is a binary of its own, since nobody gives a signal back.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::SIGPROF;
use wasmscope::{Error, Guest, ProfileSession, SamplerConfig};
use wasmscope_model::EngineKind;
use wasmscope_testkit::patience::until;

const SPIN: &[u8] = br#"(module
    (func $spin (param $n i32) (loop (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func $run (export "run") (call $spin (i32.const 100000)) (call $spin (i32.const 1))))"#;

#[test]
fn a_handler_of_somebody_else_is_named_and_stays() {
    let called = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGPROF, called.clone()).unwrap();
    let session = ProfileSession::builder().build().unwrap();
    for _ in 0..2 {
        let refused = session.record(SamplerConfig::default()).unwrap_err();
        let Error::Sampler(refused) = refused else { panic!("{refused}") };
        let text = refused.to_string();
        assert!(text.starts_with("SIGPROF is already handled by "), "{text}");
        let program = std::env::current_exe().unwrap();
        assert!(text.contains(program.file_name().unwrap().to_str().unwrap()), "{text}");
    }
    // The epochs of an engine do without the signal.
    let session = ProfileSession::builder().sampled_by(EngineKind::Epoch).build().unwrap();
    let module = session.load(&Guest::from_bytes("spin.wat", SPIN).unwrap()).unwrap();
    let mut store = session.new_store(());
    let instance = wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
    let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
    let recorder = session.record(SamplerConfig { rate_hz: 997, ..SamplerConfig::default() }).unwrap();
    until("samples", || {
        run.call(&mut store, ()).unwrap();
        recorder.counters().iter().any(|counter| counter.name == "samples" && counter.value >= 50)
    });
    let recording = recorder.stop().unwrap();
    assert_eq!(recording.run.as_ref().unwrap().engine, EngineKind::Epoch);
    assert!(
        recording.profile.functions.iter().any(|function| function.name == "spin"),
        "{:?}",
        recording.profile.functions
    );

    signal_hook::low_level::raise(SIGPROF).unwrap();
    assert!(called.load(Ordering::Relaxed), "the other handler is gone");
}
