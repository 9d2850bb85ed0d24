//! Which source line the code of one unit comes from.

use std::ops::Range;
use std::rc::Rc;

use gimli::{DebugLineOffset, LineProgramHeader, ReaderOffset};
use std::collections::HashMap;

use super::Slice;
use super::fuel::{Fuel, Unreadable};
use super::text::lossy;
use super::unit::UnitReader;
use crate::ModuleImage;
use crate::names::cut;

/// How many overlapping sequences are looked at for one offset; the sequences of a linker do not overlap.
const MAX_OVERLAPPING: usize = 16;

/// What a byte of a line program costs, since it may become a row, which is many times as long.
const INSTRUCTION_COST: usize = 4;

/// What a byte of its header costs, since it may be half the name of a file.
const HEADER_COST: usize = 8;

/// A position in the source.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Position {
    /// An index in the unit's table of files.
    pub(super) file: Option<u64>,
    /// 1-based; 0 when unknown, or for code that belongs to no line.
    pub(super) line: u32,
    /// 1-based; 0 when unknown.
    pub(super) column: u32,
}

/// From an address on, this is the position.
#[derive(Clone, Copy, Debug)]
struct Row {
    begin: u32,
    file: u32,
    line: u32,
    column: u32,
}

/// Rows that belong together: the code of one function, usually.
#[derive(Debug)]
struct Sequence {
    code: Range<u32>,
    rows: Range<usize>,
}

/// The line table of one unit.
///
/// # Accuracy
///
/// Of several rows for one address the last counts. Sequences of functions that the linker removed are left out: they
/// begin where no function of the module does.
#[derive(Debug, Default)]
pub(super) struct Lines<'a> {
    header: Option<LineProgramHeader<Slice<'a>>>,
    rows: Vec<Row>,
    /// Sorted by their first address.
    sequences: Vec<Sequence>,
    paths: HashMap<u64, Rc<str>>,
    /// Whether the table broke off; the sequences before are kept.
    pub(super) broken: bool,
}

impl<'a> Lines<'a> {
    /// Runs the line program of a unit.
    pub(super) fn read(
        unit: &UnitReader<'_, 'a>,
        program: Option<DebugLineOffset<usize>>,
        image: &ModuleImage,
        fuel: &mut Fuel,
    ) -> Self {
        let mut lines = Self::default();
        if let Some(program) = program {
            lines.broken = lines.run(unit, program, image, fuel).is_err();
            lines.sequences.sort_by_key(|sequence| sequence.code.start);
        }
        lines
    }

    fn run(
        &mut self,
        unit: &UnitReader<'_, 'a>,
        program: DebugLineOffset<usize>,
        image: &ModuleImage,
        fuel: &mut Fuel,
    ) -> Result<(), Unreadable> {
        let (comp_dir, name) = (unit.unit.comp_dir, unit.unit.name);
        let program = unit.dwarf.debug_line.program(program, unit.unit.header.address_size(), comp_dir, name)?;
        fuel.spend((program.header().header_length().into_u64() as usize).saturating_mul(HEADER_COST))?;
        fuel.spend(program.header().raw_program_buf().len().saturating_mul(INSTRUCTION_COST))?;
        self.header = Some(program.header().clone());
        let mut rows = program.rows();
        let mut first = 0;
        while let Some((_, row)) = rows.next_row()? {
            let address = u32::try_from(row.address()).unwrap_or(u32::MAX);
            if row.end_sequence() {
                self.end_sequence(first, address, image);
                first = self.rows.len();
                continue;
            }
            let small = |value: u64| u32::try_from(value).unwrap_or(0);
            let row = Row {
                begin: address,
                file: small(row.file_index()),
                line: row.line().map_or(0, |line| small(line.get())),
                column: match row.column() {
                    gimli::ColumnType::LeftEdge => 0,
                    gimli::ColumnType::Column(column) => small(column.get()),
                },
            };
            match self.rows.get_mut(first..).and_then(<[Row]>::last_mut) {
                Some(last) if last.begin == row.begin => *last = row,
                _ => self.rows.push(row),
            }
        }
        self.rows.truncate(first);
        Ok(())
    }

    fn end_sequence(&mut self, first: usize, end: u32, image: &ModuleImage) {
        let rows = self.rows.get_mut(first..).unwrap_or_default();
        if !rows.is_sorted_by_key(|row| row.begin) {
            rows.sort_by_key(|row| row.begin);
        }
        match rows.first().map(|row| row.begin) {
            Some(begin) if begin < end && image.body_reached_from(begin).is_some() => {
                self.sequences.push(Sequence { code: begin..end, rows: first..self.rows.len() });
            }
            _ => self.rows.truncate(first),
        }
    }

    /// Returns the position at an offset.
    pub(super) fn at(&self, offset: u32) -> Option<Position> {
        let behind = self.sequences.partition_point(|sequence| sequence.code.start <= offset);
        let before = self.sequences.get(..behind)?.iter().rev().take(MAX_OVERLAPPING);
        let sequence = before.into_iter().find(|sequence| sequence.code.contains(&offset))?;
        let rows = self.rows.get(sequence.rows.clone())?;
        let behind = rows.partition_point(|row| row.begin <= offset);
        let row = rows.get(behind.checked_sub(1)?)?;
        Some(Position { file: Some(row.file.into()), line: row.line, column: row.column })
    }

    /// Returns the code between two rows each, with its line; 0 for code that belongs to none.
    pub(super) fn spans(&self) -> impl Iterator<Item = (Range<u32>, u32)> {
        self.sequences.iter().flat_map(|sequence| {
            let rows = self.rows.get(sequence.rows.clone()).unwrap_or_default();
            let ends = rows.iter().skip(1).map(|row| row.begin).chain([sequence.code.end]);
            rows.iter().zip(ends).map(|(row, end)| (row.begin..end, row.line))
        })
    }

    /// Returns from where to where the lines reach.
    pub(super) fn extent(&self) -> Option<Range<u32>> {
        let end = self.sequences.iter().map(|sequence| sequence.code.end).max()?;
        Some(self.sequences.first()?.code.start..end)
    }

    /// Returns the path of a file by its index in the table; empty when there is none.
    pub(super) fn path(&mut self, unit: &UnitReader<'_, 'a>, file: u64, fuel: &mut Fuel) -> Rc<str> {
        if let Some(path) = self.paths.get(&file) {
            return path.clone();
        }
        let path: Rc<str> = self.compose(unit, file, fuel).unwrap_or_default().into();
        self.paths.insert(file, path.clone());
        path
    }

    /// Composes a path of the folder of the compilation, the folder of the file and its name, as each needs the next.
    fn compose(&self, unit: &UnitReader<'_, 'a>, index: u64, fuel: &mut Fuel) -> Option<String> {
        let header = self.header.as_ref()?;
        // Files count from 1 before DWARF 5; 0 is code of no file.
        let file = header.file(index).filter(|_| index != 0 || header.version() >= 5)?;
        let mut text = |value| {
            let text = unit.dwarf.attr_string(unit.unit, value).ok()?;
            fuel.spend(text.len()).ok()?;
            Some(lossy(text).into_owned())
        };
        let mut path = unit.unit.comp_dir.map(|folder| lossy(folder).into_owned()).unwrap_or_default();
        // Folder 0 is that of the compilation itself, which DWARF 5 spells out once more.
        if let Some(folder) = file.directory(header).filter(|_| file.directory_index() != 0).and_then(&mut text) {
            join(&mut path, &folder);
        }
        join(&mut path, &text(file.path_name())?);
        fuel.spend(path.len()).ok()?;
        Some(cut(&path).to_owned())
    }
}

/// Adds a part to a path; an absolute part replaces it.
fn join(path: &mut String, part: &str) {
    let bytes = part.as_bytes();
    let drive = bytes.get(1) == Some(&b':') && matches!(bytes.get(2), Some(b'\\' | b'/'));
    if drive || part.starts_with(['/', '\\']) {
        path.clear();
    }
    if !path.is_empty() && !path.ends_with(['/', '\\']) {
        let windows = path.get(1..3) == Some(":\\") || (path.starts_with('\\') && !path.contains('/'));
        path.push(if windows { '\\' } else { '/' });
    }
    path.push_str(part);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absolute_part_replaces_the_path_before_it() {
        let joined = |parts: &[&str]| {
            let mut path = String::new();
            parts.iter().for_each(|part| join(&mut path, part));
            path
        };
        assert_eq!(joined(&["/build", "src", "a.c"]), "/build/src/a.c");
        assert_eq!(joined(&["/build", "/usr/include", "a.h"]), "/usr/include/a.h");
        assert_eq!(joined(&["", "src/", "a.c"]), "src/a.c");
        assert_eq!(joined(&["C:\\build", "src", "a.c"]), "C:\\build\\src\\a.c");
        assert_eq!(joined(&["/build", "C:\\src", "a.c"]), "C:\\src\\a.c");
    }
}
