//! Time off the CPU: what host calls wait, and what guests are ready, at the stacks of the calls.

use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread::sleep;
use std::time::{Duration, Instant};

use wasmscope::{Guest, SamplerConfig};
use wasmscope_model::{Event, Recording};
use wasmscope_testkit::exclusive::exclusive;
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

/// Returns the time off the CPU at exactly this stack.
fn off_cpu_at(recording: &Recording, stack: &str) -> Duration {
    let both = [Event::Wait, Event::Ready].into_iter().flat_map(|event| times(recording, event));
    both.filter(|(found, _)| found == stack).map(|(_, time)| time).sum()
}

fn total(recording: &Recording, event: Event) -> Duration {
    Duration::from_nanos(recording.total_amount(event))
}

/// What a host that naps when it is told to has measured itself.
#[derive(Default)]
struct Naps {
    /// Wall time within the host function.
    slept: Duration,
}

/// Runs an export with a host function that naps at each call for which `is_long` says so.
fn nap_with(export: &str, calls: i32, is_long: fn(i32) -> bool) -> (Recording, Naps) {
    let session = session();
    let guest = session.load(&napping()).unwrap();
    let mut store = session.new_store(Naps::default());
    let nap = Func::wrap(&mut store, move |mut caller: Caller<'_, Naps>, left: i32| {
        if is_long(left) {
            let began = Instant::now();
            sleep(NAP);
            caller.data_mut().slept += began.elapsed();
        }
    });
    let again = Func::wrap(&mut store, |mut caller: Caller<'_, Naps>, calls: i32| {
        let outer = caller.get_export("outer").and_then(wasmtime::Extern::into_func).unwrap();
        outer.typed::<i32, ()>(&caller).unwrap().call(&mut caller, calls).unwrap();
    });
    let instance = Instance::new(&mut store, &guest, &[nap.into(), again.into()]).unwrap();
    let run = instance.get_typed_func::<i32, ()>(&mut store, export).unwrap();
    let recorder = session.record(SamplerConfig::default()).unwrap();
    run.call(&mut store, calls).unwrap();
    (recorder.stop().unwrap(), store.into_data())
}

/// Asserts that so much time was found as was asked for at least, and as the host measured at most.
fn assert_between(found: Duration, asked: Duration, measured: Duration) {
    assert!(found >= asked.mul_f64(0.99) && found <= measured.mul_f64(1.01), "{found:?}: {asked:?} to {measured:?}");
}

#[test]
fn a_host_function_that_blocks_its_thread_waits_at_the_stack_of_the_call() {
    let _exclusive = exclusive();
    let (recording, host) = nap_with("outer", 20, |_| true);
    assert_between(off_cpu_at(&recording, "outer;nap;host.nap"), NAP * 20, host.slept);
    let wait = times(&recording, Event::Wait);
    assert!(wait.iter().all(|(stack, _)| stack == "outer;nap;host.nap"), "{wait:?}");
    assert_eq!(recording.total_count(Event::Wait), 20);
    assert_eq!(recording.host_calls[0].count, 20);
}

#[test]
fn long_calls_among_many_short_ones_are_all_found_and_stand_for_themselves() {
    let _exclusive = exclusive();
    let (recording, host) = nap_with("outer", 100_000, |left| left % 10_000 == 17);
    // Threads that take turns put short calls aside too, for any time: what is found may be more, and not much less.
    let found = off_cpu_at(&recording, "outer;nap;host.nap");
    let calls = &recording.host_calls[0];
    assert!(found >= (NAP * 10).mul_f64(0.99) && found <= calls.total, "{found:?} {:?} {calls:?}", host.slept);
    assert_eq!(calls.count, 100_000);
}

#[test]
fn a_nap_within_a_host_call_that_called_the_guest_again_counts_once() {
    let _exclusive = exclusive();
    let (recording, host) = nap_with("again", 10, |_| true);
    let stack = "again;host.again;outer;nap;host.nap";
    assert_between(off_cpu_at(&recording, stack), NAP * 10, host.slept);
    let around = off_cpu_at(&recording, "again;host.again");
    assert!(around < NAP, "{around:?} at the outer call");
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
        while found < Duration::from_millis(2) {
            let cut = recorder.cut().unwrap();
            let wait = times(&cut, Event::Wait);
            let is_the_call = |stack: &str| stack == "outer;nap;host.nap";
            assert!(
                wait.iter().all(|(stack, time)| is_the_call(stack) || *time < Duration::from_millis(1)),
                "{wait:?}"
            );
            found += off_cpu_at(&cut, "outer;nap;host.nap");
        }
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
    assert!(call.as_mut().poll(&mut context).is_pending());
    let (asleep, woken) = (Duration::from_millis(30), Duration::from_millis(10));
    let began = Instant::now();
    sleep(asleep);
    wakers.recv().unwrap().wake();
    sleep(woken);
    assert!(call.as_mut().poll(&mut context).is_ready());
    let elapsed = began.elapsed();
    drop(call);
    let recording = recorder.stop().unwrap();
    let (wait, ready) = (total(&recording, Event::Wait), total(&recording, Event::Ready));
    assert!(wait >= asleep.mul_f64(0.99) && ready >= woken.mul_f64(0.99), "{wait:?} {ready:?}");
    assert!(wait + ready <= elapsed.mul_f64(1.01) + Duration::from_millis(1), "{wait:?} {ready:?} {elapsed:?}");
    assert_eq!(off_cpu_at(&recording, "outer;nap;host.nap"), wait + ready);
}
