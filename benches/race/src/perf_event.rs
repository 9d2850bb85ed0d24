//! A perf event that writes its samples into a ring of its own: stacks that the kernel walks by frame pointers.
#![allow(unsafe_code, reason = "perf events are reached through libc, and their rings through raw pointers")]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

/// Pages of samples; with the one before them, what the kernel lets a user lock (`perf_event_mlock_kb`).
const DATA_PAGES: usize = 128;
/// Where the page before the samples keeps how far the kernel has written, and how far we have read.
const DATA_HEAD: usize = 1024;
const DATA_TAIL: usize = 1032;

/// The first version of the kernel's `perf_event_attr`.
#[repr(C)]
#[derive(Default)]
struct Attributes {
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

/// The task clock of the thread that opened it, sampling into a ring.
#[derive(Debug)]
pub struct PerfRing {
    _event: OwnedFd,
    memory: NonNull<u8>,
    page: usize,
}

// SAFETY: the mapping belongs to this value alone, and is read by whoever has it; `drain` takes it by exclusive reference.
unsafe impl Send for PerfRing {}

impl PerfRing {
    /// Starts sampling the calling thread once in `period_nanos` of its CPU time, in system calls as well.
    ///
    /// # Errors
    ///
    /// When the kernel does not allow it.
    pub fn start(period_nanos: u64) -> io::Result<Self> {
        const SOFTWARE: u32 = 1;
        const TASK_CLOCK: u64 = 1;
        const SAMPLE_IP: u64 = 1;
        const SAMPLE_CALLCHAIN: u64 = 1 << 5;
        const EXCLUDE_CALLCHAIN_KERNEL: u64 = 1 << 21;
        const CLOEXEC: libc::c_ulong = 8;
        let attributes = Attributes {
            kind: SOFTWARE,
            size: 64,
            config: TASK_CLOCK,
            sample_period: period_nanos,
            sample_type: SAMPLE_IP | SAMPLE_CALLCHAIN,
            flags: EXCLUDE_CALLCHAIN_KERNEL,
            ..Attributes::default()
        };
        let (this_thread, any_cpu, no_group) = (0, -1, -1);
        // SAFETY: the struct has the size that it states, and outlives the call.
        let event =
            unsafe { libc::syscall(libc::SYS_perf_event_open, &attributes, this_thread, any_cpu, no_group, CLOEXEC) };
        let event =
            libc::c_int::try_from(event).ok().filter(|event| *event >= 0).ok_or_else(io::Error::last_os_error)?;
        // SAFETY: the kernel has just opened this descriptor for us.
        let event = unsafe { OwnedFd::from_raw_fd(event) };
        // SAFETY: sysconf has no preconditions.
        let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).map_err(io::Error::other)?;
        let (protection, length) = (libc::PROT_READ | libc::PROT_WRITE, page * (1 + DATA_PAGES));
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
        let memory =
            unsafe { libc::mmap(std::ptr::null_mut(), length, protection, libc::MAP_SHARED, event.as_raw_fd(), 0) };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let memory = NonNull::new(memory.cast()).ok_or_else(|| io::Error::other("the ring lies at address 0"))?;
        Ok(Self { _event: event, memory, page })
    }

    fn position(&self, offset: usize) -> &AtomicU64 {
        // SAFETY: both positions lie in the first page of the mapping.
        let word = unsafe { self.memory.add(offset) };
        // SAFETY: the mapping lives as long as `self`, and the word is aligned; the kernel, too, uses it atomically.
        unsafe { word.cast::<AtomicU64>().as_ref() }
    }

    /// Reads the word at a position of the ring.
    fn word(&self, position: u64) -> u64 {
        let offset = usize::try_from(position).unwrap_or(0) % (self.page * DATA_PAGES);
        // SAFETY: the offset lies in the pages behind the first, which are mapped.
        let word = unsafe { self.memory.add(self.page + offset) };
        // SAFETY: records are made of aligned words, so that none goes over the end of the ring, which is mapped for as
        // long as `self` lives; the kernel does not write between tail and head.
        unsafe { word.cast::<u64>().read_volatile() }
    }

    /// Takes the samples that the ring has: calls `take` with the addresses of each, innermost first, and returns how many
    /// were lost because it was full.
    pub fn drain(&mut self, mut take: impl FnMut(&[u64])) -> u64 {
        const LOST: u64 = 2;
        const SAMPLE: u64 = 9;
        // Higher numbers mark where the kernel's part of a stack begins, and where the user's does.
        const CONTEXTS: u64 = u64::MAX - 4095;
        let head = self.position(DATA_HEAD).load(Ordering::Acquire);
        let mut tail = self.position(DATA_TAIL).load(Ordering::Relaxed);
        let (mut lost, mut chain) = (0, Vec::new());
        while tail < head {
            let header = self.word(tail);
            let (kind, size) = (header & 0xffff_ffff, header >> 48);
            match kind {
                SAMPLE => {
                    chain.clear();
                    let count = self.word(tail + 16).min(size / 8);
                    let addresses = (0..count).map(|index| self.word(tail + 24 + index * 8));
                    chain.extend(addresses.filter(|address| *address < CONTEXTS));
                    take(&chain);
                }
                LOST => lost += self.word(tail + 16),
                _ => {}
            }
            tail += size.max(8);
        }
        self.position(DATA_TAIL).store(head, Ordering::Release);
        lost
    }
}

impl Drop for PerfRing {
    fn drop(&mut self) {
        // SAFETY: this is the mapping that `start` made; nothing refers to it any more.
        unsafe { libc::munmap(self.memory.as_ptr().cast(), self.page * (1 + DATA_PAGES)) };
    }
}
