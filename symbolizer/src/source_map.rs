//! Source maps of revision 3: the lines of modules whose compilers write no DWARF.
//!
//! The reader is our own: those for browsers refuse a whole map for one bad mapping, bound neither time nor memory, and know
//! nothing of functions, so that the last mapping of one covers the beginning of the next.

mod data_url;
mod document;
mod faults;
mod mappings;
mod rows;
mod vlq;

use std::ops::Range;
use std::sync::Arc;

use wasmscope_model::{CodeOffset, ResolvedFrame};

pub use self::faults::SourceMapFaults;

use self::document::Document;
use self::mappings::Segments;
use self::rows::{Row, RowBuilder, Sources};
use crate::ModuleImage;
use crate::debug_info::{Chain, Frames};
use crate::names::cut;

/// Maps larger than this are not read: those with the text of all sources have a fifth of it.
pub(crate) const MAX_MAP_BYTES: usize = 256 << 20;
/// Sources that are kept of all maps of a module.
const MAX_SOURCES: usize = 1 << 18;
/// Maps of parts of the code that are read.
const MAX_SECTIONS: usize = 1 << 16;
/// A map of another build has every other mapping between instructions; more than one in so many is refused.
const MISPLACED_OF_OTHER_BUILD: usize = 4;

/// Which source line the code of a module comes from, as its source map tells.
///
/// # Accuracy
///
/// A mapping holds from its instruction up to the next mapping, and never beyond the end of the function. A map knows no inlined
/// calls: code that was inlined has the line it was written in, and the name of the function that it is part of now.
/// Nothing in a map tells which code it was made for. One of another build is told by mappings that begin within instructions:
/// a quarter of them is too much, fewer are left out. [`SourceMapFaults`] counts all that cannot be true.
#[derive(Clone, Debug)]
pub struct SourceMap {
    rows: Arc<[Row]>,
    sources: Arc<[Source]>,
    faults: SourceMapFaults,
    mappings: usize,
}

/// The path of a source, in parts: many share the first.
#[derive(Debug)]
struct Source {
    root: Arc<str>,
    /// `None` for a source without a path.
    path: Option<Box<str>>,
}

/// A position in a source file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourcePosition {
    /// The path of the file, as the map has it, behind the map's `sourceRoot`.
    pub file: String,
    /// 1-based.
    pub line: u32,
    /// 1-based.
    pub column: u32,
}

/// Why a file is no source map that can be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceMapError {
    /// It is no JSON, or JSON of another kind.
    #[error("is no source map: its JSON goes wrong in line {line}, column {column}")]
    Malformed {
        /// 1-based.
        line: usize,
        /// 1-based.
        column: usize,
    },
    /// It is of another revision.
    #[error("is of revision {found}, and only revision 3 can be read")]
    UnknownVersion {
        /// Its revision.
        found: u64,
    },
    /// Its mappings do not begin where instructions do.
    #[error("is of another build: {misplaced} of {of_code} mappings of code lie between instructions")]
    OtherBuild {
        /// How many do not.
        misplaced: usize,
        /// How many there are of the code.
        of_code: usize,
    },
    /// It is larger than maps that are read.
    #[error("is larger than {limit} bytes")]
    TooLarge {
        /// How large maps may be.
        limit: usize,
    },
    /// It is in the module itself, and not as JSON in base 64.
    #[error("is a data URL of another kind than application/json in base64")]
    UnknownDataUrl,
}

impl From<serde_json::Error> for SourceMapError {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed { line: error.line(), column: error.column() }
    }
}

impl SourceMap {
    /// Reads a map of a module, which must be as it was when the map was made: offsets count from the start of its file.
    ///
    /// # Errors
    ///
    /// When the JSON is not that of a source map. Mappings that cannot be true are no error: see [`SourceMap::faults`].
    pub fn parse(json: &[u8], image: &ModuleImage) -> Result<Self, SourceMapError> {
        if json.len() > MAX_MAP_BYTES {
            return Err(SourceMapError::TooLarge { limit: MAX_MAP_BYTES });
        }
        let json = std::str::from_utf8(json).map_err(|_| SourceMapError::Malformed { line: 1, column: 1 })?;
        let mut reader = Reader { rows: RowBuilder::new(image), sources: Vec::new() };
        reader.read(Document::read(without_guard(json))?)?;
        let (rows, faults, mappings) = reader.rows.finish();
        let misplaced = faults.between_instructions;
        let of_code = mappings.saturating_sub(faults.outside_code).saturating_sub(faults.too_many);
        if misplaced > of_code / MISPLACED_OF_OTHER_BUILD {
            return Err(SourceMapError::OtherBuild { misplaced, of_code });
        }
        Ok(Self { rows: rows.into(), sources: reader.sources.into(), faults, mappings })
    }

    /// Reads the map that a module holds itself, in the `data:` URL by which it names it.
    pub(crate) fn parse_inline(url: &str, image: &ModuleImage) -> Result<Self, SourceMapError> {
        // Four characters make three bytes.
        if url.len() / 4 * 3 > MAX_MAP_BYTES {
            return Err(SourceMapError::TooLarge { limit: MAX_MAP_BYTES });
        }
        let json = data_url::contents(url).ok_or(SourceMapError::UnknownDataUrl)?;
        Self::parse(&json, image)
    }

    /// Looks up the position of the code at an offset; `None` when the map does not cover it.
    pub fn position_at(&self, offset: CodeOffset) -> Option<SourcePosition> {
        let behind = self.rows.partition_point(|row| row.begin <= offset.get());
        let row = self.rows.get(behind.checked_sub(1)?)?;
        let position = row.position?;
        let Source { root, path } = self.sources.get(position.source as usize)?;
        let file = joined(root, path.as_deref()?);
        Some(SourcePosition { file, line: position.line, column: position.column })
    }

    /// Returns what the map says that cannot be true.
    pub fn faults(&self) -> SourceMapFaults {
        self.faults
    }

    /// Returns how many mappings were read, those that cannot be true among them.
    pub fn mappings(&self) -> usize {
        self.mappings
    }

    /// Returns how many bytes of a range of code have a position.
    pub(crate) fn bytes_within(&self, range: Range<u32>) -> u32 {
        let first = self.rows.partition_point(|row| row.begin <= range.start).saturating_sub(1);
        let mut bytes = 0u32;
        for (at, row) in self.rows.iter().enumerate().skip(first).take_while(|(_, row)| row.begin < range.end) {
            let is_known = row.position.is_some_and(|position| {
                self.sources.get(position.source as usize).is_some_and(|source| source.path.is_some())
            });
            let next = self.rows.get(at.saturating_add(1)).map_or(range.end, |next| next.begin.min(range.end));
            if is_known {
                bytes = bytes.saturating_add(next.saturating_sub(row.begin.max(range.start)));
            }
        }
        bytes
    }

    /// Looks up the frame at an offset of the function `function_index`; its name is left to others. The declarations of
    /// locals have the line of the first instruction, as with DWARF.
    pub(crate) fn frames_at(&self, offset: CodeOffset, function_index: u32, image: &ModuleImage) -> Chain {
        if !image.body(function_index).is_some_and(|body| body.contains(&offset.get())) {
            return Ok(None);
        }
        let at_entry = || {
            let first = image.first_instruction(function_index).filter(|first| offset.get() < *first)?;
            self.position_at(CodeOffset::new(first))
        };
        let position = self.position_at(offset).or_else(at_entry);
        Ok(position.map(|SourcePosition { file, line, column }| {
            let (name, system_name) = (String::new(), String::new());
            let frame = ResolvedFrame { name, system_name, file, start_line: 0, line, column };
            Frames { frames: vec![frame], is_other_build: false }
        }))
    }
}

struct Reader<'i> {
    rows: RowBuilder<'i>,
    sources: Vec<Source>,
}

impl Reader<'_> {
    fn read(&mut self, document: Document<'_>) -> Result<(), SourceMapError> {
        check_version(&document)?;
        if !document.is_index() {
            return self.read_map(&document, 0);
        }
        let sections = document.sections(MAX_SECTIONS)?;
        let mut unread = sections.left_out;
        for section in sections.items {
            let map = section.map.map(|map| Document::read(map.get()));
            // Maps in sections have none of their own, and a module is one line.
            let is_read = match map {
                Some(Ok(map)) if !map.is_index() && section.offset.line == 0 => {
                    check_version(&map).and_then(|()| self.read_map(&map, section.offset.column)).is_ok()
                }
                _ => false,
            };
            unread = unread.saturating_add(usize::from(!is_read));
        }
        self.rows.faults.unread_sections = unread;
        Ok(())
    }

    fn read_map(&mut self, document: &Document<'_>, start: u32) -> Result<(), SourceMapError> {
        let first = self.sources.len();
        let root: Arc<str> = cut(document.source_root.as_deref().unwrap_or_default()).into();
        let paths = document.sources(MAX_SOURCES.saturating_sub(first))?.items.into_iter();
        self.sources.extend(paths.map(|path| Source { root: root.clone(), path: path.map(|path| cut(&path).into()) }));
        let sources = Sources { first, count: self.sources.len().saturating_sub(first) };
        for segment in Segments::of(document.mappings.as_deref().unwrap_or_default()) {
            match segment {
                Ok(segment) => self.rows.take(&segment, start, sources),
                Err(mappings::Broken) => {
                    self.rows.faults.broken = self.rows.faults.broken.saturating_add(1);
                    self.rows.break_off();
                }
            }
        }
        Ok(())
    }
}

fn check_version(document: &Document<'_>) -> Result<(), SourceMapError> {
    match document.version {
        None | Some(3) => Ok(()),
        Some(found) => Err(SourceMapError::UnknownVersion { found }),
    }
}

/// Cuts off the line that servers put before JSON to keep it from being run as a script.
fn without_guard(json: &str) -> &str {
    match json.strip_prefix(")]}") {
        Some(rest) => rest.split_once('\n').map_or("", |(_, json)| json),
        None => json,
    }
}

fn joined(root: &str, path: &str) -> String {
    let is_whole = path.starts_with('/') || path.contains("://");
    let slash = if root.ends_with('/') { "" } else { "/" };
    let (root, slash) = if root.is_empty() || is_whole { ("", "") } else { (root, slash) };
    let joined = format!("{root}{slash}{path}");
    joined.strip_prefix("./").unwrap_or(&joined).to_owned()
}
