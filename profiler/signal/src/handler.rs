//! The signal handler.

use core::sync::atomic::Ordering;

use crate::arch::Registers;
use crate::clock::{monotonic_nanos, thread_cpu_nanos};
use crate::code_ranges;
use crate::record::{FIXED_WORDS, header};
use crate::ring::{Dropped, Ring};
use crate::thread_state::{Counters, ThreadState, Ticks};
use crate::thread_table::{self, UNREGISTERED_SIGNALS};
use crate::walk::walk;

/// Takes one sample of the thread it runs on.
///
/// # Signal safety
///
/// No allocation, no lock, no panic; errno is kept. It leaves by the same way whatever it finds.
pub(crate) extern "C" fn on_signal(_signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: errno's address is valid for the whole life of the thread.
    let errno_address = unsafe { libc::__errno_location() };
    // SAFETY: as above; reading it has no effect.
    let errno = unsafe { errno_address.read() };
    // SAFETY: with SA_SIGINFO the kernel hands over a siginfo that lives as long as the handler.
    let info = unsafe { info.as_ref() };
    // SAFETY: with SA_SIGINFO the third argument is a ucontext_t that lives as long as the handler.
    let context = unsafe { context.cast::<libc::ucontext_t>().as_ref() };
    match (thread_table::current(), info, context) {
        (Some(state), Some(info), Some(context)) => on_tick(state, info, context),
        _ => {
            UNREGISTERED_SIGNALS.fetch_add(1, Ordering::Relaxed);
        }
    }
    // SAFETY: as above; this is the same thread.
    unsafe { errno_address.write(errno) };
}

fn on_tick(state: &ThreadState, info: &libc::siginfo_t, context: &libc::ucontext_t) {
    let _reading = state.activations.begin_reading();
    let Some(ring) = state.ring() else {
        return;
    };
    let counters = &state.counters;
    if !is_from_our_timer(state.ticks(), info.si_code) {
        Counters::add(&counters.foreign_signals, 1);
        return;
    }
    let Some(weight) = weight(state, info) else {
        Counters::add(&counters.idle_ticks, 1);
        return;
    };
    let began = monotonic_nanos();
    match record(state, ring, context, began, weight) {
        Ok(()) => {}
        Err(Dropped::Full) => Counters::add(&counters.dropped_full, u64::from(weight)),
        Err(Dropped::Reentered) => {
            Counters::add(&counters.reentered, 1);
            return;
        }
    }
    Counters::add(&counters.ticks, 1);
    Counters::add(&counters.periods, u64::from(weight));
    counters.handler_took(monotonic_nanos().saturating_sub(began));
}

/// Tells by the signal's origin whether the thread's timer can have sent it: POSIX timers say so, perf events say what
/// happened to their descriptor (a small positive number).
fn is_from_our_timer(ticks: Ticks, code: libc::c_int) -> bool {
    const POLL_IN: libc::c_int = 1;
    const POLL_HUP: libc::c_int = 6;
    match ticks {
        Ticks::Exact => (POLL_IN..=POLL_HUP).contains(&code),
        Ticks::Overrun | Ticks::CheckCpu(_) => code == libc::SI_TIMER,
    }
}

/// Returns how many periods of CPU time the tick stands for; `None` when the thread used no CPU.
fn weight(state: &ThreadState, info: &libc::siginfo_t) -> Option<u16> {
    match state.ticks() {
        Ticks::Exact => Some(1),
        Ticks::Overrun => {
            let overrun = u16::try_from(timer_overrun(info)).unwrap_or(u16::MAX);
            Some(overrun.saturating_add(1))
        }
        Ticks::CheckCpu(period) => {
            let now = thread_cpu_nanos();
            let next = state.next_cpu_nanos.load(Ordering::Relaxed);
            if now < next {
                return None;
            }
            let behind = now.saturating_sub(next).checked_div(period).unwrap_or(0);
            let first = next == 0;
            let due = if first || behind > 1 { now } else { next };
            state.next_cpu_nanos.store(due.saturating_add(period), Ordering::Relaxed);
            (!first).then_some(1)
        }
    }
}

/// Returns how many further expirations of a POSIX timer this signal stands for; zero for other signals.
fn timer_overrun(info: &libc::siginfo_t) -> i32 {
    if info.si_code != libc::SI_TIMER {
        return 0;
    }
    // SAFETY: for SI_TIMER the kernel fills the timer's members of the union.
    unsafe { info.si_overrun() }
}

fn record(
    state: &ThreadState,
    ring: &Ring<'static>,
    context: &libc::ucontext_t,
    began: u64,
    weight: u16,
) -> Result<(), Dropped> {
    let mut writer = ring.begin()?;
    let store = state.activations.current_store();
    writer.push(0)?;
    writer.push(began)?;
    state.labels().try_for_each(|label| writer.push(label))?;
    writer.push(store)?;
    const { assert!(FIXED_WORDS == 8, "a header, the time, five labels and the store were pushed") };
    let ranges = code_ranges::pin(state.ranges_hazard());
    let registers = Registers::from_context(context);
    let walked = walk(&registers, &state.activations, ranges, state.stack(), state.max_depth(), &mut writer);
    state.unpin_ranges();
    let (end, frames) = walked?;
    writer.commit(header(end, frames, weight));
    Ok(())
}
