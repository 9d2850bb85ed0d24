//! Records that the calling thread takes of itself, outside of any handler.

use crate::activation::Activations;
use crate::arch::Registers;
use crate::clock::monotonic_nanos;
use crate::code_ranges::{self, CodeRanges};
use crate::record::{End, FIXED_WORDS, FrameTag, OffCpu, call_header, frame};
use crate::ring::{Dropped, RecordWriter, Ring};
use crate::thread_state::ThreadState;
use crate::thread_table;
use crate::walk::{StackSpan, walk};

/// Words before the frames of a host call's record: those of every record, and its times.
const CALL_WORDS: usize = FIXED_WORDS + 2;

impl ThreadState {
    /// Returns how many words a ring must have for [`ThreadState::record_call`].
    pub fn call_record_words(&self) -> usize {
        CALL_WORDS.saturating_add(usize::from(self.max_depth())).next_power_of_two()
    }

    /// Writes the stack of the host call that the calling thread is in, with times of zero, into `ring`, which is not the
    /// thread's own.
    ///
    /// # Errors
    ///
    /// [`Dropped::Full`] when the record does not fit, and when this is the state of another thread.
    pub fn record_call(&self, ring: &Ring<'_>) -> Result<(), Dropped> {
        let mut writer = self.begin_own(ring)?;
        (0..CALL_WORDS.saturating_sub(FIXED_WORDS)).try_for_each(|_| writer.push(0))?;
        let (end, frames) = self.walk_own(walk, &mut writer)?;
        writer.commit(call_header(end, frames));
        Ok(())
    }

    /// Begins a record with the words that every one has.
    pub(crate) fn begin_own<'r, 'a>(&self, ring: &'r Ring<'a>) -> Result<RecordWriter<'r, 'a>, Dropped> {
        if !thread_table::current().is_some_and(|current| core::ptr::eq(current, self)) {
            return Err(Dropped::Full);
        }
        let mut writer = ring.begin()?;
        writer.push(0)?;
        writer.push(monotonic_nanos())?;
        self.labels().try_for_each(|label| writer.push(label))?;
        writer.push(self.activations.current_store())?;
        Ok(writer)
    }

    /// Walks the calling thread's own stack.
    pub(crate) fn walk_own(&self, walk: Walk, writer: &mut RecordWriter<'_, '_>) -> Result<(End, u16), Dropped> {
        let _reading = self.activations.begin_reading();
        let ranges = code_ranges::pin(self.ranges_hazard_outside_handler());
        let here = 0u8;
        let registers = Registers::of_host(core::ptr::from_ref(core::hint::black_box(&here)).addr());
        let walked = walk(&registers, &self.activations, ranges, self.stack(), self.max_depth(), writer);
        self.unpin_ranges_outside_handler();
        walked
    }
}

pub(crate) type Walk = fn(
    &Registers,
    &Activations,
    &CodeRanges<'_>,
    StackSpan,
    u16,
    &mut RecordWriter<'_, '_>,
) -> Result<(End, u16), Dropped>;

/// Returns the record of a host call of which the guest's return addresses are known, innermost first, with times of zero.
pub fn call_record_of(store: u64, end: End, return_addresses: &[usize]) -> impl Iterator<Item = u64> {
    let most = usize::from(u16::MAX).saturating_sub(1);
    let return_addresses = return_addresses.get(..most).unwrap_or(return_addresses);
    let frames = u16::try_from(return_addresses.len()).unwrap_or(u16::MAX).saturating_add(1);
    let before_frames: [u64; CALL_WORDS] = [call_header(end, frames), monotonic_nanos(), 0, 0, 0, 0, 0, store, 0, 0];
    let guest = return_addresses.iter().map(|address| frame(FrameTag::ReturnAddress, *address as u64));
    before_frames.into_iter().chain([frame(FrameTag::Host, 0)]).chain(guest)
}

/// Sets the times in the words of a host call's record, of which the last ends now.
pub fn set_off_cpu(record: &mut [u64], times: OffCpu) {
    if let Some(at) = record.get_mut(1) {
        *at = monotonic_nanos();
    }
    if let Some([wait, ready]) = record.get_mut(FIXED_WORDS..CALL_WORDS) {
        (*wait, *ready) = (times.wait, times.ready);
    }
}
