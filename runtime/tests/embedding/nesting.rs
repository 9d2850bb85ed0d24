//! Guests that the host enters from inside a host call of another guest, or of the same.

use std::panic::{AssertUnwindSafe, catch_unwind};

use wasmscope::{Guest, ProfileSession};
use wasmscope_model::Event;
use wasmscope_testkit::exclusive::exclusive;
use wasmtime::{Caller, Func, Instance, Module, Store, TypedFunc};

use crate::guest::{
    MILLISECOND, assert_all_counted, assert_only, count_of, dense, export, module, session, spinner, spinners, stacks,
    work_until,
};

/// A guest whose `outer(steps)` calls `host.again`, between two spins of its own.
fn caller_of_host() -> Guest {
    let outer = r#"(func $outer (export "outer") (param i32)
        (call $before (local.get 0)) (call $again (local.get 0)) (call $after (local.get 0)))"#;
    let functions = format!("{outer} {} {} {}", spinner("before"), spinner("after"), spinner("inner"));
    module(&functions, r#"(import "host" "again" (func $again (param i32)))"#)
}

/// The caller of the host in a store, with what the host does when it is called.
struct Nest<T: 'static> {
    store: Store<T>,
    outer: TypedFunc<i32, ()>,
}

impl<T: 'static> Nest<T> {
    fn new(
        session: &ProfileSession,
        module: &Module,
        data: T,
        again: impl Fn(Caller<'_, T>, i32) -> wasmtime::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let mut store = session.new_store(data);
        let again = Func::wrap(&mut store, again);
        let instance = Instance::new(&mut store, module, &[again.into()]).unwrap();
        let outer = instance.get_typed_func(&mut store, "outer").unwrap();
        Self { store, outer }
    }

    fn call(&mut self) -> wasmtime::Result<()> {
        self.outer.call(&mut self.store, MILLISECOND)
    }
}

fn call_export<T>(caller: &mut Caller<'_, T>, name: &str, steps: i32) -> wasmtime::Result<()> {
    let export = caller.get_export(name).and_then(wasmtime::Extern::into_func).unwrap();
    export.typed::<i32, ()>(&mut *caller)?.call(&mut *caller, steps)
}

#[test]
fn a_host_function_that_calls_the_same_store_again_gives_one_linked_stack() {
    let _exclusive = exclusive();
    let session = session();
    let module = session.load(&caller_of_host()).unwrap();
    let mut nest = Nest::new(&session, &module, (), |mut caller, steps| call_export(&mut caller, "inner", steps));
    let recorder = session.record(dense()).unwrap();
    work_until(&recorder, 300, || nest.call().unwrap());
    let recording = recorder.stop().unwrap();
    assert_only(&recording, "inner", &["outer;host.again;inner_run;inner"]);
    assert_only(&recording, "before", &["outer;before"]);
    assert_only(&recording, "after", &["outer;after"]);
    assert_eq!(recording.losses.outer_unknown, 0);
    assert_all_counted(&[&recording]);
}

#[test]
fn a_host_function_that_calls_a_guest_of_another_store_gives_one_linked_stack() {
    let _exclusive = exclusive();
    let session = session();
    let (outer, other) = (session.load(&caller_of_host()).unwrap(), session.load(&spinners(&["other"])).unwrap());
    let mut store = session.new_store(());
    let work = export(&mut store, &other, "other");
    let mut nest = Nest::new(&session, &outer, store, move |mut caller, steps| work.call(caller.data_mut(), steps));
    let recorder = session.record(dense()).unwrap();
    work_until(&recorder, 300, || nest.call().unwrap());
    let recording = recorder.stop().unwrap();
    assert_only(&recording, "other", &["outer;host.again;other_run;other"]);
    assert_only(&recording, "after", &["outer;after"]);
    assert_eq!(recording.losses.outer_unknown, 0);
}

#[test]
fn time_of_the_host_itself_counts_for_the_call_that_it_serves() {
    let _exclusive = exclusive();
    let session = session();
    let module = session.load(&caller_of_host()).unwrap();
    let mut nest = Nest::new(&session, &module, (), |mut caller, steps| {
        let burn = || std::hint::black_box((0..200_000_u64).fold(1, |sum, x| std::hint::black_box(sum ^ x)));
        burn();
        call_export(&mut caller, "inner", steps)?;
        burn();
        Ok(())
    });
    let recorder = session.record(dense()).unwrap();
    work_until(&recorder, 500, || nest.call().unwrap());
    let recording = recorder.stop().unwrap();
    assert!(count_of(&recording, "outer;host.again") > 50, "{:?}", stacks(&recording));
    assert_only(&recording, "inner", &["outer;host.again;inner_run;inner"]);
}

#[test]
fn nesting_deeper_than_is_linked_says_that_the_outer_part_is_unknown() {
    const DEPTH: i32 = 40;
    let _exclusive = exclusive();
    let session = session();
    let descend = r#"(func $down (export "down") (param $left i32)
        (if (local.get $left) (then (call $again (local.get $left))) (else (call $spin (i32.const 500000)))))"#;
    let imports = r#"(import "host" "again" (func $again (param i32)))"#;
    let module = session.load(&module(&format!("{descend} {}", spinner("spin")), imports)).unwrap();
    let mut store = session.new_store(());
    let again =
        Func::wrap(&mut store, |mut caller: Caller<'_, ()>, left: i32| call_export(&mut caller, "down", left - 1));
    let instance = Instance::new(&mut store, &module, &[again.into()]).unwrap();
    let down = instance.get_typed_func::<i32, ()>(&mut store, "down").unwrap();
    let recorder = session.record(dense()).unwrap();
    work_until(&recorder, 100, || down.call(&mut store, 5).unwrap());
    work_until(&recorder, 100, || down.call(&mut store, DEPTH).unwrap());
    let recording = recorder.stop().unwrap();
    let linked = format!("{}down;spin", "down;host.again;".repeat(5));
    assert!(count_of(&recording, &linked) > 0, "{:?}", stacks(&recording));
    for (stack, count) in stacks(&recording).iter().filter(|(stack, _)| stack.ends_with(";spin") && *stack != linked) {
        assert!(stack.starts_with("[outer part unknown]"), "{count} samples at {stack}");
    }
    assert!(recording.losses.outer_unknown > 0);
    assert_all_counted(&[&recording]);
}

#[test]
fn traps_of_nested_guests_leave_nothing_behind() {
    let _exclusive = exclusive();
    let session = session();
    let trapping = r#"(func (export "trap") (param i32) unreachable)"#;
    let (outer, trapping) = (session.load(&caller_of_host()).unwrap(), session.load(&module(trapping, "")).unwrap());
    let mut store = session.new_store(());
    let trap = export(&mut store, &trapping, "trap");
    let mut nest = Nest::new(&session, &outer, store, move |mut caller, steps| {
        assert!(trap.call(caller.data_mut(), steps).is_err());
        call_export(&mut caller, "inner", steps)
    });
    let recorder = session.record(dense()).unwrap();
    work_until(&recorder, 300, || nest.call().unwrap());
    let recording = recorder.stop().unwrap();
    assert_only(&recording, "after", &["outer;after"]);
    assert_only(&recording, "inner", &["outer;host.again;inner_run;inner"]);
    assert_eq!(recording.losses.outer_unknown, 0);
}

#[test]
fn panics_of_host_functions_that_unwind_past_guests_leave_nothing_behind() {
    let _exclusive = exclusive();
    let session = session();
    let module = session.load(&caller_of_host()).unwrap();
    let panicking = |nested: bool| {
        Nest::new(&session, &module, nested, |mut caller: Caller<'_, bool>, steps| {
            if std::mem::take(caller.data_mut()) {
                call_export(&mut caller, "outer", steps)?;
            }
            std::panic::resume_unwind(Box::new("a defect of the host"))
        })
    };
    let mut nest = Nest::new(&session, &module, (), |mut caller, steps| call_export(&mut caller, "inner", steps));
    let recorder = session.record(dense()).unwrap();
    let mut nested = false;
    work_until(&recorder, 500, || {
        nested = !nested;
        let mut panics = panicking(nested);
        assert!(catch_unwind(AssertUnwindSafe(|| panics.call())).is_err());
        nest.call().unwrap();
        // The store that the panic passed is used again, and dropped only then.
        assert!(catch_unwind(AssertUnwindSafe(|| panics.call())).is_err());
    });
    let recording = recorder.stop().unwrap();
    assert_only(&recording, "after", &["outer;after"]);
    assert_only(&recording, "inner", &["outer;host.again;inner_run;inner"]);
    assert_only(&recording, "before", &["outer;before", "outer;host.again;outer;before"]);
    assert!(recording.total_count(Event::Cpu) >= 500);
    assert_all_counted(&[&recording]);
}
