//! Time off the CPU: what host calls wait, and what guests are ready, at the stacks of the calls.

use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread::sleep;
use std::time::{Duration, Instant};

use wasmscope::{Guest, SamplerConfig};
use wasmscope_model::{Event, HostCallTotals, Recording};
use wasmscope_testkit::exclusive::exclusive;
use wasmscope_testkit::patience::until;
use wasmtime::{Caller, Func, Instance, Linker, Store};

use crate::guest::{module, session};

const NAP: Duration = Duration::from_millis(4);

/// A guest whose `outer(n)` naps n times in `nap`, and whose `again(n)` does so by way of the host.
fn napping() -> Guest {
    let imports = r#"(import "host" "nap" (func $nap_host (param i32)))
        (import "host" "again" (func $again_host (param i32)))"#;
    module(
        r#"(func $nap (param i32) (call $nap_host (local.get 0)) (global.set $kept (i32.const 1)))
           (func $outer (export "outer") (param $n i32)
             (loop $more
               (call $nap (local.get $n))
               (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
             (global.set $kept (i32.const 2)))
           (func $again (export "again") (param i32) (call $again_host (local.get 0)) (global.set $kept (i32.const 3)))"#,
        imports,
    )
}

/// Returns the time of each stack, by the function of each frame, outermost first.
fn times(recording: &Recording, event: Event) -> Vec<(String, Duration)> {
    let name = |location: &wasmscope_model::Location| {
        let function = location.lines.last().unwrap().function;
        recording.profile.functions[function.0 as usize].name.clone()
    };
    let rows = recording.rows(event).map(|row| {
        let names: Vec<String> = recording.stack(row.stack).rev().map(name).collect();
        (names.join(";"), Duration::from_nanos(row.amount))
    });
    rows.collect()
}

/// Returns the time of an event at exactly this stack.
fn off_cpu_of(recording: &Recording, event: Event, stack: &str) -> Duration {
    times(recording, event).iter().filter(|(found, _)| found == stack).map(|(_, time)| *time).sum()
}

/// Returns the time off the CPU at exactly this stack.
fn off_cpu_at(recording: &Recording, stack: &str) -> Duration {
    off_cpu_of(recording, Event::Wait, stack) + off_cpu_of(recording, Event::Ready, stack)
}

fn total(recording: &Recording, event: Event) -> Duration {
    Duration::from_nanos(recording.total_amount(event))
}

/// Runs an export with a host function that naps at each call for which `is_long` says so.
fn nap_with(export: &str, calls: i32, is_long: fn(i32) -> bool) -> Recording {
    let session = session();
    let guest = session.load(&napping()).unwrap();
    let mut store = session.new_store(());
    let nap = Func::wrap(&mut store, move |left: i32| {
        if is_long(left) {
            sleep(NAP);
        }
    });
    let again = Func::wrap(&mut store, |mut caller: Caller<'_, ()>, calls: i32| {
        let outer = caller.get_export("outer").and_then(wasmtime::Extern::into_func).unwrap();
        outer.typed::<i32, ()>(&caller).unwrap().call(&mut caller, calls).unwrap();
    });
    let instance = Instance::new(&mut store, &guest, &[nap.into(), again.into()]).unwrap();
    let run = instance.get_typed_func::<i32, ()>(&mut store, export).unwrap();
    let recorder = session.record(SamplerConfig::default()).unwrap();
    run.call(&mut store, calls).unwrap();
    recorder.stop().unwrap()
}

fn calls_of<'a>(recording: &'a Recording, name: &str) -> &'a HostCallTotals {
    recording.host_calls.iter().find(|calls| calls.name == name).unwrap()
}

/// Asserts that so many naps were found at the stack of their calls, and no more than these calls took.
fn assert_naps(recording: &Recording, stack: &str, naps: u32) {
    let (found, calls) = (off_cpu_at(recording, stack), calls_of(recording, "host.nap"));
    assert!(found >= (NAP * naps).mul_f64(0.99) && found <= calls.total, "{found:?} {calls:?}");
}

#[test]
fn a_host_function_that_blocks_its_thread_waits_at_the_stack_of_the_call() {
    let _exclusive = exclusive();
    let recording = nap_with("outer", 20, |_| true);
    assert_naps(&recording, "outer;nap;host.nap", 20);
    let wait = times(&recording, Event::Wait);
    assert!(wait.iter().all(|(stack, _)| stack == "outer;nap;host.nap"), "{wait:?}");
    assert_eq!(recording.total_count(Event::Wait), 20);
    assert_eq!(recording.host_calls[0].count, 20);
}

#[test]
fn long_calls_among_many_short_ones_are_all_found_and_stand_for_themselves() {
    let _exclusive = exclusive();
    let recording = nap_with("outer", 100_000, |left| left % 10_000 == 17);
    assert_naps(&recording, "outer;nap;host.nap", 10);
    assert_eq!(recording.host_calls[0].count, 100_000);
}

#[test]
fn a_nap_within_a_host_call_that_called_the_guest_again_counts_once() {
    let _exclusive = exclusive();
    let recording = nap_with("again", 10, |_| true);
    assert_naps(&recording, "again;host.again;outer;nap;host.nap", 10);
    // The outer call took what the inner ones took, and was put aside, if at all, in what is left.
    let around = off_cpu_at(&recording, "again;host.again");
    let own = calls_of(&recording, "host.again").total - calls_of(&recording, "host.nap").total;
    assert!(around <= own, "{around:?} of {own:?} at the outer call");
    let run = recording.run.as_ref().unwrap();
    let sum = total(&recording, Event::Wait) + total(&recording, Event::Ready) + run.cpu.unwrap();
    assert!(sum <= run.duration.mul_f64(1.01), "{sum:?} of {:?}", run.duration);
}

#[test]
fn nothing_is_recorded_of_waits_when_they_are_not_wanted() {
    let _exclusive = exclusive();
    let session = session();
    let guest = session.load(&napping()).unwrap();
    let mut store = session.new_store(());
    let nap = Func::wrap(&mut store, |_: i32| sleep(NAP));
    let again = Func::wrap(&mut store, |_: i32| {});
    let instance = Instance::new(&mut store, &guest, &[nap.into(), again.into()]).unwrap();
    let run = instance.get_typed_func::<i32, ()>(&mut store, "outer").unwrap();
    let recorder = session.record(SamplerConfig { waits: false, ..SamplerConfig::default() }).unwrap();
    run.call(&mut store, 2).unwrap();
    let recording = recorder.stop().unwrap();
    assert_eq!((recording.total_count(Event::Wait), recording.total_count(Event::Ready)), (0, 0));
    assert_eq!(recording.host_calls[0].count, 2);
}

#[test]
fn a_call_that_does_not_return_shows_in_every_cut_with_the_time_since_the_last() {
    hang_after(1);
}

#[test]
fn a_call_that_was_always_short_shows_as_well_when_it_does_not_return() {
    hang_after(5000);
}

/// Lets the last of so many calls hang, and looks at it from outside.
fn hang_after(calls: i32) {
    let _exclusive = exclusive();
    let session = session();
    let guest = session.load(&napping()).unwrap();
    let (go, gone) = mpsc::channel::<()>();
    let (begun, begins) = mpsc::channel();
    let mut store = session.new_store(());
    let gone = std::sync::Mutex::new(gone);
    let nap = Func::wrap(&mut store, move |left: i32| {
        if left == 1 {
            begun.send(()).unwrap();
            let _ = gone.lock().unwrap().recv();
        }
    });
    let again = Func::wrap(&mut store, |_: i32| {});
    let instance = Instance::new(&mut store, &guest, &[nap.into(), again.into()]).unwrap();
    let run = instance.get_typed_func::<i32, ()>(&mut store, "outer").unwrap();
    let recorder = session.record(SamplerConfig::default()).unwrap();
    let began = Instant::now();
    let guest_thread = std::thread::spawn(move || {
        run.call(&mut store, calls).unwrap();
        drop(store);
    });
    begins.recv().unwrap();
    let mut sum = Duration::ZERO;
    for _ in 0..2 {
        let mut found = Duration::ZERO;
        until("time in the call", || {
            let cut = recorder.cut().unwrap();
            let wait = times(&cut, Event::Wait);
            let is_the_call = |stack: &str| stack == "outer;nap;host.nap";
            assert!(wait.iter().all(|(stack, _)| is_the_call(stack)), "{wait:?}");
            found += off_cpu_at(&cut, "outer;nap;host.nap");
            found >= Duration::from_millis(2)
        });
        sum += found;
    }
    drop(go);
    guest_thread.join().unwrap();
    let recording = recorder.stop().unwrap();
    sum += off_cpu_at(&recording, "outer;nap;host.nap");
    let elapsed = began.elapsed();
    assert!(sum >= Duration::from_millis(4) && sum <= elapsed, "{sum:?} of {elapsed:?}");
}

#[test]
fn a_call_that_is_open_at_the_end_counts_with_its_time_until_then() {
    let _exclusive = exclusive();
    let session = session();
    let guest = session.load(&napping()).unwrap();
    let (go, gone) = mpsc::channel::<()>();
    let (begun, begins) = mpsc::channel();
    let mut store = session.new_store(());
    let gone = std::sync::Mutex::new(gone);
    let nap = Func::wrap(&mut store, move |left: i32| {
        if left == 1 {
            begun.send(Instant::now()).unwrap();
            let _ = gone.lock().unwrap().recv();
        }
    });
    let again = Func::wrap(&mut store, |_: i32| {});
    let instance = Instance::new(&mut store, &guest, &[nap.into(), again.into()]).unwrap();
    let run = instance.get_typed_func::<i32, ()>(&mut store, "outer").unwrap();
    let recorder = session.record(SamplerConfig::default()).unwrap();
    let guest_thread = std::thread::spawn(move || run.call(&mut store, 3).unwrap());
    let began: Instant = begins.recv().unwrap();
    sleep(NAP);
    let least = began.elapsed();
    let recording = recorder.stop().unwrap();
    drop(go);
    guest_thread.join().unwrap();
    let calls = calls_of(&recording, "host.nap");
    assert!(calls.count == 3 && calls.max >= least.mul_f64(0.99) && calls.total >= calls.max, "{least:?} {calls:?}");
}

#[test]
fn an_async_call_waits_until_it_is_woken_and_is_ready_until_it_is_polled() {
    let _exclusive = exclusive();
    let session = session();
    let guest = session.load(&napping()).unwrap();
    let mut linker = Linker::new(session.engine());
    // Ready at the second poll; the waker of the first is handed out.
    let (hand_out, wakers) = mpsc::channel::<Waker>();
    linker
        .func_wrap_async("host", "nap", move |_: Caller<'_, ()>, (_,): (i32,)| {
            let (hand_out, mut is_second) = (hand_out.clone(), false);
            Box::new(std::future::poll_fn(move |context| {
                hand_out.send(context.waker().clone()).unwrap();
                if std::mem::replace(&mut is_second, true) { Poll::Ready(()) } else { Poll::Pending }
            }))
        })
        .unwrap();
    linker.func_wrap("host", "again", |_: i32| {}).unwrap();
    let mut store = Store::new(session.engine(), ());
    let attached = session.attach(&mut store);
    let recorder = session.record(SamplerConfig::default()).unwrap();
    let call = async {
        let instance = linker.instantiate_async(&mut store, &guest).await.unwrap();
        let run = instance.get_typed_func::<i32, ()>(&mut store, "outer").unwrap();
        run.call_async(&mut store, 1).await.unwrap();
    };
    let mut call = Box::pin(attached.sampled(call));
    let mut context = Context::from_waker(Waker::noop());
    let (asleep, woken) = (Duration::from_millis(30), Duration::from_millis(10));
    // Each time lies between two that are measured here, within and around it, however busy the machine is.
    let began = Instant::now();
    assert!(call.as_mut().poll(&mut context).is_pending());
    sleep(asleep);
    let before_wake = Instant::now();
    wakers.recv().unwrap().wake();
    let at_most_waited = began.elapsed();
    sleep(woken);
    assert!(call.as_mut().poll(&mut context).is_ready());
    let at_most_ready = before_wake.elapsed();
    drop(call);
    let recording = recorder.stop().unwrap();
    let stack = "outer;nap;host.nap";
    let (wait, ready) = (off_cpu_of(&recording, Event::Wait, stack), off_cpu_of(&recording, Event::Ready, stack));
    let is_within =
        |found: Duration, least: Duration, most: Duration| found >= least.mul_f64(0.99) && found <= most.mul_f64(1.01);
    assert!(is_within(wait, asleep, at_most_waited), "{wait:?}: {asleep:?} to {at_most_waited:?}");
    assert!(is_within(ready, woken, at_most_ready), "{ready:?}: {woken:?} to {at_most_ready:?}");
    let not_scheduled = off_cpu_of(&recording, Event::Ready, "[not scheduled]");
    assert_eq!((total(&recording, Event::Wait), total(&recording, Event::Ready)), (wait, ready + not_scheduled));
}
