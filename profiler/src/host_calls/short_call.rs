//! The call that a store is in, when it is one that is usually short: told to other threads at the least cost, so that one
//! that does not return is seen all the same.

use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use wasmscope_signal::{End, ExitPoint, OffCpu, call_record_of};

use crate::guest_time::GuestTime;
use crate::sys::{self, Tid};
use crate::threads;

/// Frames of a stack that is read from outside, at most.
const MAX_FRAMES: usize = 512;

/// Where the call left, written by the thread that is in it.
#[derive(Debug, Default)]
pub(super) struct ShortCall {
    /// When it began, which tells it from others; 0 while there is none.
    began: AtomicU64,
    exit_fp: AtomicUsize,
    exit_pc: AtomicUsize,
    entry_fp: AtomicUsize,
    waited_before: AtomicU64,
    ready_before: AtomicU64,
    /// The tag of the thread that is in it.
    thread: AtomicUsize,
}

/// What another thread saw of the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SeenCall {
    pub(super) began: u64,
    pub(super) exit: ExitPoint,
    /// What the store's suspensions had come to when it began.
    pub(super) suspended_before: OffCpu,
    pub(super) thread: usize,
}

impl ShortCall {
    /// Tells of a call that [`ShortCall::begin`] begins. Only one thread at a time may.
    pub(super) fn tell(&self, exit: ExitPoint, suspended: OffCpu) {
        self.exit_fp.store(exit.exit_fp, Ordering::Relaxed);
        self.exit_pc.store(exit.exit_pc, Ordering::Relaxed);
        self.entry_fp.store(exit.entry_fp, Ordering::Relaxed);
        self.waited_before.store(suspended.wait, Ordering::Relaxed);
        self.ready_before.store(suspended.ready, Ordering::Relaxed);
        self.thread.store(thread_tag(), Ordering::Relaxed);
    }

    /// Tells that it begins.
    pub(super) fn begin(&self, began: u64) {
        self.began.store(began, Ordering::Release);
    }

    /// Tells that there is none any more.
    pub(super) fn end(&self) {
        self.began.store(0, Ordering::Release);
    }

    /// Returns the call, if there is one that began before `before`.
    pub(super) fn seen(&self, before: u64) -> Option<SeenCall> {
        let began = self.began.load(Ordering::Acquire);
        let exit = ExitPoint {
            exit_fp: self.exit_fp.load(Ordering::Acquire),
            exit_pc: self.exit_pc.load(Ordering::Acquire),
            entry_fp: self.entry_fp.load(Ordering::Acquire),
        };
        let suspended_before = OffCpu {
            wait: self.waited_before.load(Ordering::Acquire),
            ready: self.ready_before.load(Ordering::Acquire),
        };
        let thread = self.thread.load(Ordering::Acquire);
        let is_one_call = began != 0 && self.began.load(Ordering::Acquire) == began;
        (is_one_call && began < before).then_some(SeenCall { began, exit, suspended_before, thread })
    }

    /// Returns the record of the call's stack, as far as it can be read while the call goes on.
    ///
    /// # Accuracy
    ///
    /// What lies around the innermost activation is not known. `None` when the call returned meanwhile.
    pub(super) fn record(&self, seen: &SeenCall, store: u64) -> Option<Vec<u64>> {
        let mut returns = vec![seen.exit.exit_pc];
        let end = climb(seen.exit, &mut returns).unwrap_or(End::OuterUnknown);
        (self.began.load(Ordering::Acquire) == seen.began).then(|| call_record_of(store, end, &returns).collect())
    }
}

/// The thread that made a store's last call that has returned.
#[derive(Clone, Copy, Debug)]
pub(super) struct CallingThread {
    pub(super) tag: usize,
    pub(super) time: &'static GuestTime,
    pub(super) tid: Tid,
}

impl CallingThread {
    /// Returns the calling thread, if it is sampled; `last` where that is the same.
    pub(super) fn current(last: Option<CallingThread>) -> Option<CallingThread> {
        let tag = thread_tag();
        match last {
            Some(last) if last.tag == tag => Some(last),
            _ => Some(CallingThread { tag, time: threads::current_guest_time()?, tid: sys::current_tid() }),
        }
    }
}

/// Returns what tells the calling thread from others that live.
fn thread_tag() -> usize {
    thread_local!(static HERE: u8 = const { 0 });
    HERE.try_with(|here| std::ptr::from_ref(here).addr()).unwrap_or(0)
}

/// Follows the frame pointers from a guest's exit to its entry; `None` where that cannot be read.
///
/// The stack is another thread's, which may run on at any time: it is read through the kernel, which refuses addresses that
/// are not mapped.
fn climb(exit: ExitPoint, returns: &mut Vec<usize>) -> Option<End> {
    let memory = std::fs::File::open("/proc/self/mem").ok()?;
    let frame_at = |fp: usize| -> Option<(usize, usize)> {
        let mut bytes = [0; 2 * size_of::<usize>()];
        memory.read_exact_at(&mut bytes, u64::try_from(fp).ok()?).ok()?;
        let (caller, address) = bytes.split_first_chunk()?;
        Some((usize::from_ne_bytes(*caller), usize::from_ne_bytes(address.try_into().ok()?)))
    };
    // The first is the trampoline's through which the guest left: what it returns to is known.
    let (mut fp, _) = frame_at(exit.exit_fp)?;
    while fp != exit.entry_fp {
        let (caller, address) = frame_at(fp)?;
        if returns.len() >= MAX_FRAMES {
            return Some(End::Truncated);
        }
        if caller <= fp || caller > exit.entry_fp {
            return Some(End::Broken);
        }
        returns.push(address);
        fp = caller;
    }
    Some(End::Entry)
}
