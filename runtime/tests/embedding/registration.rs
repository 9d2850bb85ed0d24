//! Engines that were made elsewhere.

use wasmscope::Error;
use wasmscope_testkit::exclusive::exclusive;
use wasmtime::{Config, Engine, Module, Store};

use crate::guest::{
    MILLISECOND, assert_all_counted, assert_only, dense, export, session, spinners, stacks, work_until,
};

/// Samples a guest of an engine with this configuration, which knows nothing of us.
fn sample_guest_of(config: &Config) {
    let (session, guest) = (session(), spinners(&["foreign"]));
    let engine = Engine::new(config).unwrap();
    let module = Module::new(&engine, guest.bytes()).unwrap();
    let described = session.describe_module(&module, &guest).unwrap();
    let mut store = Store::new(&engine, ());
    // Refused where the engine does not count fuel.
    let _ = store.set_fuel(u64::MAX);
    store.set_epoch_deadline(1 << 40);
    session.attach(&mut store);
    let work = export(&mut store, &module, "foreign");
    let recorder = session.record(dense()).unwrap();
    work_until(&recorder, 200, || work.call(&mut store, MILLISECOND).unwrap());
    let recording = recorder.stop().unwrap();
    assert_only(&recording, "foreign", &["foreign_run;foreign"]);
    assert_all_counted(&[&recording]);
    let notes = &recording.run.as_ref().unwrap().notes;
    assert!(!notes.iter().any(|note| note.contains("no guest stack")), "{notes:?}");
    assert_eq!(session.modules().len(), 1);
    drop(described);
    assert!(session.modules().is_empty());
}

#[test]
fn a_described_module_of_a_plain_engine_is_sampled() {
    let _exclusive = exclusive();
    sample_guest_of(&Config::new());
}

#[test]
fn engines_with_fuel_and_epochs_are_sampled_too() {
    let _exclusive = exclusive();
    sample_guest_of(Config::new().consume_fuel(true).epoch_interruption(true));
}

#[test]
fn unoptimised_code_is_sampled_too() {
    let _exclusive = exclusive();
    sample_guest_of(Config::new().cranelift_opt_level(wasmtime::OptLevel::None));
}

#[test]
fn bytes_that_the_module_was_not_made_from_are_refused() {
    let session = session();
    let module = Module::new(&Engine::default(), spinners(&["one"]).bytes()).unwrap();
    let refused = session.describe_module(&module, &spinners(&["one", "two"])).unwrap_err();
    assert!(matches!(refused, Error::Mismatch { .. }), "{refused}");
}

#[test]
fn modules_that_nobody_described_show_as_unknown_code() {
    let _exclusive = exclusive();
    let session = session();
    let module = Module::new(session.engine(), spinners(&["stranger"]).bytes()).unwrap();
    let mut store = session.new_store(());
    let work = export(&mut store, &module, "stranger");
    let recorder = session.record(dense()).unwrap();
    work_until(&recorder, 100, || work.call(&mut store, MILLISECOND).unwrap());
    let recording = recorder.stop().unwrap();
    for (stack, count) in stacks(&recording) {
        assert!(stack.split(';').all(|frame| frame == "[unknown code]"), "{count} samples at {stack}");
    }
    assert!(recording.losses.unknown_code >= 100);
}
