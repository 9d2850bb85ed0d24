//! How much of a module's code can be named and placed.

use std::ops::Range;

use wasmscope_model::ByteSize;

use crate::debug_info::Survey;
use crate::{ModuleImage, SourceMap};

/// A part of a module's code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Share {
    /// Bytes of function bodies.
    pub code: ByteSize,
    /// Functions that have some of them.
    pub functions: usize,
}

impl Share {
    fn add(&mut self, bytes: u64) {
        if bytes > 0 {
            self.code = ByteSize::new(self.code.get().saturating_add(bytes));
            self.functions = self.functions.saturating_add(1);
        }
    }

    /// Returns how much of the code of `whole` this is, from 0 to 1; 1 when there is no code.
    pub fn of_code(&self, whole: &Share) -> f64 {
        if whole.code.get() == 0 { 1.0 } else { self.code.get() as f64 / whole.code.get() as f64 }
    }
}

/// How much of a module's code can be named and placed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Coverage {
    /// All code that the module defines.
    pub all: Share,
    /// Functions with a name, from wherever.
    pub named: Share,
    /// Functions that the `name` section names.
    pub named_by_section: Share,
    /// Functions that have no name besides that of an export.
    pub named_by_export_only: Share,
    /// Code of functions that DWARF names.
    pub named_by_dwarf: Share,
    /// Code to which a line table gives a line.
    pub line_tables: Share,
    /// Code with a source line, be it only that of the call by which it was inlined. The declarations of locals, which no compiler gives one, count with the first
    /// instruction, as they do in lookups.
    pub lines: Share,
    /// All code of functions that have some line.
    pub in_functions_with_lines: Share,
    /// Code that DWARF knows to be inlined from another function.
    pub inlined: Share,
}

impl Coverage {
    pub(super) fn of(image: &ModuleImage, survey: Option<&Survey>, map: Option<&SourceMap>) -> Self {
        let mut coverage = Self::default();
        for (index, body) in image.bodies() {
            let size = u64::from(body.end.saturating_sub(body.start));
            coverage.all.add(size);
            let by_section = image.name_of(index).is_some();
            let by_export = image.export_of(index).is_some();
            let mut by_dwarf = 0;
            let mut lines = 0;
            if let Some(survey) = survey {
                by_dwarf = u64::from(survey.named.bytes_within(body.clone()));
                lines = with_lines(image, index, &body, |range| survey.lines.bytes_within(range));
                coverage.line_tables.add(u64::from(survey.line_tables.bytes_within(body.clone())));
                coverage.inlined.add(u64::from(survey.inlined.bytes_within(body.clone())));
            }
            if let Some(map) = map.filter(|_| !image.has_dwarf()) {
                lines = with_lines(image, index, &body, |range| map.bytes_within(range));
            }
            coverage.lines.add(lines);
            coverage.in_functions_with_lines.add(if lines > 0 { size } else { 0 });
            coverage.named_by_dwarf.add(by_dwarf);
            if by_section {
                coverage.named_by_section.add(size);
            }
            if by_export && !by_section && by_dwarf == 0 {
                coverage.named_by_export_only.add(size);
            }
            coverage.named.add(if by_section || by_export { size } else { by_dwarf });
        }
        coverage
    }
}

/// Counts the bytes of a function with a line, when `bytes_within` counts those to which something gives one.
fn with_lines(image: &ModuleImage, index: u32, body: &Range<u32>, bytes_within: impl Fn(Range<u32>) -> u32) -> u64 {
    let first = image.first_instruction(index).unwrap_or(body.start).clamp(body.start, body.end);
    let has_line_at_first = bytes_within(first..first.saturating_add(1)) > 0;
    let declarations =
        if has_line_at_first { first.saturating_sub(body.start) } else { bytes_within(body.start..first) };
    u64::from(bytes_within(first..body.end)).saturating_add(u64::from(declarations))
}
