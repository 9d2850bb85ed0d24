//! What the debug information of a module covers, and who made it.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use gimli::AttributeValue;

use super::functions::Functions;
use super::lines::Lines;
use super::parts::EntryPlace;
use super::text::lossy;
use super::unit::{Unit, UnitReader};
use super::units::Units;
use super::{Slice, units};
use crate::ModuleImage;
use crate::names::cut;
use crate::split_dwarf::SplitUnits;

/// Texts that differ are kept up to this number: no real module has more compilers or languages.
const MAX_DIFFERENT: usize = 64;
/// Names of split files that are kept.
const MAX_SPLIT_NAMES: usize = 16;

/// What all units of a module say together.
///
/// # Accuracy
///
/// Where several units describe the same code, it counts as covered if one of them covers it; a lookup asks the first
/// only. Units of one linked module do not overlap.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// Units whose first entry could be read.
    pub(crate) units: usize,
    /// Units of which functions or lines could be read in part only.
    pub(crate) broken_units: usize,
    /// Whether the list of units broke off, or some unit could not be read at all.
    pub(crate) incomplete: bool,
    /// Units by version of DWARF.
    pub(crate) versions: BTreeMap<u16, usize>,
    /// Units by language.
    pub(crate) languages: BTreeMap<String, usize>,
    /// Units by compiler.
    pub(crate) producers: BTreeMap<String, usize>,
    /// Units whose debug information lies in another file.
    pub(crate) split_units: usize,
    /// The names of such files, the first few.
    pub(crate) split_names: Vec<String>,
    /// Those of the split units whose file was not found, or does not have them.
    pub(crate) missing_split_units: usize,
    /// The names of their files, the first few.
    pub(crate) missing_split_names: Vec<String>,
    /// Whether a tool rewrote the code and left the DWARF as it was; then it covers nothing.
    pub(crate) left_behind: bool,
    /// Units whose texts could not be read, as when the section of strings is missing.
    pub(crate) units_without_text: usize,
    /// Code to which a line table gives a line.
    pub(crate) line_tables: CodeRanges,
    /// Code with a line, be it that of the call by which it was inlined.
    pub(crate) lines: CodeRanges,
    /// Code of functions with a name.
    pub(crate) named: CodeRanges,
    /// Code that was inlined from other functions.
    pub(crate) inlined: CodeRanges,
    /// Calls that were inlined.
    pub(crate) inlined_calls: usize,
}

impl Survey {
    /// Reads all units of `dwarf`, those that were split off among them, which describe the code of `image`; and shows
    /// `see_name` the name of each function with code, demangled.
    pub(crate) fn of(
        image: &ModuleImage,
        dwarf: &ModuleImage,
        split: &SplitUnits,
        see_name: &mut dyn FnMut(&str),
    ) -> Self {
        let bytes: Vec<_> = [dwarf.bytes().clone()].into_iter().chain(split.file_bytes()).collect();
        let mut units = units(dwarf, split, image, &bytes);
        let mut survey = Self { units: units.list.units.len(), incomplete: units.broken, ..Self::default() };
        survey.left_behind = units.are_left_behind(image);
        for index in 0..units.list.units.len() {
            survey.take_root(&mut units, index);
            if survey.left_behind {
                continue;
            }
            survey.take_code(&mut units, index, image, see_name);
        }
        for ranges in [&mut survey.line_tables, &mut survey.lines, &mut survey.named, &mut survey.inlined] {
            ranges.normalise();
        }
        survey
    }

    fn take_root(&mut self, units: &mut Units<'_>, index: usize) {
        let Units { list, fuel, .. } = units;
        let Some(unit) = list.units.get(index) else {
            return;
        };
        count(&mut self.versions, unit.unit.header.version());
        if unit.skeleton_of.is_some() {
            self.take_skeleton(unit);
        }
        let own = UnitReader { dwarf: &list.sources.dwarf, unit: &unit.unit, part: None };
        let UnitReader { dwarf, unit, .. } =
            unit.split.and_then(|split| list.sources.split_reader(split)).unwrap_or(own);
        let Ok(root) = unit.header.entry(&unit.abbreviations, unit.header.root_offset()) else {
            return;
        };
        if fuel.spend(root.attrs().len()).is_err() {
            return;
        }
        let mut is_readable = true;
        let mut text = |value: AttributeValue<Slice<'_>>| {
            let text = dwarf.attr_string(unit, value).ok();
            is_readable &= text.is_some();
            let text = text.filter(|text| fuel.spend(text.len()).is_ok())?;
            Some(cut(&lossy(text)).to_owned())
        };
        for attribute in root.attrs() {
            match attribute.name() {
                gimli::DW_AT_producer => {
                    if let Some(producer) = text(attribute.value()) {
                        count_text(&mut self.producers, producer);
                    }
                }
                gimli::DW_AT_language => {
                    if let AttributeValue::Language(language) = attribute.value() {
                        count_text(&mut self.languages, language_name(language));
                    }
                }
                gimli::DW_AT_dwo_name | gimli::DW_AT_GNU_dwo_name => {
                    text(attribute.value());
                }
                _ => {}
            }
        }
        self.units_without_text += usize::from(!is_readable);
    }

    fn take_skeleton(&mut self, unit: &Unit<'_>) {
        self.split_units += 1;
        let name = || unit.dwo_name.map(|name| cut(&lossy(name)).to_owned());
        if self.split_names.len() < MAX_SPLIT_NAMES {
            self.split_names.extend(name());
        }
        if unit.split.is_none() {
            self.missing_split_units += 1;
            if self.missing_split_names.len() < MAX_SPLIT_NAMES {
                self.missing_split_names.extend(name());
            }
        }
    }

    fn take_code(&mut self, units: &mut Units<'_>, index: usize, image: &ModuleImage, see_name: &mut dyn FnMut(&str)) {
        let Units { list, descriptions, fuel, .. } = units;
        let Some(unit) = list.units.get_mut(index) else {
            return;
        };
        let lines = unit.lines(&list.sources, image, fuel);
        let mut is_broken = lines.broken;
        self.take_lines(lines);
        let functions = unit.functions(&list.sources, image, fuel);
        is_broken |= functions.broken;
        self.broken_units += usize::from(is_broken);
        let described = self.take_functions(functions);
        unit.forget_tables();
        let mut seen = HashSet::new();
        for (code, described_at) in described {
            let description = descriptions.at(list, described_at, fuel);
            let function = image.function_at(wasmscope_model::CodeOffset::new(code.start));
            // Assemblers of the text format describe functions without a name by their number.
            let is_number = function.is_some_and(|index| description.system_name == format!("wasm-function[{index}]"));
            if !description.system_name.is_empty() && !is_number {
                self.named.push(code);
                if seen.insert(described_at) {
                    see_name(&description.name);
                }
            }
        }
        descriptions.forget();
    }

    fn take_lines(&mut self, lines: &Lines<'_>) {
        for (code, _) in lines.spans().filter(|(_, line)| *line != 0) {
            self.line_tables.push(code.clone());
            self.lines.push(code);
        }
    }

    /// Takes in the code of functions, and returns it with the place of their description: a part of the code, once for
    /// each part.
    fn take_functions(&mut self, functions: &Functions) -> Vec<(Range<u32>, EntryPlace)> {
        // For each node: the function it is inlined into in the end, and whether some call on the way has a line.
        let mut ways: Vec<(u32, bool)> = Vec::with_capacity(functions.nodes().len());
        for (index, node) in (0u32..).zip(functions.nodes()) {
            let above = node.parent.and_then(|parent| ways.get(parent as usize).copied());
            let (outermost, has_line) = above.unwrap_or((index, false));
            self.inlined_calls += usize::from(node.parent.is_some());
            ways.push((outermost, has_line || node.call.line != 0));
        }
        let mut described: Vec<(Range<u32>, EntryPlace)> = Vec::new();
        for (code, index) in functions.segments() {
            let Some((outermost, has_line)) = ways.get(index as usize).copied() else {
                continue;
            };
            if has_line {
                self.lines.push(code.clone());
            }
            if index != outermost {
                self.inlined.push(code.clone());
            }
            let Some(node) = functions.node(outermost) else {
                continue;
            };
            match described.last_mut() {
                Some((last, at)) if *at == node.described_at && last.end == code.start => last.end = code.end,
                _ => described.push((code, node.described_at)),
            }
        }
        described
    }
}

fn language_name(language: gimli::DwLang) -> String {
    match language.static_string() {
        Some(name) => name.trim_start_matches("DW_LANG_").replace("C_plus_plus", "C++").replace('_', " "),
        None => format!("language {:#x}", language.0),
    }
}

fn count<K: Ord>(counts: &mut BTreeMap<K, usize>, key: K) {
    let count = counts.entry(key).or_default();
    *count = count.saturating_add(1);
}

/// Counts a text; further ones than are kept count as the last in the order.
fn count_text(counts: &mut BTreeMap<String, usize>, text: String) {
    match counts.len() < MAX_DIFFERENT || counts.contains_key(&text) {
        true => count(counts, text),
        false => count(counts, "others".to_owned()),
    }
}

/// Code of a module, in any number of pieces.
#[derive(Debug, Default)]
pub(crate) struct CodeRanges(Vec<Range<u32>>);

impl CodeRanges {
    fn push(&mut self, code: Range<u32>) {
        match self.0.last_mut() {
            Some(last) if last.end == code.start => last.end = code.end.max(last.end),
            _ if code.is_empty() => {}
            _ => self.0.push(code),
        }
    }

    /// Sorts the pieces, and joins those that touch.
    fn normalise(&mut self) {
        let mut pieces = std::mem::take(&mut self.0);
        pieces.sort_unstable_by_key(|piece| piece.start);
        for piece in pieces {
            match self.0.last_mut() {
                Some(last) if piece.start <= last.end => last.end = last.end.max(piece.end),
                _ => self.0.push(piece),
            }
        }
    }

    /// Counts the bytes that lie in `code`.
    pub(crate) fn bytes_within(&self, code: Range<u32>) -> u32 {
        let first = self.0.partition_point(|piece| piece.end <= code.start);
        let reached = self.0.iter().skip(first).take_while(|piece| piece.start < code.end);
        reached.map(|piece| piece.end.min(code.end).saturating_sub(piece.start.max(code.start))).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_in_any_order_count_each_byte_once() {
        let mut ranges = CodeRanges::default();
        for piece in [30..40, 10..20, 15..25, 12..13, 40..42, 50..50, 60..70] {
            ranges.push(piece);
        }
        ranges.normalise();
        for code in [0..100, 18..35, 20..21, 25..30, 41..61, 70..80, 5..5] {
            let covered =
                code.clone().filter(|at| (10..25).contains(at) || (30..42).contains(at) || (60..70).contains(at));
            assert_eq!(ranges.bytes_within(code.clone()) as usize, covered.count(), "{code:?}");
        }
    }
}
