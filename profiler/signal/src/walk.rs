//! From the interrupted registers to a stack of addresses.

use crate::activation::Activations;
use crate::arch::{LeafCaller, Registers, leaf_caller};
use crate::code_ranges::{CodeRanges, RangeCursor};
use crate::record::{End, FrameTag, frame};
use crate::ring::{Dropped, RecordWriter};
use crate::slot::Kind;
use crate::store_context::ExitPoint;

const WORD: usize = size_of::<usize>();

/// The part of a stack that a walk may read.
#[derive(Clone, Copy)]
pub(crate) struct StackSpan {
    /// An address inside the innermost frame.
    pub(crate) low: usize,
    /// The address behind the outermost word that may be read.
    pub(crate) high: usize,
}

impl StackSpan {
    /// Reads the word at `address` if it lies whole and aligned inside the span.
    fn read(&self, address: usize) -> Option<usize> {
        let last = self.high.checked_sub(WORD)?;
        if address < self.low || address > last || !address.is_multiple_of(WORD) {
            return None;
        }
        // SAFETY: a span runs from a live frame of a stack to an older live frame, or to the top, of the same stack
        // (each place that makes one says why); every aligned word in between is mapped and readable.
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
    thread_stack: StackSpan,
    max_depth: u16,
    record: &mut RecordWriter<'_, '_>,
) -> Result<(End, u16), Dropped> {
    let walker = Walker { activations, thread_stack, ranges: RangeCursor::new(ranges) };
    let frames = Frames { record, count: 0, max: max_depth };
    walker.walk(frames, |walker, frames| walker.run(registers, frames))
}

/// As [`walk`], for the calling thread itself, which is in host code at `registers`: the innermost frame is the place where
/// the guest left for the host.
pub(crate) fn walk_from_exit(
    registers: &Registers,
    activations: &Activations,
    ranges: &CodeRanges<'_>,
    thread_stack: StackSpan,
    max_depth: u16,
    record: &mut RecordWriter<'_, '_>,
) -> Result<(End, u16), Dropped> {
    let walker = Walker { activations, thread_stack, ranges: RangeCursor::new(ranges) };
    let frames = Frames { record, count: 0, max: max_depth };
    walker.walk(frames, |walker, frames| {
        let end = walker.stacks(registers, false, frames)?;
        Ok(if end == End::Entry && frames.count == 0 { End::NoGuest } else { end })
    })
}

struct Walker<'a> {
    activations: &'a Activations,
    thread_stack: StackSpan,
    ranges: RangeCursor<'a>,
}

impl Walker<'_> {
    /// Walks as `route` says, and returns how the walk ended and how many frames there are.
    fn walk<'f, 'r, 'w>(
        mut self,
        mut frames: Frames<'f, 'r, 'w>,
        route: impl FnOnce(&mut Self, &mut Frames<'f, 'r, 'w>) -> Result<End, Stop>,
    ) -> Result<(End, u16), Dropped> {
        match route(&mut self, &mut frames) {
            Ok(end) | Err(Stop::End(end)) => Ok((end, frames.count)),
            Err(Stop::Dropped(dropped)) => Err(dropped),
        }
    }

    fn run(&mut self, registers: &Registers, frames: &mut Frames<'_, '_, '_>) -> Result<End, Stop> {
        let in_guest = self.ranges.range_of(registers.pc).is_some();
        frames.push(if in_guest { FrameTag::Interrupted } else { FrameTag::Host }, registers.pc)?;
        let end = self.stacks(registers, in_guest, frames)?;
        Ok(if end == End::Entry && !in_guest && frames.count == 1 { End::NoGuest } else { end })
    }

    /// Walks the stack that was interrupted, beneath the place itself, then those around it.
    fn stacks(&mut self, registers: &Registers, in_guest: bool, frames: &mut Frames<'_, '_, '_>) -> Result<End, Stop> {
        let depth = self.activations.depth();
        let Some(mut innermost) = depth.checked_sub(1) else {
            return Ok(if in_guest { End::OuterUnknown } else { End::NoGuest });
        };
        while self.activations.get(innermost).is_some_and(|inner| inner.is_elsewhere(registers.sp)) {
            // There is the poll's own slot further out.
            innermost = innermost.saturating_sub(1);
        }
        let Some(activation) = self.activations.get(innermost) else {
            return Ok(End::OuterUnknown);
        };
        match activation.now {
            None if in_guest => return self.unbounded(registers, depth, frames),
            None => return Ok(End::OuterUnknown),
            Some(_) if in_guest => {
                // Until the entry trampoline has stored its frame pointer, it is all there is of the activation.
                if let Some(entry_fp) = activation.entry_fp() {
                    // The guest runs, so its stack pointer and the frame of its entry lie on one stack.
                    let span = StackSpan { low: registers.sp, high: entry_fp.saturating_add(2 * WORD) };
                    if let Some(fp) = self.leave_leaf(registers, span, frames)? {
                        self.climb(fp, Some(entry_fp), span, frames)?;
                    }
                } else if !activation.is_beginning(registers.sp) {
                    // The guest of another store runs here, which was entered on another thread.
                    return Ok(End::OuterUnknown);
                }
            }
            // Before its entry and after its end the words are still, or again, those of the activation around it.
            Some(now) => {
                let exit = activation.entry_fp().and_then(|_| self.own_exit_frame(now, registers));
                if let Some((fp, span)) = exit {
                    frames.push(FrameTag::ReturnAddress, now.exit_pc)?;
                    self.climb(fp, Some(now.entry_fp), span, frames)?;
                }
            }
        }
        self.outer(innermost, frames)
    }

    /// Walks guest code of which only the thread's own stack is known.
    fn unbounded(&mut self, registers: &Registers, depth: usize, frames: &mut Frames<'_, '_, '_>) -> Result<End, Stop> {
        if registers.sp < self.thread_stack.low || registers.sp >= self.thread_stack.high {
            return Ok(End::OuterUnknown);
        }
        // The stack pointer lies in the thread's stack, which is mapped from there to its top.
        let span = StackSpan { low: registers.sp, high: self.thread_stack.high };
        if let Some(fp) = self.leave_leaf(registers, span, frames)? {
            self.climb(fp, None, span, frames)?;
        }
        Ok(if depth == 1 { End::Entry } else { End::OuterUnknown })
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

    /// Checks where a store left its guest, and returns the frame pointer of the guest function that called out,
    /// with the part of the stack from there to the entry.
    ///
    /// The words are stale while guest code runs after a host call, and host code that is reached without an exit
    /// trampoline would see them so. Hence the exit must lie above the host's stack pointer, and in order.
    ///
    /// They are stale, too, between a trap and the moment at which the host notes that it left the guest. Host code that
    /// reaches deeper than the exit then overwrites the guest's frames, and the exit's own returns to the guest no more.
    /// Where the host leaves a hole of just these words in a frame, the walk goes on, and may end as broken.
    fn exit_frame(&mut self, exit: ExitPoint, host_sp: usize) -> Option<(FramePointer, StackSpan)> {
        let in_order = exit.exit_fp != 0 && host_sp < exit.exit_fp && exit.exit_fp < exit.entry_fp;
        if !in_order || self.ranges.range_of(exit.exit_pc).is_none() {
            return None;
        }
        // The store says that the guest left at `exit_fp` and had entered at `entry_fp`: two live frames of one stack.
        let span = StackSpan { low: exit.exit_fp, high: exit.entry_fp.saturating_add(2 * WORD) };
        if span.read(exit.exit_fp.saturating_add(WORD)) != Some(exit.exit_pc) {
            return None;
        }
        let caller = span.read(exit.exit_fp)?;
        (exit.exit_fp < caller && caller <= exit.entry_fp).then_some((caller, span))
    }

    /// As [`Walker::exit_frame`], when host code was interrupted: if that lies in the thread's own stack, so must the
    /// exit, or it is one of another thread, to which an async guest has moved unnoticed. A signal's handler was not
    /// called by the guest, and wasmtime's takes the guest's trap.
    fn own_exit_frame(&mut self, exit: ExitPoint, registers: &Registers) -> Option<(FramePointer, StackSpan)> {
        let is_own = |address: usize| self.thread_stack.low <= address && address < self.thread_stack.high;
        if registers.is_in_handler || is_own(registers.sp) != is_own(exit.exit_fp) {
            return None;
        }
        self.exit_frame(exit, registers.sp)
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
    fn outer(&mut self, innermost: usize, frames: &mut Frames<'_, '_, '_>) -> Result<End, Stop> {
        let mut entry_fp = None;
        for inner in (0..=innermost).rev() {
            let (Some(exit), Some(activation)) = (self.activations.outer_exit(inner), self.activations.get(inner))
            else {
                return Ok(End::OuterUnknown);
            };
            let inside = match activation.kind {
                Kind::Entered if inner == 0 => break,
                // What is outside lies above what is inside, on one stack.
                Kind::Entered => activation.entry_fp().unwrap_or(0),
                // Nothing is known about where one stack lies beside another.
                Kind::Polled if exit == ExitPoint::default() => break,
                Kind::Nested if entry_fp.is_some_and(|entry_fp| !activation.began_with(entry_fp)) => continue,
                Kind::Polled | Kind::Nested => 0,
            };
            let Some((fp, span)) = self.exit_frame(exit, inside) else {
                return Ok(End::OuterUnknown);
            };
            frames.push(FrameTag::Reentry, 0)?;
            frames.push(FrameTag::ReturnAddress, exit.exit_pc)?;
            self.climb(fp, Some(exit.entry_fp), span, frames)?;
            entry_fp = Some(exit.entry_fp);
        }
        Ok(End::Entry)
    }
}

#[cfg(test)]
mod tests;
