//! Every system call and every raw pointer of this crate.
#![allow(
    unsafe_code,
    reason = "timers, perf events, clocks and freed tables are reached through libc and raw pointers"
)]

use std::cell::OnceCell;
use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::ptr;
use std::time::Duration;

use wasmscope_model::Timestamp;
use wasmscope_signal::{CodeRange, CodeRanges};

/// A thread's number in the kernel.
pub(crate) type Tid = libc::pid_t;

fn checked(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn read_clock(clock: libc::clockid_t) -> io::Result<Duration> {
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: the kernel fills the timespec it is given.
    checked(unsafe { libc::clock_gettime(clock, time.as_mut_ptr()) })?;
    // SAFETY: two zeroed integers are a valid timespec, filled or not.
    let time = unsafe { time.assume_init() };
    Ok(Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap_or(0)))
}

/// Returns the time on CLOCK_MONOTONIC.
pub fn now() -> Timestamp {
    let since = read_clock(libc::CLOCK_MONOTONIC).unwrap_or_default();
    Timestamp::from_monotonic_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// Returns the processor's time stamp counter; `None` where there is none that we know.
#[inline]
pub(crate) fn time_stamp_counter() -> Option<u64> {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the instruction has no preconditions; user code may run it unless the process has asked for a signal instead.
    let ticks = Some(unsafe { std::arch::x86_64::_rdtsc() });
    #[cfg(not(target_arch = "x86_64"))]
    let ticks = None;
    ticks
}

/// Returns how long the calling thread was runnable without running, since it began; `None` where the kernel does not
/// count it. Takes about a microsecond.
pub(crate) fn run_delay() -> Option<Duration> {
    thread_local!(static SCHEDSTAT: OnceCell<Option<File>> = const { OnceCell::new() });
    SCHEDSTAT
        .try_with(|file| {
            // Three numbers: time on a processor, time waiting for one, and turns.
            let file = file.get_or_init(|| File::open("/proc/thread-self/schedstat").ok()).as_ref()?;
            let mut text = [0; 96];
            let length = file.read_at(&mut text, 0).ok()?;
            let text = std::str::from_utf8(text.get(..length)?).ok()?;
            text.split_ascii_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
        })
        .ok()
        .flatten()
}

/// Returns the calling thread's number.
pub(crate) fn current_tid() -> Tid {
    // SAFETY: gettid has no preconditions.
    unsafe { libc::gettid() }
}

/// Returns the CPU time that a thread of this process has used.
pub(crate) fn thread_cpu_time(tid: Tid) -> io::Result<Duration> {
    read_clock(thread_cpu_clock(tid))
}

/// The kernel's number for a thread's CPU clock: the complement of the thread's number, and two kinds of bits.
fn thread_cpu_clock(tid: Tid) -> libc::clockid_t {
    const PER_THREAD_SCHED: libc::clockid_t = 6;
    (!tid << 3) | PER_THREAD_SCHED
}

/// Returns how often the kernel's tick comes, in Hz: CPU timers are checked at it and not in between.
pub(crate) fn kernel_tick_hz() -> u32 {
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: the kernel fills the timespec it is given. The coarse clocks advance once a tick.
    let result = unsafe { libc::clock_getres(libc::CLOCK_MONOTONIC_COARSE, time.as_mut_ptr()) };
    // SAFETY: two zeroed integers are a valid timespec, filled or not.
    let tick_nanos = unsafe { time.assume_init() }.tv_nsec;
    if result != 0 || tick_nanos <= 0 {
        return 100;
    }
    u32::try_from(1_000_000_000 / tick_nanos).unwrap_or(100)
}

/// Tells whether a thread of this process sleeps now, as far as the kernel tells.
pub(crate) fn is_sleeping(tid: Tid) -> bool {
    // The state is the letter behind the thread's name, which stands in parentheses and may hold some itself.
    let stat = std::fs::read_to_string(format!("/proc/self/task/{tid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    matches!(state, Some('S' | 'D'))
}

/// Asks the scheduler to prefer others to the calling thread.
pub(crate) fn lower_own_priority() {
    // SAFETY: setpriority has no preconditions; that it may fail is of no consequence.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, current_tid().cast_unsigned(), 10) };
}

/// Returns where the calling thread's stack lies; empty when the system does not tell.
pub(crate) fn current_stack() -> Range<usize> {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::zeroed();
    // SAFETY: pthread_self has no preconditions.
    let thread = unsafe { libc::pthread_self() };
    // SAFETY: the call initialises the attributes it is given, for a thread that lives: the caller.
    if unsafe { libc::pthread_getattr_np(thread, attributes.as_mut_ptr()) } != 0 {
        return 0..0;
    }
    let (mut low, mut size) = (ptr::null_mut(), 0);
    // SAFETY: the attributes were initialised above; both results have room.
    let result = unsafe { libc::pthread_attr_getstack(attributes.as_ptr(), &mut low, &mut size) };
    // SAFETY: initialised above, and not used after this.
    unsafe { libc::pthread_attr_destroy(attributes.as_mut_ptr()) };
    if result != 0 { 0..0 } else { low as usize..(low as usize).saturating_add(size) }
}

/// Names the function at an address and the file it comes from, for error messages.
pub(crate) fn name_of_function(address: usize) -> String {
    let mut info = MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: dladdr takes any address and fills the struct it is given.
    let found = unsafe { libc::dladdr(address as *const libc::c_void, info.as_mut_ptr()) } != 0;
    // SAFETY: null pointers and zeroes are a valid Dl_info, filled or not.
    let info = unsafe { info.assume_init() };
    let text = |string: *const libc::c_char| {
        // SAFETY: dladdr's strings live as long as their object stays loaded, and it is loaded now; null is excluded.
        (!string.is_null()).then(|| unsafe { CStr::from_ptr(string) }.to_string_lossy().into_owned())
    };
    match (found.then(|| text(info.dli_sname)).flatten(), found.then(|| text(info.dli_fname)).flatten()) {
        (Some(function), Some(file)) => format!("{function} in {file}"),
        (None, Some(file)) => format!("a function at {address:#x} in {file}"),
        _ => format!("a function at {address:#x}"),
    }
}

/// A POSIX timer that sends SIGPROF to one thread; deleted on drop.
#[derive(Debug)]
pub(crate) struct PosixTimer(libc::timer_t);

// SAFETY: a timer_t names a timer of the process; any thread may delete it.
unsafe impl Send for PosixTimer {}
// SAFETY: as above; shared references offer nothing.
unsafe impl Sync for PosixTimer {}

/// Which clock a [`PosixTimer`] follows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PosixClock {
    ThreadCpu,
    Monotonic,
}

impl PosixTimer {
    /// Starts a timer that sends SIGPROF to `tid` each `period`.
    pub(crate) fn start(clock: PosixClock, tid: Tid, period: Duration) -> io::Result<Self> {
        let clock = match clock {
            PosixClock::ThreadCpu => thread_cpu_clock(tid),
            PosixClock::Monotonic => libc::CLOCK_MONOTONIC,
        };
        let event = MaybeUninit::<libc::sigevent>::zeroed();
        // SAFETY: zeroes are a valid sigevent.
        let mut event = unsafe { event.assume_init() };
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = libc::SIGPROF;
        event.sigev_notify_thread_id = tid;
        let mut timer = MaybeUninit::<libc::timer_t>::zeroed();
        // SAFETY: both structs live during the call, which fills in the timer.
        checked(unsafe { libc::timer_create(clock, &mut event, timer.as_mut_ptr()) })?;
        // SAFETY: the call succeeded, so the timer was filled in.
        let timer = Self(unsafe { timer.assume_init() });
        let interval = libc::timespec {
            tv_sec: period.as_secs().cast_signed(),
            tv_nsec: libc::c_long::from(period.subsec_nanos().cast_signed()),
        };
        let times = libc::itimerspec { it_interval: interval, it_value: interval };
        // SAFETY: the timer was created above, and the times live during the call.
        checked(unsafe { libc::timer_settime(timer.0, 0, &times, ptr::null_mut()) })?;
        Ok(timer)
    }
}

impl Drop for PosixTimer {
    fn drop(&mut self) {
        // SAFETY: the timer was created by `start` and is deleted once.
        unsafe { libc::timer_delete(self.0) };
    }
}

/// A perf event that sends SIGPROF to one thread each time it has used a period of CPU time; stopped on drop.
#[derive(Debug)]
pub(crate) struct PerfTimer(OwnedFd);

/// The first version of the kernel's struct, 64 bytes, is all that is needed here.
#[repr(C)]
#[derive(Default)]
struct PerfEventAttr {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    bp_type: u32,
    config1: u64,
}

#[repr(C)]
struct OwnerEx {
    kind: libc::c_int,
    pid: libc::pid_t,
}

impl PerfTimer {
    /// Starts a task clock on `tid`. With `kernel` it fires in system calls too, which may need a privilege.
    pub(crate) fn start(tid: Tid, period: Duration, kernel: bool) -> io::Result<Self> {
        const TYPE_SOFTWARE: u32 = 1;
        const SW_TASK_CLOCK: u64 = 1;
        const DISABLED: u64 = 1;
        const EXCLUDE_KERNEL: u64 = 1 << 5;
        const EXCLUDE_HYPERVISOR: u64 = 1 << 6;
        const FLAG_CLOEXEC: libc::c_ulong = 8;
        const F_SETSIG: libc::c_int = 10;
        const F_SETOWN_EX: libc::c_int = 15;
        const F_OWNER_TID: libc::c_int = 0;
        const IOC_ENABLE: libc::c_ulong = 0x2400;
        let exclude = if kernel { 0 } else { EXCLUDE_KERNEL | EXCLUDE_HYPERVISOR };
        let attributes = PerfEventAttr {
            kind: TYPE_SOFTWARE,
            size: size_of::<PerfEventAttr>() as u32,
            config: SW_TASK_CLOCK,
            sample_period: u64::try_from(period.as_nanos()).unwrap_or(u64::MAX),
            flags: DISABLED | exclude,
            wakeup_events: 1,
            ..PerfEventAttr::default()
        };
        let (any_cpu, no_group) = (-1, -1);
        // SAFETY: the attributes live during the call and tell their own size.
        let fd = unsafe { libc::syscall(libc::SYS_perf_event_open, &attributes, tid, any_cpu, no_group, FLAG_CLOEXEC) };
        let fd = checked(libc::c_int::try_from(fd).unwrap_or(-1))?;
        // SAFETY: the kernel has just opened this descriptor for us.
        let timer = Self(unsafe { OwnedFd::from_raw_fd(fd) });
        let owner = OwnerEx { kind: F_OWNER_TID, pid: tid };
        // SAFETY: F_SETOWN_EX takes a pointer to a live f_owner_ex.
        checked(unsafe { libc::fcntl(fd, F_SETOWN_EX, &owner) })?;
        // SAFETY: F_SETSIG takes a signal's number.
        checked(unsafe { libc::fcntl(fd, F_SETSIG, libc::SIGPROF) })?;
        // SAFETY: F_SETFL takes flags.
        checked(unsafe { libc::fcntl(fd, libc::F_SETFL, libc::O_ASYNC | libc::O_NONBLOCK) })?;
        // SAFETY: this ioctl takes no pointer.
        checked(unsafe { libc::ioctl(fd, IOC_ENABLE, 0) })?;
        Ok(timer)
    }

    /// Returns the CPU time that the clock has counted.
    pub(crate) fn counted(&self) -> io::Result<Duration> {
        let mut nanos = 0u64;
        // SAFETY: `nanos` has room for the eight bytes asked for.
        let read = unsafe { libc::read(self.0.as_raw_fd(), ptr::from_mut(&mut nanos).cast(), size_of::<u64>()) };
        if read != size_of::<u64>() as isize {
            return Err(io::Error::last_os_error());
        }
        Ok(Duration::from_nanos(nanos))
    }
}

impl Drop for PerfTimer {
    fn drop(&mut self) {
        const IOC_DISABLE: libc::c_ulong = 0x2401;
        // SAFETY: this ioctl takes no pointer. A child that was forked and has not yet called exec holds the event too,
        // so that closing it alone would leave it ticking, and the signal would meet the default disposition.
        unsafe { libc::ioctl(self.0.as_raw_fd(), IOC_DISABLE, 0) };
    }
}

/// A table of ranges that handlers may be reading, owned by whoever holds this.
#[derive(Debug)]
pub(crate) struct LeakedRanges {
    table: &'static CodeRanges<'static>,
    ranges: *mut [CodeRange],
}

// SAFETY: the pointer is the table's own memory, used again only by `free_ranges`, which consumes this.
unsafe impl Send for LeakedRanges {}

impl LeakedRanges {
    pub(crate) fn new(ranges: Vec<CodeRange>) -> Self {
        let ranges = ptr::from_mut(Box::leak(ranges.into_boxed_slice()));
        // SAFETY: leaked above, so it is valid until `free_ranges` takes it back.
        let shared: &'static [CodeRange] = unsafe { &*ranges };
        Self { table: Box::leak(Box::new(CodeRanges::new(shared))), ranges }
    }

    pub(crate) fn get(&self) -> &'static CodeRanges<'static> {
        self.table
    }
}

/// Frees a table that is not published and that no handler reads.
pub(crate) fn free_ranges(table: LeakedRanges) {
    let LeakedRanges { table, ranges } = table;
    // SAFETY: it came from a Box in `new`, and the publisher has made sure that neither the published pointer nor any
    // thread's hazard names it; handlers that start now read the newer table.
    drop(unsafe { Box::from_raw(ptr::from_ref(table).cast_mut()) });
    // SAFETY: as above; the table that referred to it is gone.
    drop(unsafe { Box::from_raw(ranges) });
}
