//! Stores and modules that go while they are sampled.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::thread;

use wasmscope::{Guest, ProfileSession};
use wasmscope_testkit::exclusive::exclusive;
use wasmscope_testkit::marked_modules::{KINDS, MarkedReport, module_name, module_text};
use wasmtime::{Instance, Module, Store};

use crate::guest::{MILLISECOND, assert_all_counted, assert_only, dense, export, session, spinners, work_until};

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
