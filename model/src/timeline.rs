//! When samples were taken, and on which threads.

/// Samples by time and thread.
///
/// # Accuracy
///
/// A time is that of the bucket's beginning. Buckets are a millisecond wide at first; a recording that goes on for long
/// makes them wider, so that its size stays bounded. Time off the CPU is told at its end: a point's amount passed in the
/// time before it. Not every sample has a time; what the scheduler alone knows of has none.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Timeline {
    /// How wide a bucket is, in nanoseconds.
    pub bucket_nanos: u64,
    /// The threads, by [`TimelinePoint::thread`].
    pub threads: Vec<TimelineThread>,
    /// In the order of buckets, threads and rows.
    pub points: Vec<TimelinePoint>,
}

/// A thread that was sampled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TimelineThread {
    /// Its name; empty when it has none, or stands for several threads.
    pub name: String,
    /// The system's number for it; 0 when it stands for several threads.
    pub tid: u32,
}

/// What one bucket, thread, and row of samples have in common.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimelinePoint {
    /// The bucket, counted from the start of the recording.
    pub bucket: u32,
    /// The thread: its position in [`Timeline::threads`].
    pub thread: u32,
    /// The stack and the event: a position in [`crate::Profile::samples`].
    pub row: u32,
    /// How many samples.
    pub count: u64,
    /// The same in nanoseconds.
    pub amount: u64,
}
