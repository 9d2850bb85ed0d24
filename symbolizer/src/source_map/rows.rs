//! The mappings of a module's code, in the order of its instructions.

use std::ops::Range;

use wasmparser::OperatorsReader;

use crate::ModuleImage;
use crate::call_site::instructions;

use super::faults::SourceMapFaults;
use super::mappings::{Original, Segment};

/// Mappings that are read at most; modules of 4 GiB have fewer.
const MAX_MAPPINGS: usize = 8 << 20;

/// From an offset on, this is the position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Row {
    /// An offset of the code section.
    pub(super) begin: u32,
    /// `None` from where no position is known.
    pub(super) position: Option<Position>,
}

/// A position in a source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Position {
    /// An index in the list of all sources.
    pub(super) source: u32,
    /// 1-based.
    pub(super) line: u32,
    /// 1-based.
    pub(super) column: u32,
}

/// Puts segments in the place of the code they are of.
pub(super) struct RowBuilder<'i> {
    image: &'i ModuleImage,
    /// Sorted, each offset once. Where a function ends, its last position ends.
    rows: Vec<Row>,
    /// The offset of the last segment that was taken.
    reached: u32,
    function: Function<'i>,
    pub(super) faults: SourceMapFaults,
    /// Segments that were taken or found wrong.
    pub(super) mappings: usize,
}

/// The function of the last row, read as far as the last segment.
#[derive(Default)]
struct Function<'i> {
    end: u32,
    first_instruction: u32,
    /// `None` where there is no function yet, or it cannot be read.
    instructions: Option<OperatorsReader<'i>>,
}

/// The sources that a text of mappings speaks of: some of all sources.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sources {
    pub(super) first: usize,
    pub(super) count: usize,
}

impl<'i> RowBuilder<'i> {
    pub(super) fn new(image: &'i ModuleImage) -> Self {
        Self {
            image,
            rows: Vec::new(),
            reached: 0,
            function: Function::default(),
            faults: SourceMapFaults::default(),
            mappings: 0,
        }
    }

    /// Takes a segment of a map for the code from `start` in the file on.
    pub(super) fn take(&mut self, segment: &Segment, start: u32, sources: Sources) {
        self.mappings = self.mappings.saturating_add(1);
        if self.mappings > MAX_MAPPINGS {
            self.faults.too_many = self.faults.too_many.saturating_add(1);
            return self.break_off();
        }
        let Some((begin, body)) = self.code_at(segment, start) else {
            self.faults.outside_code = self.faults.outside_code.saturating_add(1);
            return;
        };
        if begin < self.reached {
            self.faults.out_of_order = self.faults.out_of_order.saturating_add(1);
            return;
        }
        self.reached = begin;
        if begin >= self.function.end {
            self.end_function();
            self.function = Function::of(self.image, body);
        }
        if !self.function.has_instruction_at(begin) {
            self.faults.between_instructions = self.faults.between_instructions.saturating_add(1);
            return;
        }
        let position = segment.original.and_then(|original| self.position(original, sources));
        self.push(Row { begin, position });
    }

    /// Ends what the last mapping covers right behind its instruction's first byte, since nobody knows where it ended.
    pub(super) fn break_off(&mut self) {
        if self.rows.last().is_some_and(|last| last.position.is_some()) {
            self.reached = self.reached.saturating_add(1);
            self.push(Row { begin: self.reached, position: None });
        }
    }

    pub(super) fn finish(mut self) -> (Vec<Row>, SourceMapFaults, usize) {
        self.end_function();
        self.rows.shrink_to_fit();
        (self.rows, self.faults, self.mappings)
    }

    /// Returns the offset of a segment in the code section, and the body of the function that it lies in.
    fn code_at(&self, segment: &Segment, start: u32) -> Option<(u32, Range<u32>)> {
        // A module is one line.
        if segment.generated_line != 0 || segment.generated_column < 0 {
            return None;
        }
        let in_file = segment.generated_column.checked_add(i64::from(start))?;
        let in_code = in_file.checked_sub(i64::try_from(self.image.code_start_in_module()).ok()?)?;
        let begin = u32::try_from(in_code).ok()?;
        Some((begin, self.image.body_reached_from(begin)?))
    }

    fn position(&mut self, original: Original, sources: Sources) -> Option<Position> {
        let Some(source) = usize::try_from(original.source).ok().filter(|source| *source < sources.count) else {
            self.faults.unknown_source = self.faults.unknown_source.saturating_add(1);
            return None;
        };
        let one_based = |number: i64| u32::try_from(number.checked_add(1)?).ok().filter(|number| *number > 0);
        let (Some(line), Some(column)) = (one_based(original.line), one_based(original.column)) else {
            self.faults.impossible_position = self.faults.impossible_position.saturating_add(1);
            return None;
        };
        let source = u32::try_from(source.checked_add(sources.first)?).ok()?;
        Some(Position { source, line, column })
    }

    fn end_function(&mut self) {
        self.push(Row { begin: self.function.end, position: None });
    }

    /// Adds a row. Of several for one offset the last counts; two alike in succession are one.
    fn push(&mut self, row: Row) {
        match self.rows.last_mut() {
            Some(last) if last.begin == row.begin => *last = row,
            Some(last) if last.position == row.position => {}
            None if row.position.is_none() => {}
            _ => self.rows.push(row),
        }
    }
}

impl<'i> Function<'i> {
    fn of(image: &'i ModuleImage, body: Range<u32>) -> Self {
        let end = body.end;
        let instructions = instructions(image, body).map(OperatorsReader::new);
        let first = instructions.as_ref().map_or(0, OperatorsReader::original_position);
        Self { end, first_instruction: u32::try_from(first).unwrap_or(0), instructions }
    }

    /// Tells whether an instruction begins at an offset, or the offset lies before all of them. Offsets must not fall.
    fn has_instruction_at(&mut self, offset: u32) -> bool {
        while let Some(instructions) = &mut self.instructions {
            if instructions.original_position() >= u64::from(offset) {
                return instructions.original_position() == u64::from(offset) || offset < self.first_instruction;
            }
            if instructions.read().is_err() {
                self.instructions = None;
            }
        }
        true
    }
}
