//! A module whose split units are looked for.

use std::collections::HashMap;
use std::path::Path;

use super::NotFound;
use super::split_units::{FoundSplitUnits, SplitWanted};
use crate::debug_info::{Fuel, Skeleton};
use crate::split_dwarf::{FoundUnit, SplitFile, SplitUnit, SplitUnits};

/// A module whose split units are looked for.
pub(super) struct Target<'w> {
    pub(super) wanted: &'w SplitWanted,
    pub(super) found: SplitUnits,
    /// The skeletons without a unit, by their ids.
    pub(super) missing: HashMap<u64, &'w Skeleton>,
    /// Whether the module holds units that the linker spoilt.
    pub(super) is_spoilt: bool,
    /// The first file that is of another build.
    pub(super) other_build: Option<NotFound>,
}

impl<'w> Target<'w> {
    pub(super) fn new(wanted: &'w SplitWanted) -> Self {
        Self {
            wanted,
            found: SplitUnits::default(),
            missing: wanted.skeletons.iter().map(|skeleton| (skeleton.id, skeleton)).collect(),
            is_spoilt: false,
            other_build: None,
        }
    }

    /// Takes the units of a file whose ids are missing, and returns how many.
    ///
    /// # Errors
    ///
    /// Says in words that follow the file's name what is broken in it.
    pub(super) fn take(
        &mut self,
        path: Option<&Path>,
        file: &SplitFile,
        units: &[SplitUnit],
        fuel: &mut Fuel,
    ) -> Result<usize, String> {
        let (mut number, mut taken) = (None, 0usize);
        for unit in units {
            let Some(skeleton) = self.missing.get(&unit.id).copied() else { continue };
            // An index may lead elsewhere than it says.
            if let Some(path) = path.filter(|_| file.is_package()) {
                let id = file.own_id(unit, fuel)?;
                if id != unit.id {
                    self.refuse(path, skeleton, id);
                    continue;
                }
            }
            let number = *number.get_or_insert_with(|| self.found.add_file(path.map(Path::to_owned), file));
            let (id, sections) = (unit.id, unit.sections.clone());
            self.found.add_unit(id, FoundUnit { file: number, id, sections, is_other_build: false });
            self.missing.remove(&unit.id);
            taken = taken.saturating_add(1);
        }
        Ok(taken)
    }

    /// Notes that a file has a unit of another build for a skeleton.
    pub(super) fn refuse(&mut self, path: &Path, skeleton: &Skeleton, found: u64) {
        self.other_build.get_or_insert_with(|| NotFound::OtherSplitUnit {
            path: path.to_owned(),
            module: self.wanted.name.clone(),
            unit: skeleton.file.clone(),
            wanted: skeleton.id,
            found,
        });
    }

    /// Says what was found, and what was not.
    pub(super) fn finish(self) -> FoundSplitUnits {
        let first = self.wanted.skeletons.iter().find(|skeleton| self.missing.contains_key(&skeleton.id));
        let missing = first.map(|first| NotFound::SplitUnits {
            module: self.wanted.name.clone(),
            missing: self.missing.len(),
            units: self.wanted.units,
            first: first.file.clone(),
            is_spoilt: self.is_spoilt,
        });
        FoundSplitUnits { units: self.found, problems: self.other_build.into_iter().chain(missing).collect() }
    }
}

/// Says what a module lacks, and what to do about it.
pub(super) fn missing_text(module: &str, missing: usize, units: usize, first: &str, is_spoilt: bool) -> String {
    let found = match missing {
        1 => format!("1 of {units} units of {module} is split, and its file {first:?} was not found"),
        _ => format!(
            "{missing} of {units} units of {module} are split, and their files were not found: the first is {first:?}"
        ),
    };
    let spoilt = match is_spoilt {
        true => {
            "; those in the module itself are spoilt by the linker, which merged their strings (-Wl,-O0 keeps them)"
        }
        false => "",
    };
    format!(
        "{found}; keep a package beside the module (llvm-dwp -e MODULE -o MODULE.dwp, where it was built), or name the \
         folder of the files with --symbols{spoilt}"
    )
}
