//! Stores and modules that go while they are sampled.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use wasmscope::{Guest, ProfileSession};
use wasmscope_testkit::exclusive::exclusive;
use wasmscope_testkit::marked_modules::{KINDS, MarkedReport, module_name, module_text};
use wasmtime::{Caller, Func, Instance, Module, Store};

use crate::guest::{
    MILLISECOND, assert_all_counted, assert_only, dense, export, module, session, spinner, spinners, stacks, work_until,
};

#[test]
fn stores_may_be_dropped_at_any_time_and_by_other_threads() {
    let _exclusive = exclusive();
    let session = session();
    let module = session.load(&spinners(&["stored"])).unwrap();
    let recorder = session.record(dense()).unwrap();
    let (to_drop, dropper) = mpsc::channel::<Store<()>>();
    thread::scope(|scope| {
        scope.spawn(move || dropper.into_iter().for_each(drop));
        let mut number = 0;
        work_until(&recorder, 500, || {
            let mut store = session.new_store(());
            export(&mut store, &module, "stored").call(&mut store, MILLISECOND / 10).unwrap();
            number += 1;
            if number % 2 == 0 { to_drop.send(store).unwrap() } else { drop(store) }
        });
        drop(to_drop);
    });
    let recording = recorder.stop().unwrap();
    assert_only(&recording, "stored", &["stored_run;stored"]);
    assert_all_counted(&[&recording]);
}

/// Loads a module of a kind, runs it, and drops it; returns where its code lay.
fn load_and_run(session: &ProfileSession, kind: u32) -> usize {
    let guest = Guest::from_bytes(&module_name(kind), module_text(kind).as_bytes()).unwrap();
    let module: Module = session.load(&guest).unwrap();
    let mut store = session.new_store(());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let run = instance.get_typed_func::<(i32, i32), i32>(&mut store, "run").unwrap();
    run.call(&mut store, (400, 1000)).unwrap();
    module.text().as_ptr().addr()
}

#[test]
fn code_that_lies_where_other_code_lay_is_never_taken_for_it() {
    let _exclusive = exclusive();
    let session = session();
    let recorder = session.record(dense()).unwrap();
    let mut kinds_by_address: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
    let mut kinds = (1..=KINDS).cycle();
    work_until(&recorder, 1500, || {
        let kind = kinds.next().unwrap();
        kinds_by_address.entry(load_and_run(&session, kind)).or_default().push(kind);
    });
    let recording = recorder.stop().unwrap();
    let reused = kinds_by_address.values().filter(|kinds| kinds.windows(2).any(|pair| pair[0] != pair[1])).count();
    assert!(reused > 0, "no address was used again");
    let mut report = MarkedReport::default();
    report.check(&recording.profile);
    assert!(report.wrong.is_empty(), "{:?}", report.wrong);
    assert_eq!(report.unknown_code, 0);
    assert!(report.by_kind.len() as u32 == KINDS, "{:?}", report.by_kind);
    assert_all_counted(&[&recording]);
    assert!(session.modules().is_empty());
}

/// A store whose host call panics the first time, and the second time waits until it may go on.
type Wanderer = (bool, Sender<()>, Receiver<()>);

fn wander(mut caller: Caller<'_, Wanderer>, _: i32) -> wasmtime::Result<()> {
    let (panics, inside, may_go) = caller.data_mut();
    if std::mem::take(panics) {
        resume_unwind(Box::new("a defect of the host"));
    }
    inside.send(()).unwrap();
    may_go.recv().unwrap();
    wasmtime::bail!("that is all")
}

#[test]
fn a_store_that_a_panic_passed_and_that_runs_on_another_thread_then_is_not_read_here() {
    let _exclusive = exclusive();
    let session = session();
    let outer = r#"(func $outer (export "outer") (param i32)
        (call $before (local.get 0)) (call $again (local.get 0)) (call $after (i32.const 200000000)))"#;
    let functions = format!("{outer} {} {}", spinner("before"), spinner("after"));
    let module = session.load(&module(&functions, r#"(import "host" "again" (func $again (param i32)))"#)).unwrap();
    let recorder = session.record(dense()).unwrap();

    let ((inside, is_inside), (go, may_go)) = (mpsc::channel::<()>(), mpsc::channel::<()>());
    let mut wanderer = session.new_store((true, inside, may_go));
    let again = Func::wrap(&mut wanderer, wander);
    let instance = Instance::new(&mut wanderer, &module, &[again.into()]).unwrap();
    let run = instance.get_typed_func::<i32, ()>(&mut wanderer, "outer").unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| run.call(&mut wanderer, MILLISECOND))).is_err());
    // Another thread runs the store now. Its stack is so large that the C library gives it back at once.
    let other = thread::Builder::new().stack_size(256 << 20).spawn(move || {
        run.call(&mut wanderer, MILLISECOND).unwrap_err();
        std::mem::forget(wanderer);
    });
    is_inside.recv().unwrap();
    // This thread enters a store meanwhile, and goes on in its guest when the other thread and its stack are gone.
    let mut here = session.new_store((go, Some(other.unwrap())));
    let again = Func::wrap(&mut here, |mut caller: Caller<'_, (Sender<()>, Option<JoinHandle<()>>)>, _: i32| {
        let (go, other) = caller.data_mut();
        go.send(()).unwrap();
        other.take().unwrap().join().unwrap();
    });
    let instance = Instance::new(&mut here, &module, &[again.into()]).unwrap();
    let run = instance.get_typed_func::<i32, ()>(&mut here, "outer").unwrap();
    run.call(&mut here, MILLISECOND).unwrap();
    let recording = recorder.stop().unwrap();
    let stacks = stacks(&recording);
    assert!(stacks.iter().any(|(stack, _)| stack.contains("outer;after")), "{stacks:?}");
}
