//! The handler, driven by real signals whose origin is made up: no timer, no waiting.
#![cfg(all(target_os = "linux", target_arch = "x86_64", not(loom)))]
#![allow(unsafe_code, reason = "signals with a made-up origin are sent by a raw system call")]
#![allow(missing_docs, reason = "a test binary has no readers of its documentation")]

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, PoisonError};

use wasmscope_signal::unregistered_signals;
use wasmscope_signal::{Disposition, End, FrameTag, InstallError, Record, Ring, ThreadState, Ticks};
use wasmscope_signal::{install, previous_disposition, register_current_thread, uninstall, unregister_current_thread};

const POLL_IN: i32 = 1;

/// The calling thread, registered with a ring of its own, while the handler is installed.
struct Sampled {
    state: &'static ThreadState,
    ring: &'static Ring<'static>,
    _turn: MutexGuard<'static, ()>,
}

impl Sampled {
    fn new(ticks: Ticks) -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        install().expect("nobody else handles SIGPROF here");
        let words: &'static [AtomicU64] = Box::leak((0..64).map(|_| AtomicU64::new(0)).collect());
        let ring: &'static Ring<'static> = Box::leak(Box::new(Ring::new(words)));
        let state: &'static ThreadState = Box::leak(Box::default());
        state.prepare(ring, 8, ticks);
        register_current_thread(state).expect("the table has room");
        Self { state, ring, _turn: turn }
    }

    /// Returns the weights of the records, all of which must end outside any guest.
    fn weights(&self) -> Vec<u16> {
        let mut words = Vec::new();
        self.ring.consume(|word| words.push(word));
        let mut rest = &words[..];
        let mut weights = Vec::new();
        while let Some((record, tail)) = Record::split_first(rest).expect("records are whole") {
            assert_eq!(record.end, End::NoGuest);
            assert!(record.frames().all(|(tag, _)| tag == FrameTag::Host));
            weights.push(record.weight);
            rest = tail;
        }
        weights
    }
}

impl Drop for Sampled {
    fn drop(&mut self) {
        unregister_current_thread();
        uninstall();
    }
}

/// Sends SIGPROF to the calling thread as if it came from `code`; it is handled before this returns.
fn tick(code: i32, overrun: i32) {
    // The kernel's layout: number, errno, code, padding, then the timer's number and its overrun.
    let mut info = [0i32; 32];
    info[..6].copy_from_slice(&[libc::SIGPROF, 0, code, 0, 1, overrun]);
    // SAFETY: getpid and gettid have no preconditions.
    let (pid, tid) = (unsafe { libc::getpid() }, unsafe { libc::gettid() });
    // SAFETY: the kernel reads a siginfo, which is 128 bytes; a process may make up any for itself.
    let sent = unsafe { libc::syscall(libc::SYS_rt_tgsigqueueinfo, pid, tid, libc::SIGPROF, info.as_ptr()) };
    assert_eq!(sent, 0, "{}", std::io::Error::last_os_error());
}

#[test]
fn a_signal_in_the_middle_of_a_record_is_counted_and_harms_neither_the_record_nor_later_ones() {
    let sampled = Sampled::new(Ticks::Exact);
    let mut outer = sampled.ring.begin().unwrap();
    outer.push(0).unwrap();
    tick(POLL_IN, 0);
    (0..8).try_for_each(|_| outer.push(42)).unwrap();
    drop(outer);
    assert_eq!(sampled.state.counters.reentered.load(Relaxed), 1);
    assert_eq!(sampled.state.counters.ticks.load(Relaxed), 0);
    assert!(sampled.weights().is_empty());
    tick(POLL_IN, 0);
    assert_eq!(sampled.weights(), [1]);
}

#[test]
fn every_tick_is_recorded_or_counted_as_dropped() {
    let sampled = Sampled::new(Ticks::Exact);
    (0..100).for_each(|_| tick(POLL_IN, 0));
    let recorded = sampled.weights().len() as u64;
    let counters = &sampled.state.counters;
    assert_eq!((counters.ticks.load(Relaxed), counters.dropped_full.load(Relaxed)), (100, 100 - recorded));
    assert_eq!(recorded, 64 / 9, "a record of one frame takes nine words");
    assert_eq!(counters.handler_histogram.iter().map(|bucket| bucket.load(Relaxed)).sum::<u64>(), 100);
}

#[test]
fn a_cpu_timer_tick_weighs_its_overruns_too() {
    let sampled = Sampled::new(Ticks::Overrun);
    tick(libc::SI_TIMER, 0);
    tick(libc::SI_TIMER, 9);
    tick(libc::SI_TIMER, i32::MAX);
    assert_eq!(sampled.weights(), [1, 10, u16::MAX]);
    assert_eq!(sampled.state.counters.periods.load(Relaxed), 11 + u64::from(u16::MAX));
}

#[test]
fn a_wall_clock_tick_counts_only_when_the_thread_has_used_a_period() {
    let never = Sampled::new(Ticks::CheckCpu(u64::MAX / 4));
    (0..5).for_each(|_| tick(libc::SI_TIMER, 0));
    assert!(never.weights().is_empty());
    assert_eq!(never.state.counters.idle_ticks.load(Relaxed), 5);
    drop(never);
    let always = Sampled::new(Ticks::CheckCpu(2));
    (0..5).for_each(|_| tick(libc::SI_TIMER, 3));
    assert_eq!(always.weights(), [1; 4], "the first tick only sets the clock, and overruns are wall time");
}

#[test]
fn signals_of_another_origin_are_counted_apart() {
    for (ticks, ours) in [(Ticks::Exact, POLL_IN), (Ticks::Overrun, libc::SI_TIMER)] {
        let sampled = Sampled::new(ticks);
        let foreign = [libc::SI_USER, libc::SI_QUEUE, libc::SI_TKILL, libc::SI_KERNEL, libc::SI_MESGQ];
        foreign.iter().for_each(|code| tick(*code, 0));
        assert!(sampled.weights().is_empty());
        assert_eq!(sampled.state.counters.foreign_signals.load(Relaxed), 5);
        tick(ours, 0);
        assert_eq!(sampled.weights(), [1]);
    }
}

#[test]
fn a_thread_without_a_state_or_a_ring_is_left_alone_and_errno_is_kept() {
    let sampled = Sampled::new(Ticks::Exact);
    sampled.state.retire();
    tick(POLL_IN, 0);
    assert!(sampled.weights().is_empty());
    assert!(!sampled.state.activations.is_read());
    unregister_current_thread();
    let before = unregistered_signals();
    // SAFETY: errno's address is valid on every thread.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    unsafe { errno.write(77) };
    tick(POLL_IN, 0);
    // SAFETY: as above.
    assert_eq!(unsafe { errno.read() }, 77);
    assert_eq!(unregistered_signals(), before + 1);
}

#[test]
fn the_handler_is_installed_once_and_leaves_the_default_behind() {
    let sampled = Sampled::new(Ticks::Exact);
    assert_eq!(install(), Err(InstallError::AlreadyInstalled));
    assert!(matches!(previous_disposition(), Disposition::Handler(_)));
    uninstall();
    assert_eq!(previous_disposition(), Disposition::Default);
    uninstall();
    drop(sampled);
}
