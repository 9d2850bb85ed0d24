//! Hosts with hooks of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmscope_testkit::exclusive::exclusive;
use wasmtime::{CallHook, Config, Engine, Linker, Module, Store, UpdateDeadline};

use crate::guest::{assert_only, dense, session};
use wasmscope::Guest;

const GUEST: &str = r#"(module
    (import "host" "tick" (func $tick))
    (func $spin (param $n i32) (loop (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "run") (param $rounds i32)
        (loop (call $spin (i32.const 100000)) (call $tick)
            (br_if 0 (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))))"#;

#[test]
fn the_hosts_epoch_callback_and_call_hook_keep_their_behaviour() {
    let _exclusive = exclusive();
    let mut config = Config::new();
    config.epoch_interruption(true);
    let engine = Engine::new(&config).unwrap();
    let guest = Guest::from_bytes("hooked.wat", GUEST.as_bytes()).unwrap();
    let module = Module::new(&engine, &**guest.bytes()).unwrap();
    let session = session();
    let _described = session.describe_module(&module, &guest).unwrap();
    let mut store = Store::new(&engine, 0u64);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut store| {
        *store.data_mut() += 1;
        Ok(UpdateDeadline::Continue(1))
    });
    let seen: Arc<[AtomicU64; 4]> = Arc::default();
    let counted = seen.clone();
    session.attach_with_hook(&mut store, move |_, hook| {
        let index = match hook {
            CallHook::CallingWasm => 0,
            CallHook::ReturningFromWasm => 1,
            CallHook::CallingHost => 2,
            CallHook::ReturningFromHost => 3,
        };
        counted[index].fetch_add(1, Ordering::Relaxed);
        Ok(())
    });
    let mut linker = Linker::new(&engine);
    let ticker = engine.clone();
    linker.func_wrap("host", "tick", move || ticker.increment_epoch()).unwrap();
    let recorder = session.record(dense()).unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    instance.get_typed_func::<i32, ()>(&mut store, "run").unwrap().call(&mut store, 2000).unwrap();
    let recording = recorder.stop().unwrap();
    // Each tick makes the next loop head call the epoch callback, which is a host call too.
    let epochs = *store.data();
    assert!((1990..=2000).contains(&epochs), "{epochs}");
    let [calling, returning, host, back] = [0, 1, 2, 3].map(|index| seen[index].load(Ordering::Relaxed));
    assert_eq!((calling, returning, host, back), (1, 1, 2000 + epochs, 2000 + epochs));
    assert_eq!(recording.losses.outer_unknown, 0);
    assert!(recording.total_count(wasmscope_model::Event::Cpu) > 100);
}

#[test]
fn a_hook_that_refuses_the_entry_leaves_nothing_behind() {
    let _exclusive = exclusive();
    let (session, guest) = (session(), Guest::from_bytes("hooked.wat", GUEST.as_bytes()).unwrap());
    let module = session.load(&guest).unwrap();
    let mut linker = Linker::new(session.engine());
    linker.func_wrap("host", "tick", || {}).unwrap();
    let mut refused = Store::new(session.engine(), ());
    session.attach_with_hook(&mut refused, |_, hook| match hook {
        CallHook::CallingWasm => Err(wasmtime::format_err!("not today")),
        _ => Ok(()),
    });
    let recorder = session.record(dense()).unwrap();
    let instance = linker.instantiate(&mut refused, &module).unwrap();
    let run = instance.get_typed_func::<i32, ()>(&mut refused, "run").unwrap();
    assert!(run.call(&mut refused, 1).unwrap_err().to_string().contains("not today"));
    drop(refused);
    let mut store = session.new_store(());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    instance.get_typed_func::<i32, ()>(&mut store, "run").unwrap().call(&mut store, 2000).unwrap();
    let recording = recorder.stop().unwrap();
    assert_eq!(recording.losses.outer_unknown, 0);
    assert_only(&recording, "spin", &["run;spin"]);
}
