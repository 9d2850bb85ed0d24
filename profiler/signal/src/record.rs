//! The layout of a record in the ring: a header, seven fixed words, in a record of a host call two more, one word a frame.
//!
//! ```text
//! word 0   magic (16 bits) | end (8) | kind (8) | frames (16) | weight (16)
//! word 1   CLOCK_MONOTONIC, nanoseconds
//! word 2   request        word 3,4  trace id, high and low      word 5  span id
//! word 6   guest task     word 7    store
//! word 8,9 of a host call: nanoseconds waited, nanoseconds ready
//! then     frames, innermost first: tag (8 bits) | address (56)
//! ```

/// Marks the first word of a record; a reader that finds anything else has lost its place.
const MAGIC: u64 = 0x5753;
const ADDRESS_BITS: u32 = 56;
const ADDRESS_MASK: u64 = (1 << ADDRESS_BITS) - 1;
/// Words before the frames, and before what is known of a host call only.
pub(crate) const FIXED_WORDS: usize = 8;
const KIND_TICK: u64 = 0;
const KIND_CALL: u64 = 1;

/// What a frame's address is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameTag {
    /// Guest code at the interrupted instruction.
    Interrupted,
    /// Guest code at a return address.
    ReturnAddress,
    /// Host code at the interrupted instruction.
    Host,
    /// The border between an inner and an outer activation; the address is zero.
    Reentry,
}

/// How the walk ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// At the host's call into the guest.
    Entry,
    /// At an activation whose outer part could not be linked.
    OuterUnknown,
    /// At the depth limit.
    Truncated,
    /// At a frame that failed its checks.
    Broken,
    /// In host code without a guest frame beneath it.
    NoGuest,
}

/// Every end, by the number that stands for it in a record.
pub const ENDS: [End; 5] = [End::Entry, End::OuterUnknown, End::Truncated, End::Broken, End::NoGuest];
const TAGS: [FrameTag; 4] = [FrameTag::Interrupted, FrameTag::ReturnAddress, FrameTag::Host, FrameTag::Reentry];

/// Returns the header of a tick's record.
pub(crate) fn header(end: End, frames: u16, weight: u16) -> u64 {
    header_of(KIND_TICK, end, frames, weight)
}

/// Returns the header of a host call's record.
pub(crate) fn call_header(end: End, frames: u16) -> u64 {
    header_of(KIND_CALL, end, frames, 1)
}

fn header_of(kind: u64, end: End, frames: u16, weight: u16) -> u64 {
    (MAGIC << 48) | ((end as u64) << 40) | (kind << 32) | (u64::from(frames) << 16) | u64::from(weight)
}

pub(crate) fn frame(tag: FrameTag, address: u64) -> u64 {
    ((tag as u64) << ADDRESS_BITS) | (address & ADDRESS_MASK)
}

/// A record read back from the words of a ring.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// How the walk ended.
    pub end: End,
    /// How many periods, or calls, it stands for.
    pub weight: u16,
    /// How long a host call was off the CPU; `None` in the record of a tick.
    pub off_cpu: Option<OffCpu>,
    /// The seven fixed words: time, request, trace id (high, low), span id, guest task, store.
    pub fixed: [u64; 7],
    frames: &'a [u64],
}

/// Nanoseconds that passed off the CPU.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OffCpu {
    /// Blocked in, or awaiting, the host.
    pub wait: u64,
    /// Runnable, and not running.
    pub ready: u64,
}

/// The words are not a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordError;

impl<'a> Record<'a> {
    /// Splits the first record off `words`. `None` at the end.
    ///
    /// # Errors
    ///
    /// [`RecordError`] when the words do not begin with a whole record.
    pub fn split_first(words: &'a [u64]) -> Result<Option<(Record<'a>, &'a [u64])>, RecordError> {
        let Some((header, rest)) = words.split_first() else {
            return Ok(None);
        };
        if header >> 48 != MAGIC {
            return Err(RecordError);
        }
        let end = usize::try_from((header >> 40) & 0xff).ok().and_then(|number| ENDS.get(number));
        let frames = usize::try_from((header >> 16) & 0xffff).map_err(|_| RecordError)?;
        let (fixed, rest) = rest.split_first_chunk().ok_or(RecordError)?;
        let (off_cpu, rest) = match (header >> 32) & 0xff {
            KIND_TICK => (None, rest),
            KIND_CALL => {
                let ([wait, ready], rest) = rest.split_first_chunk().ok_or(RecordError)?;
                (Some(OffCpu { wait: *wait, ready: *ready }), rest)
            }
            _ => return Err(RecordError),
        };
        let (frames, rest) = rest.split_at_checked(frames).ok_or(RecordError)?;
        let weight = u16::try_from(header & 0xffff).map_err(|_| RecordError)?;
        Ok(Some((Record { end: *end.ok_or(RecordError)?, weight, off_cpu, fixed: *fixed, frames }, rest)))
    }

    /// Iterates over the frames, innermost first. A word with an unknown tag is skipped.
    pub fn frames(&self) -> impl Iterator<Item = (FrameTag, u64)> + 'a {
        self.frames.iter().filter_map(|word| {
            let tag = usize::try_from(word >> ADDRESS_BITS).ok().and_then(|number| TAGS.get(number))?;
            Some((*tag, word & ADDRESS_MASK))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back_what_was_written_and_lost_places_are_noticed() {
        let mut words = vec![header(End::Truncated, 2, 3), 1, 2, 3, 4, 5, 6, 7];
        words.push(frame(FrameTag::Host, 0x7fff_1234_5678));
        words.push(frame(FrameTag::ReturnAddress, 0x7f00));
        words.push(header(End::Entry, 0, 1));
        let (record, rest) = Record::split_first(&words).unwrap().unwrap();
        assert_eq!((record.end, record.weight, record.fixed), (End::Truncated, 3, [1, 2, 3, 4, 5, 6, 7]));
        let frames: Vec<_> = record.frames().collect();
        assert_eq!(frames, [(FrameTag::Host, 0x7fff_1234_5678), (FrameTag::ReturnAddress, 0x7f00)]);
        assert_eq!(Record::split_first(rest).unwrap_err(), RecordError);
        assert!(Record::split_first(&[]).unwrap().is_none());
        assert_eq!(Record::split_first(&[42; 20]).unwrap_err(), RecordError);
    }
}
