//! One thread's samples on their way to the drain thread.

use crate::atomics::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// A single-producer, single-consumer ring of words.
///
/// The producer is the signal handler of one thread, the consumer the drain thread. Positions only grow; a position's
/// slot is the position modulo the capacity. A record becomes visible as a whole, by one store of `written`.
#[derive(Debug)]
pub struct Ring<'a> {
    words: &'a [AtomicU64],
    mask: usize,
    /// Position up to which records are complete. Stored by the producer.
    written: AtomicUsize,
    /// Position up to which records were taken. Stored by the consumer.
    taken: AtomicUsize,
    /// Whether a record is being written: a second writer on the same thread must not begin.
    writing: AtomicBool,
}

/// Why a record was not written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dropped {
    /// There was no room for the whole record.
    Full,
    /// The handler was interrupted by itself.
    Reentered,
}

impl<'a> Ring<'a> {
    /// Makes a ring in `words`, of which the largest power of two is used.
    pub fn new(words: &'a [AtomicU64]) -> Self {
        let capacity = match words.len().checked_ilog2() {
            Some(log) => 1usize.checked_shl(log).unwrap_or(0),
            None => 0,
        };
        Self {
            words,
            mask: capacity.saturating_sub(1),
            written: AtomicUsize::new(0),
            taken: AtomicUsize::new(0),
            writing: AtomicBool::new(false),
        }
    }

    /// Begins a record.
    ///
    /// # Errors
    ///
    /// [`Dropped::Reentered`] when a record is being written already.
    ///
    /// # Signal safety
    ///
    /// Atomics only.
    pub fn begin(&self) -> Result<RecordWriter<'_, 'a>, Dropped> {
        if self.writing.swap(true, Ordering::Acquire) {
            return Err(Dropped::Reentered);
        }
        let start = self.written.load(Ordering::Relaxed);
        let taken = self.taken.load(Ordering::Acquire);
        let limit = taken.wrapping_add(self.words.len().min(self.mask.wrapping_add(1)));
        Ok(RecordWriter { ring: self, start, next: start, limit })
    }

    /// Hands each complete word to `take`, oldest first, then frees the room. Returns how many words there were.
    ///
    /// Only one thread may consume.
    pub fn consume(&self, mut take: impl FnMut(u64)) -> usize {
        let end = self.written.load(Ordering::Acquire);
        let start = self.taken.load(Ordering::Relaxed);
        let mut position = start;
        while position != end {
            if let Some(word) = self.slot(position) {
                take(word.load(Ordering::Relaxed));
            }
            position = position.wrapping_add(1);
        }
        self.taken.store(end, Ordering::Release);
        end.wrapping_sub(start)
    }

    fn slot(&self, position: usize) -> Option<&AtomicU64> {
        self.words.get(position & self.mask)
    }
}

/// A record being written; it is given up when dropped without [`RecordWriter::commit`].
#[derive(Debug)]
pub struct RecordWriter<'r, 'a> {
    ring: &'r Ring<'a>,
    start: usize,
    next: usize,
    limit: usize,
}

impl RecordWriter<'_, '_> {
    /// Appends a word, or tells that the ring is full.
    pub fn push(&mut self, word: u64) -> Result<(), Dropped> {
        if self.next == self.limit {
            return Err(Dropped::Full);
        }
        self.put(self.next, word);
        self.next = self.next.wrapping_add(1);
        Ok(())
    }

    /// Makes the record visible, with `header` as its first word (which must have been pushed, with any value).
    pub fn commit(self, header: u64) {
        self.put(self.start, header);
        self.ring.written.store(self.next, Ordering::Release);
    }

    fn put(&self, position: usize, word: u64) {
        if let Some(slot) = self.ring.slot(position) {
            slot.store(word, Ordering::Relaxed);
        }
    }
}

impl Drop for RecordWriter<'_, '_> {
    fn drop(&mut self) {
        self.ring.writing.store(false, Ordering::Release);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn words<const N: usize>() -> [AtomicU64; N] {
        std::array::from_fn(|_| AtomicU64::new(0))
    }

    fn write(ring: &Ring<'_>, record: &[u64]) -> Result<(), Dropped> {
        let mut writer = ring.begin()?;
        record.iter().try_for_each(|word| writer.push(*word))?;
        writer.commit(record[0]);
        Ok(())
    }

    fn drained(ring: &Ring<'_>) -> Vec<u64> {
        let mut out = Vec::new();
        ring.consume(|word| out.push(word));
        out
    }

    #[test]
    fn a_record_that_does_not_fit_leaves_no_trace_and_later_ones_do() {
        let memory = words::<8>();
        let ring = Ring::new(&memory);
        write(&ring, &[1, 2, 3, 4, 5]).unwrap();
        assert_eq!(write(&ring, &[6, 7, 8, 9]), Err(Dropped::Full));
        write(&ring, &[6, 7, 8]).unwrap();
        assert_eq!(drained(&ring), [1, 2, 3, 4, 5, 6, 7, 8]);
        write(&ring, &[9, 10, 11, 12, 13, 14, 15, 16]).unwrap();
        assert_eq!(drained(&ring), [9, 10, 11, 12, 13, 14, 15, 16]);
    }

    #[test]
    fn a_second_writer_on_the_same_thread_is_refused_and_harms_nothing() {
        let memory = words::<8>();
        let ring = Ring::new(&memory);
        let mut outer = ring.begin().unwrap();
        outer.push(1).unwrap();
        assert_eq!(write(&ring, &[7, 7]), Err(Dropped::Reentered));
        outer.push(2).unwrap();
        outer.commit(1);
        assert_eq!(drained(&ring), [1, 2]);
        write(&ring, &[3]).unwrap();
        assert_eq!(drained(&ring), [3]);
    }

    #[test]
    fn memory_that_is_no_power_of_two_is_used_in_part_and_none_at_all_is_always_full() {
        let memory = words::<7>();
        let ring = Ring::new(&memory);
        write(&ring, &[1, 2, 3, 4]).unwrap();
        assert_eq!(write(&ring, &[5]), Err(Dropped::Full));
        assert_eq!(write(&Ring::new(&[]), &[1]), Err(Dropped::Full));
    }
}
