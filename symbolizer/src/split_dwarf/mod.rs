//! Split DWARF: what stands in a module is a skeleton of each unit, and the rest lies in an object (`.dwo`), or packed with
//! others (`.dwp`).
//!
//! A skeleton and its unit have an id in common, which compilers make of what the unit describes. Addresses and line tables
//! are the skeleton's; functions, inlined calls and names the split unit's.

mod concatenated;
mod file;
mod package;
mod roots;
mod sections;

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use self::file::SplitFile;
pub(crate) use self::sections::SplitSections;

/// A split unit by where it lies in its file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SplitUnit {
    pub(crate) id: u64,
    pub(crate) sections: SplitSections,
}

/// The split units that were found for a module.
#[derive(Clone, Debug, Default)]
pub struct SplitUnits {
    files: Vec<KnownFile>,
    /// By the id of their skeletons.
    units: HashMap<u64, FoundUnit>,
}

#[derive(Clone, Debug)]
struct KnownFile {
    /// `None` for the module itself.
    path: Option<PathBuf>,
    bytes: Arc<[u8]>,
    debug_bytes: usize,
}

/// A split unit that was found for a skeleton.
#[derive(Clone, Debug)]
pub(crate) struct FoundUnit {
    /// The number of its file.
    pub(crate) file: usize,
    /// The id that it has in its file.
    pub(crate) id: u64,
    pub(crate) sections: SplitSections,
    /// Whether it is of another build, and the user insisted.
    pub(crate) is_other_build: bool,
}

impl FoundUnit {
    /// Returns what units of the same sections have in common.
    pub(crate) fn part(&self) -> (usize, Range<usize>) {
        (self.file, self.sections.info.clone())
    }
}

impl SplitUnits {
    /// Returns how many units were found.
    pub fn len(&self) -> usize {
        self.units.len()
    }

    /// Tells whether none was found.
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// Returns the files that the units lie in; the module itself may be another.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().filter_map(|file| file.path.as_deref())
    }

    /// Finds the split unit of a skeleton.
    pub(crate) fn get(&self, id: u64) -> Option<&FoundUnit> {
        self.units.get(&id)
    }

    /// Takes in a file, and returns its number.
    pub(crate) fn add_file(&mut self, path: Option<PathBuf>, file: &SplitFile) -> usize {
        let debug_bytes = file.debug_bytes();
        self.files.push(KnownFile { path, bytes: file.bytes().clone(), debug_bytes });
        self.files.len().saturating_sub(1)
    }

    /// Takes in the unit of a skeleton with this id, unless there is one.
    pub(crate) fn add_unit(&mut self, skeleton: u64, unit: FoundUnit) {
        self.units.entry(skeleton).or_insert(unit);
    }

    /// Returns the bytes of the files, by their numbers.
    pub(crate) fn file_bytes(&self) -> impl Iterator<Item = Arc<[u8]>> {
        self.files.iter().map(|file| file.bytes.clone())
    }

    /// Returns how many bytes of debug information the files carry.
    pub(crate) fn debug_bytes(&self) -> usize {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.debug_bytes))
    }
}
