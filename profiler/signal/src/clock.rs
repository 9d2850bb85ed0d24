//! The two clocks that the handler reads.

/// Returns CLOCK_MONOTONIC in nanoseconds; zero if the kernel refuses.
///
/// # Signal safety
///
/// `clock_gettime` is async-signal-safe (signal-safety(7)).
pub(crate) fn monotonic_nanos() -> u64 {
    read(libc::CLOCK_MONOTONIC)
}

/// Returns the CPU time of the calling thread in nanoseconds; zero if the kernel refuses.
///
/// # Signal safety
///
/// As every use of `clock_gettime`; this one enters the kernel.
pub fn thread_cpu_nanos() -> u64 {
    read(libc::CLOCK_THREAD_CPUTIME_ID)
}

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a live timespec, which is all that clock_gettime asks for.
    let result = unsafe { libc::clock_gettime(clock, &mut time) };
    if result != 0 {
        return 0;
    }
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}
