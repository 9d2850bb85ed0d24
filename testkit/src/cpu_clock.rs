//! The CPU time of the calling thread.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Returns the CPU time that the calling thread has used, by CLOCK_THREAD_CPUTIME_ID.
pub fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Adds up the CPU time of the parts of a run that are to be measured, and leaves out what lies between them.
#[derive(Debug, Default)]
pub struct Stopwatch {
    measured: Duration,
}

impl Stopwatch {
    /// Runs `work` on this thread and adds its CPU time.
    ///
    /// # Accuracy
    ///
    /// Time of other threads that `work` waits for is not in it. Reading the clock costs less than a microsecond.
    pub fn measure<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let before = thread_cpu_time();
        let value = work();
        self.measured += thread_cpu_time().saturating_sub(before);
        value
    }

    /// Returns what was measured so far.
    pub fn measured(&self) -> Duration {
        self.measured
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_measured_counts() {
        let mut watch = Stopwatch::default();
        let spin = |millis| {
            let until = thread_cpu_time() + Duration::from_millis(millis);
            while thread_cpu_time() < until {}
        };
        spin(20);
        watch.measure(|| spin(5));
        assert!(watch.measured() >= Duration::from_millis(5) && watch.measured() < Duration::from_millis(20));
    }
}
