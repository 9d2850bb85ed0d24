//! The whole engine on a guest in assembly: timers, threads, accounts, dispositions.
#![cfg(target_arch = "x86_64")]
#![allow(unsafe_code, reason = "signals are raised and dispositions are asked for")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(missing_docs, reason = "a test binary has no readers of its documentation")]

mod assembly_guest;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use assembly_guest::{Names, Store, publish};
use wasmscope_model::{ByteSize, Event, NativeAddress, Recording, SampleContext, TimerKind};
use wasmscope_profiler::{
    CodeRegistry, Error, RawRecording, RunningSampler, Sampler, SamplerConfig, export, set_labels,
};

/// SIGPROF belongs to the whole process, so these tests take turns.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn start(rate_hz: u32, timer: Option<TimerKind>) -> Result<RunningSampler, Error> {
    let registry = CodeRegistry::new();
    publish(&registry);
    Sampler::start(SamplerConfig { rate_hz, timer, ..SamplerConfig::default() }, registry)
}

fn counter(sampler: &RunningSampler, name: &str) -> u64 {
    sampler.counters().iter().find(|counter| counter.name == name).map_or(0, |counter| counter.value)
}

fn burn_until_signals(sampler: &RunningSampler, wanted: u64) {
    on_a_thread_of_its_own(|| {
        let store = Store::default();
        while counter(sampler, "signals") < wanted {
            store.run(13, 5_000_000);
        }
    });
}

/// Runs a guest where it leaves no sampled thread behind: a test's own thread ends some time after its turn.
fn on_a_thread_of_its_own(run: impl FnOnce() + Send) {
    std::thread::scope(|scope| scope.spawn(run).join().unwrap());
}

/// Every tick of an exact timer is a sample, a tick outside the guest, or a counted loss.
fn assert_accounted(recording: &RawRecording) {
    let counted = recording.samples() + recording.losses.outside_guest + recording.losses.dropped_ring_full;
    assert_eq!(counted, recording.run.signals, "{:?}", recording.losses);
}

#[test]
fn each_timer_delivers_and_its_samples_amount_to_the_cpu_time() {
    let _turn = turn();
    for timer in TimerKind::OF_SIGNALS {
        let sampler = match start(997, Some(timer)) {
            Ok(sampler) => sampler,
            Err(error) if timer == TimerKind::PerfTaskClock => {
                println!("skipped here: {error}");
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        assert_eq!(sampler.timer().unwrap().0, timer);
        burn_until_signals(&sampler, 100);
        let recording = sampler.stop().unwrap();
        let periods = recording.samples() + recording.losses.outside_guest + recording.losses.dropped_ring_full;
        let seen = Duration::from_nanos(1_000_000_000 / 997) * u32::try_from(periods).unwrap();
        let cpu = recording.run.cpu.unwrap();
        let missing = Duration::from_nanos(1_000_000_000 / 997) * recording.losses.merged_signals as u32;
        println!("{timer}: {} signals, {seen:?} of {cpu:?}, {missing:?} missing", recording.run.signals);
        // A CPU timer is checked at the kernel's tick, at least 100 a second: it may be that much behind at the end.
        let slack = Duration::from_millis(15) + cpu / 50;
        assert!(seen <= cpu + slack, "{timer}: {seen:?} of {cpu:?}");
        // Where the timer may not sample the kernel, a note tells how much of the time passed there instead.
        let unseen_kernel = recording.run.notes.iter().any(|note| note.contains("in system calls"));
        assert!(unseen_kernel || seen + missing + slack >= cpu, "{timer}: {seen:?} and {missing:?} of {cpu:?}");
    }
}

#[test]
fn threads_that_come_and_go_lose_no_tick() {
    let _turn = turn();
    let sampler = start(5_000, None).unwrap();
    let mut threads = 0;
    while counter(&sampler, "signals") < 2_000 {
        let round = [(); 4].map(|()| std::thread::spawn(|| Store::default().run(13, 4_000_000)));
        round.into_iter().for_each(|thread| thread.join().unwrap());
        threads += 4;
    }
    let recording = sampler.stop().unwrap();
    assert_accounted(&recording);
    assert_eq!(recording.run.threads, threads);
    let losses = &recording.losses;
    assert_eq!((losses.unregistered_thread, losses.threads_not_sampled, losses.broken_stack), (0, 0, 0));
    let recording = recording.symbolize(&mut Names);
    assert_every_sample_has_a_time(&recording);
    let shares: Vec<_> = shares(&recording);
    assert!(shares.iter().any(|(name, own, _)| name == "leaf" && *own > 0.95), "{shares:?}");
}

fn assert_every_sample_has_a_time(recording: &Recording) {
    let timeline = recording.timeline.as_ref().unwrap();
    let mut timed = vec![(0, 0); recording.profile.samples.len()];
    for point in &timeline.points {
        let (count, amount) = &mut timed[point.row as usize];
        (*count, *amount) = (*count + point.count, *amount + point.amount);
    }
    for (row, timed) in recording.profile.samples.iter().zip(timed) {
        // What only the scheduler counted has no time.
        let expected = if row.event == Event::Cpu { (row.count, row.amount) } else { (0, 0) };
        assert_eq!(timed, expected, "{}", row.event);
    }
    let last = timeline.points.iter().map(|point| point.bucket).max().unwrap_or(0);
    let end = recording.run.as_ref().unwrap().duration.as_nanos();
    assert!(u128::from(last) * u128::from(timeline.bucket_nanos) <= end, "{last} of {end}");
    assert!(timeline.threads.iter().all(|thread| thread.tid != 0), "{:?}", timeline.threads);
}

/// Name, self share and total share of each function.
fn shares(recording: &Recording) -> Vec<(String, f64, f64)> {
    let all = recording.total_count(Event::Cpu) as f64;
    let totals = export::function_totals(recording, Event::Cpu);
    let name = |id: wasmscope_model::FunctionId| recording.profile.functions[id.0 as usize].name.clone();
    totals.iter().map(|t| (name(t.function), t.own as f64 / all, t.total as f64 / all)).collect()
}

#[test]
fn stacks_reach_the_entry_and_a_stop_in_the_middle_of_work_loses_no_tick() {
    let _turn = turn();
    let sampler = start(10_000, None).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let workers = [(); 3].map(|()| {
        let stop = stop.clone();
        std::thread::spawn(move || {
            let store = Store::default();
            while !stop.load(Ordering::Relaxed) {
                store.run(13, 100_000);
            }
        })
    });
    let mut sums = (0, 0);
    for _ in 0..50 {
        while counter(&sampler, "signals") < 100 {
            std::thread::yield_now();
        }
        let cut = sampler.cut().unwrap();
        sums.0 += cut.run.signals;
        sums.1 += cut.samples() + cut.losses.outside_guest + cut.losses.dropped_ring_full;
    }
    let last = sampler.stop().unwrap();
    stop.store(true, Ordering::Relaxed);
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    sums.0 += last.run.signals;
    sums.1 += last.samples() + last.losses.outside_guest + last.losses.dropped_ring_full;
    assert_eq!(sums.0, sums.1, "over all cuts every tick is accounted for");
    assert_eq!(last.losses.broken_stack, 0);
}

#[test]
fn signals_from_elsewhere_are_no_samples() {
    let _turn = turn();
    let sampler = start(99, None).unwrap();
    on_a_thread_of_its_own(|| {
        Store::default().run(1, 1);
        for _ in 0..500 {
            // SAFETY: the sampler's handler is installed, so the signal does no harm.
            unsafe { libc::raise(libc::SIGPROF) };
        }
    });
    let recording = sampler.stop().unwrap();
    assert!(recording.run.signals < 100, "{} signals", recording.run.signals);
    assert_accounted(&recording);
    assert!(
        recording.run.notes.iter().any(|note| note.starts_with("500 SIGPROF signals")),
        "{:?}",
        recording.run.notes
    );
}

#[test]
fn code_that_is_loaded_and_dropped_meanwhile_disturbs_no_sample() {
    let _turn = turn();
    let registry = CodeRegistry::new();
    publish(&registry);
    let config = SamplerConfig { rate_hz: 10_000, ..SamplerConfig::default() };
    let sampler = Sampler::start(config, registry.clone()).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let churn = std::thread::spawn({
        let stop = stop.clone();
        move || {
            let at = |number: u64| NativeAddress::new(0x1000 + (number % 64) * 0x1000);
            let mut number = 0;
            // Some tables in any case, however seldom this thread gets to run.
            while number < 1_000 || !stop.load(Ordering::Relaxed) {
                registry.publish(at(number), ByteSize::new(0x800));
                if number >= 32 {
                    registry.retire(at(number - 32));
                }
                number += 1;
            }
            number
        }
    });
    burn_until_signals(&sampler, 3_000);
    let recording = sampler.stop().unwrap();
    stop.store(true, Ordering::Relaxed);
    assert!(churn.join().unwrap() >= 1_000);
    assert_accounted(&recording);
    assert_eq!((recording.losses.unknown_code, recording.losses.broken_stack), (0, 0));
    let shares = shares(&recording.symbolize(&mut Names));
    assert!(shares.iter().any(|(name, own, _)| name == "leaf" && *own > 0.95), "{shares:?}");
}

fn disposition() -> usize {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null new action asks only.
    unsafe { libc::sigaction(libc::SIGPROF, std::ptr::null(), action.as_mut_ptr()) };
    // SAFETY: a zeroed sigaction is a valid one, filled or not.
    unsafe { action.assume_init() }.sa_sigaction
}

fn set_disposition(handler: usize) {
    // SAFETY: the handlers that the tests set take a signal's number and have no effect.
    unsafe { libc::signal(libc::SIGPROF, handler) };
}

#[test]
fn what_was_done_about_the_signal_before_is_done_again_after() {
    let _turn = turn();
    for before in [libc::SIG_DFL, libc::SIG_IGN] {
        set_disposition(before);
        let sampler = start(5_000, None).unwrap();
        assert!(disposition() > 1);
        burn_until_signals(&sampler, 20);
        assert!(matches!(start(99, None), Err(Error::AlreadyRunning)));
        drop(sampler);
        assert_eq!(disposition(), before);
    }
    set_disposition(libc::SIG_DFL);
}

#[test]
fn a_signal_that_is_taken_is_refused_by_name_and_left_alone() {
    let _turn = turn();
    let taken = libc::abs as *const () as usize;
    set_disposition(taken);
    let error = start(99, None).unwrap_err().to_string();
    assert_eq!(disposition(), taken);
    set_disposition(libc::SIG_DFL);
    assert!(error.starts_with("SIGPROF is already handled by abs in /"), "{error}");
    assert!(error.contains("libc"), "{error}");
}

#[test]
fn a_rate_can_be_changed_while_threads_run() {
    let _turn = turn();
    let sampler = start(99, None).unwrap();
    burn_until_signals(&sampler, 5);
    let before = sampler.set_rate(5_000).unwrap();
    assert_eq!(before.run.rate_hz, 99);
    assert!(before.run.signals >= 5, "what was recorded before is handed over");
    assert_accounted(&before);
    assert_eq!(sampler.rate_hz(), 5_000);
    burn_until_signals(&sampler, 200);
    assert!(matches!(sampler.set_rate(0), Err(Error::RateOutOfRange { .. })));
    let recording = sampler.stop().unwrap();
    assert_eq!(recording.run.rate_hz, 5_000);
    assert_accounted(&recording);
}

#[test]
fn a_child_that_was_forked_while_sampling_leaves_nothing_ticking_after_the_stop() {
    let _turn = turn();
    let sampler = start(997, None).unwrap();
    burn_until_signals(&sampler, 10);
    on_a_thread_of_its_own(|| {
        let store = Store::default();
        store.run(13, 1_000_000);
        // SAFETY: the child calls nothing but async-signal-safe functions.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: as above; it waits to be killed.
            unsafe { libc::pause() };
            // SAFETY: as above.
            unsafe { libc::_exit(0) };
        }
        sampler.stop().unwrap();
        // With a tick left, the default disposition of SIGPROF would end this process.
        store.run(13, 100_000_000);
        // SAFETY: the child is ours and has not been waited for.
        unsafe { libc::kill(child, libc::SIGKILL) };
        // SAFETY: a null status is allowed.
        unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    });
}

#[test]
fn samples_carry_what_their_thread_works_for() {
    let _turn = turn();
    let sampler = start(997, None).unwrap();
    let labels =
        SampleContext { request: 7, trace_id: (1 << 100) | 5, span_id: 9, guest_task: 11, ..SampleContext::default() };
    on_a_thread_of_its_own(|| {
        set_labels(&labels);
        let store = Store::default();
        while sampler.last_samples().is_empty() {
            store.run(13, 5_000_000);
        }
        let context = sampler.last_samples()[0].context;
        assert_eq!(SampleContext { store: 0, ..context }, labels);
    });
    sampler.stop().unwrap();
}
