//! Async guests: stacks on fibers, which are suspended and go on on another thread.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use wasmscope::{Guest, ProfileSession, SamplerConfig};
use wasmscope_model::{Event, Recording, SampleContext};
use wasmscope_testkit::exclusive::exclusive;
use wasmscope_testkit::patience::until;
use wasmtime::{Caller, Linker, Module, Store};

/// Works and rests in turns, from a function that is entered by the host, and again by the host within a host call.
const GUEST: &str = r#"(module
    (import "host" "rest" (func $rest))
    (import "host" "again" (func $again (param i32)))
    (func $spin (param $n i32)
        (loop (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func $turn (param $n i32) (call $spin (local.get $n)) (call $rest))
    (func $run (export "run") (param $turns i32) (param $n i32)
        (loop
            (call $turn (local.get $n))
            (br_if 0 (local.tee $turns (i32.sub (local.get $turns) (i32.const 1))))))
    (func $outer (export "outer") (param $turns i32) (call $again (local.get $turns)))
    (func $inner (export "inner") (param $turns i32) (call $run (local.get $turns) (i32.const 2000))))"#;

struct Host {
    session: ProfileSession,
    module: Module,
    linker: Linker<()>,
}

impl Host {
    fn new() -> Arc<Self> {
        let session = ProfileSession::builder().build().unwrap();
        let module = session.load(&Guest::from_bytes("fibers.wat", GUEST.as_bytes()).unwrap()).unwrap();
        let mut linker = Linker::new(session.engine());
        linker.func_wrap_async("host", "rest", |_: Caller<'_, ()>, (): ()| Box::new(tokio::task::yield_now())).unwrap();
        linker
            .func_wrap_async("host", "again", |mut caller: Caller<'_, ()>, (turns,): (i32,)| {
                Box::new(async move {
                    let inner = caller.get_export("inner").and_then(wasmtime::Extern::into_func).unwrap();
                    inner.typed::<i32, ()>(&caller).unwrap().call_async(&mut caller, turns).await.unwrap();
                })
            })
            .unwrap();
        Arc::new(Self { session, module, linker })
    }

    /// Runs one guest in a store of its own.
    async fn run(&self, turns: i32, spins: i32, labels: SampleContext) {
        let mut store = Store::new(self.session.engine(), ());
        let attached = self.session.attach(&mut store);
        let call = async {
            let instance = self.linker.instantiate_async(&mut store, &self.module).await.unwrap();
            let run = instance.get_typed_func::<(i32, i32), ()>(&mut store, "run").unwrap();
            run.call_async(&mut store, (turns, spins)).await.unwrap();
        };
        attached.sampled_for(labels, Box::pin(call)).await;
    }

    async fn run_nested(&self, turns: i32) {
        let mut store = Store::new(self.session.engine(), ());
        let attached = self.session.attach(&mut store);
        let call = async {
            let instance = self.linker.instantiate_async(&mut store, &self.module).await.unwrap();
            let outer = instance.get_typed_func::<i32, ()>(&mut store, "outer").unwrap();
            outer.call_async(&mut store, turns).await.unwrap();
        };
        attached.sampled(Box::pin(call)).await;
    }
}

fn two_workers() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

/// Runs tasks side by side, each to its end.
fn run_all(runtime: &Runtime, tasks: impl Iterator<Item = impl Future<Output = ()> + Send + 'static>) {
    let tasks: Vec<_> = tasks.map(|task| runtime.spawn(task)).collect();
    runtime.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
}

fn fast() -> SamplerConfig {
    SamplerConfig { rate_hz: 9973, ..SamplerConfig::default() }
}

/// Returns the stacks of a recording, outermost first, without what the host calls are named by.
fn guest_stacks(recording: &Recording) -> Vec<(String, u64)> {
    let name = |location: &wasmscope_model::Location| {
        let function = location.lines.last().unwrap().function;
        recording.profile.functions[function.0 as usize].name.clone()
    };
    let rows = recording.rows(Event::Cpu);
    rows.map(|row| (recording.stack(row.stack).rev().map(name).collect::<Vec<_>>().join(";"), row.count)).collect()
}

/// Asserts that every stack begins with one of `roots`, and that nothing was lost on the way to it.
fn assert_rooted(recording: &Recording, roots: &[&str]) {
    for (stack, count) in guest_stacks(recording) {
        assert!(roots.iter().any(|root| stack.starts_with(root)), "{count} x {stack}");
    }
    let losses = &recording.losses;
    assert_eq!((losses.outer_unknown, losses.broken_stack, losses.unknown_code), (0, 0, 0), "{losses:?}");
}

fn samples_in(recording: &Recording, part: &str) -> u64 {
    guest_stacks(recording).iter().filter(|(stack, _)| stack.contains(part)).map(|(_, count)| count).sum()
}

#[test]
fn stacks_stay_whole_over_two_times_16000_switches() {
    let _exclusive = exclusive();
    let (host, runtime) = (Host::new(), two_workers());
    let recorder = host.session.record(fast()).unwrap();
    run_all(
        &runtime,
        (0..2).map(|_| host.clone()).map(|host| async move {
            host.run(16_000, 20_000, SampleContext::default()).await;
        }),
    );
    let recording = recorder.stop().unwrap();
    assert_rooted(&recording, &["run", "[wasm trampoline]"]);
    assert!(samples_in(&recording, "run;turn;spin") > 500, "{:?}", guest_stacks(&recording));
}

#[test]
fn a_guest_that_was_entered_in_a_host_call_keeps_its_outer_part_over_suspensions() {
    let _exclusive = exclusive();
    let (host, runtime) = (Host::new(), two_workers());
    let recorder = host.session.record(fast()).unwrap();
    run_all(&runtime, (0..3).map(|_| host.clone()).map(|host| async move { host.run_nested(20_000).await }));
    let recording = recorder.stop().unwrap();
    assert_rooted(&recording, &["outer", "[wasm trampoline]"]);
    assert!(samples_in(&recording, "outer;host.again;inner;run;turn;spin") > 50, "{:?}", guest_stacks(&recording));
}

#[test]
fn stores_come_and_go_and_futures_are_dropped_halfway() {
    let _exclusive = exclusive();
    let (host, runtime) = (Host::new(), two_workers());
    let recorder = host.session.record(fast()).unwrap();
    runtime.block_on(async {
        for round in 0..250 {
            let tasks: Vec<_> = (0..8)
                .map(|task| {
                    let host = host.clone();
                    tokio::spawn(async move {
                        let run = host.run(20, 3_000, SampleContext::default());
                        let mut run = std::pin::pin!(run);
                        // Some are dropped while their guest rests.
                        for _ in 0..(if task % 3 == 0 { round % 15 } else { 0 }) {
                            if futures_poll(run.as_mut()).await {
                                return;
                            }
                        }
                        if task % 3 != 0 {
                            run.await;
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        }
    });
    let recording = recorder.stop().unwrap();
    assert_rooted(&recording, &["run", "[wasm trampoline]"]);
    assert!(samples_in(&recording, "run;turn;spin") > 100);
}

/// Polls once, lets others run, and tells whether the future is done.
async fn futures_poll(mut future: std::pin::Pin<&mut (impl Future<Output = ()> + Send)>) -> bool {
    let done = std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context).is_ready())).await;
    tokio::task::yield_now().await;
    done
}

#[test]
fn without_the_wrapper_resumed_guests_are_marked_and_nothing_else_goes_wrong() {
    let _exclusive = exclusive();
    let (host, runtime) = (Host::new(), two_workers());
    let recorder = host.session.record(fast()).unwrap();
    run_all(
        &runtime,
        (0..4).map(|_| host.clone()).map(|host| async move {
            let mut store = Store::new(host.session.engine(), ());
            host.session.attach(&mut store);
            let instance = host.linker.instantiate_async(&mut store, &host.module).await.unwrap();
            let run = instance.get_typed_func::<(i32, i32), ()>(&mut store, "run").unwrap();
            run.call_async(&mut store, (2_000, 20_000)).await.unwrap();
        }),
    );
    let recording = recorder.stop().unwrap();
    for (stack, count) in guest_stacks(&recording) {
        let known = ["run", "[outer part unknown]", "[broken stack]", "[wasm trampoline]"];
        assert!(known.iter().any(|root| stack.starts_with(root)), "{count} x {stack}");
    }
}

#[test]
fn a_handle_that_is_used_for_a_foreign_future_does_no_harm() {
    let _exclusive = exclusive();
    let host = Host::new();
    let mut store = Store::new(host.session.engine(), ());
    let attached = host.session.attach(&mut store);
    let recorder = host.session.record(fast()).unwrap();
    let runtime = two_workers();
    let (begun, is_begun) = std::sync::mpsc::channel();
    let (done, is_done) = std::sync::mpsc::channel::<()>();
    // A future that has nothing to do with the store is polled on one thread, under its name,
    let pretender = runtime.spawn(attached.clone().sampled(async move {
        begun.send(()).unwrap();
        let mut sum = 0u64;
        while is_done.try_recv().is_err() {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        sum
    }));
    is_begun.recv().unwrap();
    // while the store works on another.
    runtime.block_on(async {
        let instance = host.linker.instantiate_async(&mut store, &host.module).await.unwrap();
        let run = instance.get_typed_func::<(i32, i32), ()>(&mut store, "run").unwrap();
        run.call_async(&mut store, (3_000, 20_000)).await.unwrap();
    });
    drop(store);
    done.send(()).unwrap();
    runtime.block_on(pretender).unwrap();
    // The store is gone; the handle is still there.
    runtime.block_on(attached.sampled(tokio::task::yield_now()));
    let recording = recorder.stop().unwrap();
    assert_eq!(recording.losses.broken_stack, 0);
    assert!(samples_in(&recording, "turn;spin") > 0);
}

#[test]
fn samples_say_what_their_poll_worked_for_and_others_do_not() {
    let _exclusive = exclusive();
    let (host, runtime) = (Host::new(), two_workers());
    let recorder = host.session.record(fast()).unwrap();
    let labels = |request| SampleContext { request, span_id: request * 10, ..SampleContext::default() };
    let mut seen = std::collections::BTreeSet::new();
    // The last sample of a thread is of one of these, sooner or later: each works most of its time.
    until("a sample of each request", || {
        run_all(
            &runtime,
            [1, 2]
                .map(|request| (host.clone(), labels(request)))
                .into_iter()
                .map(|(host, labels)| async move { host.run(50, 200_000, labels).await }),
        );
        seen.extend(recorder.last_samples().iter().map(|sample| (sample.context.request, sample.context.span_id)));
        seen.contains(&(1, 10)) && seen.contains(&(2, 20))
    });
    assert!(seen.iter().all(|labels| [(0, 0), (1, 10), (2, 20)].contains(labels)), "{seen:?}");
}
