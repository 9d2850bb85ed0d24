//! Debug information that is kept apart from the modules that run.
//!
//! A module is known by its code (see [`CodeIdentity`]), so its unstripped twin is found wherever it lies beneath the places
//! that the user named: as a file, or inside a component. Besides, a module may name its debug file (`external_debug_info`),
//! and carry a `build_id`. Of split DWARF, files are taken that hold units with the ids that the module has for them.
//! A source map is taken only where the module itself names it, or the user does. Nothing is read outside those places and the module's own folder, and nothing is fetched.

mod candidate;
mod external;
mod folder;
mod named_maps;
mod source_maps;
mod split_names;
mod split_target;
mod split_units;
mod whole_file;

use std::path::{Path, PathBuf};

use wasmscope_model::CodeIdentity;

pub use self::source_maps::FoundSourceMap;
pub use self::split_units::{FoundSplitUnits, SplitSearchResult, SplitWanted};

use self::candidate::Candidate;
use crate::module_image::Worth;
use crate::{ModuleImage, SourceMapFaults};

/// Where debug files may lie.
///
/// # Accuracy
///
/// A file is taken for a module's if its code is the same, byte for byte; a file without code, if the module names it or
/// both have the same `build_id`. Files beyond ten thousand in a place, below sixteen folders, or larger than 4 GiB are not
/// looked at. Links that lead out of a place are not followed.
#[derive(Clone, Debug, Default)]
pub struct DebugFiles {
    /// Files and folders that the user named.
    named: Vec<PathBuf>,
    /// The folder of the module that runs.
    beside: Option<PathBuf>,
    /// The module that runs.
    module_file: Option<PathBuf>,
    forced: bool,
}

/// What a search is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// What people call the module.
    pub name: String,
    /// Its code.
    pub identity: CodeIdentity,
    /// The contents of its `build_id` section, hexadecimal; empty when there is none.
    pub build_id: String,
    /// What it says of a debug file of its own.
    pub external: Option<String>,
}

impl Wanted {
    /// Tells what is wanted for a module.
    pub fn of(image: &ModuleImage) -> Self {
        let name = image.module_name().unwrap_or("the module").to_owned();
        let external = image.external_debug_info().map(str::to_owned);
        Self { name, identity: image.identity(), build_id: image.build_id().to_owned(), external }
    }

    /// Calls the module by another name.
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }
}

/// A file that was found for a module.
#[derive(Clone, Debug)]
pub struct DebugFile {
    /// The module.
    pub identity: CodeIdentity,
    /// Where it was found.
    pub path: PathBuf,
    /// What it holds.
    pub image: ModuleImage,
    /// Why it was taken.
    pub fit: Fit,
}

/// Why a file was taken for a module's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Fit {
    /// Its code is the same.
    SameCode,
    /// It has no code, and the same `build_id`.
    SameBuildId,
    /// It has no code, and the module names it.
    NamedByModule,
    /// It is of another build, and the user insisted.
    Forced,
}

/// Why there is nothing better for a module.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotFound {
    /// The user named a file, and it is another build's.
    #[error("{} is of another build: its code is {found}, and that of {module} is {wanted}; --force-symbols takes it all the same", path.display())]
    OtherBuild {
        /// The file.
        path: PathBuf,
        /// The module.
        module: String,
        /// The identity of the module's code.
        wanted: CodeIdentity,
        /// The identity of the file's code.
        found: CodeIdentity,
    },
    /// The user named a file, and it cannot be read.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file that the module names lies where nothing may be read.
    #[error("{module} names the debug file {file:?}, which {reason}")]
    External {
        /// The module.
        module: String,
        /// What it names.
        file: String,
        /// Why it was not read.
        reason: &'static str,
    },
    /// The source map that the module names is not there, or cannot be read.
    #[error("{module} names the source map {map:?}, which {reason}")]
    SourceMap {
        /// The module.
        module: String,
        /// What it names.
        map: String,
        /// Why it was not read.
        reason: String,
    },
    /// The source map of a module says what cannot be true.
    #[error("of {mappings} mappings of the source map {map:?} of {module} some are left out: {faults}")]
    FaultySourceMap {
        /// The module.
        module: String,
        /// What it names.
        map: String,
        /// How many mappings there are.
        mappings: usize,
        /// What is wrong with them.
        faults: SourceMapFaults,
    },
    /// A file with split units is another build's.
    #[error("{} is of another build: the id of {unit:?} in it is {found:016x}, and {module} has {wanted:016x}; --force-symbols takes a file that it is given all the same", path.display())]
    OtherSplitUnit {
        /// The file.
        path: PathBuf,
        /// The module.
        module: String,
        /// The file that the unit was written to first.
        unit: String,
        /// The id that the module has for it.
        wanted: u64,
        /// The id that it has in the file.
        found: u64,
    },
    /// Units of a module are split, and what was split off them is not there.
    #[error("{}", split_target::missing_text(module, *missing, *units, first, *is_spoilt))]
    SplitUnits {
        /// The module.
        module: String,
        /// How many of its units lack what was split off.
        missing: usize,
        /// How many units it has in all.
        units: usize,
        /// The file that was written for the first of them.
        first: String,
        /// Whether the module holds what was split off, and the linker spoilt it.
        is_spoilt: bool,
    },
    /// A place has more files than are looked at.
    #[error("{}: only the first {limit} files were looked at", path.display())]
    TooManyFiles {
        /// The place.
        path: PathBuf,
        /// How many were.
        limit: usize,
    },
}

/// What a search came to.
#[derive(Clone, Debug, Default)]
pub struct SearchResult {
    /// At most one file for each module.
    pub found: Vec<DebugFile>,
    /// What the user should know.
    pub problems: Vec<NotFound>,
}

impl DebugFiles {
    /// Searches the files and folders that the user named.
    pub fn new(named: Vec<PathBuf>) -> Self {
        Self { named, ..Self::default() }
    }

    /// Lets modules name debug files in this folder, their own.
    pub fn beside(self, folder: &Path) -> Self {
        Self { beside: Some(folder::itself(folder)), ..self }
    }

    /// As [`DebugFiles::beside`], for this module, whose packages of split units are called as it is.
    pub fn beside_module(self, module: &Path) -> Self {
        let files = Self { module_file: Some(module.to_owned()), ..self };
        match module.parent() {
            Some(folder) => files.beside(folder),
            None => files,
        }
    }

    /// Takes a file that the user named for the one module that is wanted even if it is of another build.
    pub fn forced(self, forced: bool) -> Self {
        Self { forced, ..self }
    }

    /// Tells whether there is any place to look at.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty() && self.beside.is_none()
    }

    /// Tells whether the user named any place.
    pub fn has_named_places(&self) -> bool {
        !self.named.is_empty()
    }

    /// Reads the places, and finds the best file for each module: the one with DWARF, else with names.
    pub fn search(&self, wanted: &[Wanted]) -> SearchResult {
        let mut result = SearchResult::default();
        if wanted.is_empty() {
            return result;
        }
        for place in &self.named {
            if place.is_dir() {
                self.search_folder(place, wanted, &mut result);
            } else {
                self.search_file(place, wanted, &mut result);
            }
        }
        for module in wanted {
            let has_dwarf = |file: &DebugFile| file.identity == module.identity && file.image.has_dwarf();
            if !result.found.iter().any(has_dwarf) {
                self.search_named_by(module, &mut result);
            }
        }
        result
    }

    fn search_folder(&self, folder: &Path, wanted: &[Wanted], result: &mut SearchResult) {
        let listed = folder::files_beneath(folder);
        if let Some(limit) = listed.cut_at {
            result.problems.push(NotFound::TooManyFiles { path: folder.to_owned(), limit });
        }
        for path in listed.files {
            // A folder holds all kinds of files; what cannot be read is not what is looked for.
            for candidate in Candidate::read(&path).into_iter().flatten() {
                result.offer(&candidate, &path, wanted);
            }
        }
    }

    fn search_file(&self, path: &Path, wanted: &[Wanted], result: &mut SearchResult) {
        if Self::is_source_map(path) {
            return;
        }
        let candidates = match Candidate::read(path) {
            Ok(candidates) => candidates,
            // Modules that are split look for it themselves.
            Err(_) if Self::is_of_split_units(path) => return,
            Err(reason) => {
                result.problems.push(NotFound::Unreadable { path: path.to_owned(), reason });
                return;
            }
        };
        let taken = candidates.iter().filter(|candidate| result.offer(candidate, path, wanted)).count();
        if taken > 0 || Self::is_of_split_units(path) {
            return;
        }
        let of_guest =
            |candidate: &&Candidate| !candidate.image.is_adapter() && candidate.image.defined_functions() > 0;
        let (Some(candidate), Some(module)) = (candidates.iter().find(of_guest), wanted.first()) else {
            let reason = "it has no code, and no build id that is wanted".to_owned();
            result.problems.push(NotFound::Unreadable { path: path.to_owned(), reason });
            return;
        };
        if self.forced && wanted.len() == 1 {
            result.take(candidate, path, module.identity, Fit::Forced);
            return;
        }
        result.problems.push(NotFound::OtherBuild {
            path: path.to_owned(),
            module: module.name.clone(),
            wanted: module.identity,
            found: candidate.image.identity(),
        });
    }

    fn search_named_by(&self, module: &Wanted, result: &mut SearchResult) {
        let Some(file) = &module.external else {
            return;
        };
        let folders = self.named.iter().filter(|place| place.is_dir()).chain(&self.beside);
        let path = match external::beneath(file, folders) {
            Ok(path) => path,
            Err(reason) => {
                let (module, file) = (module.name.clone(), file.clone());
                result.problems.push(NotFound::External { module, file, reason });
                return;
            }
        };
        match Candidate::read(&path) {
            Err(reason) => result.problems.push(NotFound::Unreadable { path, reason }),
            Ok(candidates) => {
                for candidate in &candidates {
                    let other_build_id = !module.build_id.is_empty() && !candidate.image.build_id().is_empty();
                    if candidate.fits(module).is_some() {
                        result.offer(candidate, &path, std::slice::from_ref(module));
                    } else if candidate.image.defined_functions() == 0 && !other_build_id {
                        result.take(candidate, &path, module.identity, Fit::NamedByModule);
                    } else {
                        result.problems.push(NotFound::OtherBuild {
                            path: path.clone(),
                            module: module.name.clone(),
                            wanted: module.identity,
                            found: candidate.image.identity(),
                        });
                    }
                }
            }
        }
    }
}

impl SearchResult {
    /// Takes a file for each module that it fits, if it is better than what was found for it; tells whether it fits any.
    fn offer(&mut self, candidate: &Candidate, path: &Path, wanted: &[Wanted]) -> bool {
        let mut fits_any = false;
        for module in wanted {
            if let Some(fit) = candidate.fits(module) {
                fits_any = true;
                self.take(candidate, path, module.identity, fit);
            }
        }
        fits_any
    }

    fn take(&mut self, candidate: &Candidate, path: &Path, identity: CodeIdentity, fit: Fit) {
        let worth = ModuleImage::worth;
        if worth(&candidate.image) == Worth::default() {
            return;
        }
        let file = DebugFile { identity, path: path.to_owned(), image: candidate.image.clone(), fit };
        match self.found.iter_mut().find(|known| known.identity == identity) {
            None => self.found.push(file),
            Some(known) if worth(&known.image) < worth(&candidate.image) => *known = file,
            Some(_) => {}
        }
    }
}
