//! From the interrupted registers to a stack of addresses.

use crate::activation::{Activation, Activations, ExitPoint};
use crate::arch::{LeafCaller, Registers, leaf_caller};
use crate::code_ranges::{CodeRanges, RangeCursor};
use crate::record::{End, FrameTag, frame};
use crate::ring::{Dropped, RecordWriter};

const WORD: usize = size_of::<usize>();

/// The live part of a stack between two addresses: `low` is inside the innermost frame, `high` in the frame of the
/// host function that entered the guest.
#[derive(Clone, Copy)]
struct StackSpan {
    low: usize,
    high: usize,
}

impl StackSpan {
    /// Reads the word at `address` if it lies whole and aligned inside the span.
    fn read(&self, address: usize) -> Option<usize> {
        let last = self.high.checked_sub(WORD)?;
        if address < self.low || address > last || !address.is_multiple_of(WORD) {
            return None;
        }
        // SAFETY: the span runs from the interrupted stack pointer to a frame of a host function that has not
        // returned, on one stack; every aligned word in between is mapped and readable.
        Some(unsafe { (address as *const usize).read_volatile() })
    }
}

/// A frame's own frame pointer: `[fp]` holds the caller's, `[fp + 8]` the return address.
type FramePointer = usize;

/// Collects frames into the record until the depth limit.
struct Frames<'w, 'r, 'a> {
    record: &'w mut RecordWriter<'r, 'a>,
    count: u16,
    max: u16,
}

enum Stop {
    End(End),
    Dropped(Dropped),
}

impl Frames<'_, '_, '_> {
    fn push(&mut self, tag: FrameTag, address: usize) -> Result<(), Stop> {
        if self.count >= self.max {
            return Err(Stop::End(End::Truncated));
        }
        self.record.push(frame(tag, address as u64)).map_err(Stop::Dropped)?;
        self.count = self.count.saturating_add(1);
        Ok(())
    }
}

/// Writes the frames of the interrupted stack into `record`, and returns how the walk ended and how many there are.
///
/// # Errors
///
/// [`Dropped::Full`] when the record does not fit; nothing of it is visible then.
///
/// # Signal safety
///
/// Reads the stack within its span, the store's words and the range table. Every loop is bounded by `max_depth`.
pub(crate) fn walk(
    registers: &Registers,
    activations: &Activations,
    ranges: &CodeRanges<'_>,
    max_depth: u16,
    record: &mut RecordWriter<'_, '_>,
) -> Result<(End, u16), Dropped> {
    let mut frames = Frames { record, count: 0, max: max_depth };
    let mut walker = Walker { activations, ranges: RangeCursor::new(ranges) };
    let end = match walker.run(registers, &mut frames) {
        Ok(end) | Err(Stop::End(end)) => end,
        Err(Stop::Dropped(dropped)) => return Err(dropped),
    };
    Ok((end, frames.count))
}

struct Walker<'a> {
    activations: &'a Activations,
    ranges: RangeCursor<'a>,
}

impl Walker<'_> {
    fn run(&mut self, registers: &Registers, frames: &mut Frames<'_, '_, '_>) -> Result<End, Stop> {
        let in_guest = self.ranges.range_of(registers.pc).is_some();
        frames.push(if in_guest { FrameTag::Interrupted } else { FrameTag::Host }, registers.pc)?;
        let depth = self.activations.depth();
        let Some(innermost) = depth.checked_sub(1) else {
            return Ok(if in_guest { End::OuterUnknown } else { End::NoGuest });
        };
        let Some(activation) = self.activations.get(innermost) else {
            return Ok(End::OuterUnknown);
        };
        let span = StackSpan { low: registers.sp, high: activation.host_sp };
        let first = if in_guest {
            self.leave_leaf(registers, span, frames)?
        } else {
            let Some(now) = activation.now else {
                return Ok(End::OuterUnknown);
            };
            match self.exit_frame(now, span) {
                Some(fp) => {
                    frames.push(FrameTag::ReturnAddress, now.exit_pc)?;
                    Some(fp)
                }
                None if innermost == 0 => return Ok(End::NoGuest),
                None => None,
            }
        };
        if let Some(fp) = first {
            self.climb(fp, entry_of(&activation), span, frames)?;
        }
        self.outer(innermost, activation, frames)
    }

    /// Finds the first frame pointer to walk from when guest code was interrupted; `None` when the interrupted code
    /// is the outermost of its activation.
    fn leave_leaf(
        &mut self,
        registers: &Registers,
        span: StackSpan,
        frames: &mut Frames<'_, '_, '_>,
    ) -> Result<Option<FramePointer>, Stop> {
        let code_end = self.ranges.range_of(registers.pc).map_or(registers.pc, |range| range.end);
        let caller = match leaf_caller(registers, code_end) {
            LeafCaller::InOwnFrame => return Ok(Some(registers.fp)),
            LeafCaller::OnStack(address) => span.read(address).ok_or(Stop::End(End::Broken))?,
            #[cfg(target_arch = "aarch64")]
            LeafCaller::InRegister(address) => address,
        };
        if self.ranges.range_of(caller).is_none() {
            return Ok(None);
        }
        frames.push(FrameTag::ReturnAddress, caller)?;
        Ok(Some(registers.fp))
    }

    /// Checks where a store left its guest, and returns the frame pointer of the guest function that called out.
    ///
    /// The words are stale while guest code runs after a host call, and host code that is reached without an exit
    /// trampoline would see them so. Hence the exit must lie inside the live part of this stack, in its order.
    fn exit_frame(&mut self, exit: ExitPoint, span: StackSpan) -> Option<FramePointer> {
        if exit.exit_fp == 0 || self.ranges.range_of(exit.exit_pc).is_none() {
            return None;
        }
        let caller = span.read(exit.exit_fp)?;
        (exit.exit_fp < caller && caller <= exit.entry_fp && exit.entry_fp < span.high).then_some(caller)
    }

    /// Follows frame pointers from the frame with pointer `fp` to the entry of its activation.
    fn climb(
        &mut self,
        mut fp: FramePointer,
        entry_fp: Option<FramePointer>,
        span: StackSpan,
        frames: &mut Frames<'_, '_, '_>,
    ) -> Result<(), Stop> {
        while Some(fp) != entry_fp {
            let broken = Stop::End(End::Broken);
            let (Some(caller_fp), Some(return_address)) = (span.read(fp), span.read(fp.saturating_add(WORD))) else {
                return Err(broken);
            };
            if self.ranges.range_of(return_address).is_none() {
                return if entry_fp.is_none() { Ok(()) } else { Err(broken) };
            }
            frames.push(FrameTag::ReturnAddress, return_address)?;
            if caller_fp <= fp {
                return Err(broken);
            }
            fp = caller_fp;
        }
        Ok(())
    }

    /// Goes on with the activations around the innermost one.
    fn outer(&mut self, innermost: usize, mut inner: Activation, frames: &mut Frames<'_, '_, '_>) -> Result<End, Stop> {
        for index in (0..innermost).rev() {
            let exit = inner.outer;
            let Some(activation) = self.activations.get(index) else {
                return Ok(End::OuterUnknown);
            };
            let span = StackSpan { low: inner.host_sp, high: activation.host_sp };
            let Some(fp) = self.exit_frame(exit, span) else {
                return Ok(End::OuterUnknown);
            };
            frames.push(FrameTag::Reentry, 0)?;
            frames.push(FrameTag::ReturnAddress, exit.exit_pc)?;
            self.climb(fp, Some(exit.entry_fp), span, frames)?;
            inner = activation;
        }
        Ok(End::Entry)
    }
}

/// Returns the frame pointer at which the activation ends, if the guest's entry code has stored it already.
///
/// Until it has, the word still holds what the outer activation left there, or zero.
fn entry_of(activation: &Activation) -> Option<FramePointer> {
    let entry_fp = activation.now?.entry_fp;
    (entry_fp != 0 && entry_fp != activation.outer.entry_fp && entry_fp < activation.host_sp).then_some(entry_fp)
}

#[cfg(test)]
mod tests;
