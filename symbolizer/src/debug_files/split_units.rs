//! The files with split units that modules have skeletons of.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::split_names::{self, Root};
use super::split_target::Target;
use super::{DebugFiles, NotFound, folder, whole_file};
use crate::debug_info::{Fuel, Skeleton, skeletons};
use crate::split_dwarf::{FoundUnit, SplitFile, SplitUnit, SplitUnits};
use crate::{ModuleImage, Wanted};

/// What a search for split units is for.
#[derive(Clone, Debug)]
pub struct SplitWanted {
    /// What people call the module.
    pub(super) name: String,
    /// Where the module lies, if it lies elsewhere than the one that runs.
    pub(super) file: Option<PathBuf>,
    /// How many units it has, split or not.
    pub(super) units: usize,
    pub(super) skeletons: Vec<Skeleton>,
    /// The split units in the module itself.
    pub(super) own: Option<SplitFile>,
}

impl SplitWanted {
    /// Tells what is wanted for a module, which lies in `file` if that is elsewhere than the one that runs; reads the first
    /// entry of each of its units.
    pub fn of(image: &ModuleImage, file: Option<&Path>) -> Self {
        let (skeletons, units) = skeletons(image);
        let own = if skeletons.is_empty() { None } else { SplitFile::of_module(image) };
        Self { name: Wanted::of(image).name, file: file.map(Path::to_owned), units, skeletons, own }
    }

    /// Calls the module by another name.
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// Tells whether any unit is split.
    pub fn is_split(&self) -> bool {
        !self.skeletons.is_empty()
    }
}

/// What a search for split units came to for one module.
#[derive(Clone, Debug, Default)]
pub struct FoundSplitUnits {
    /// The units.
    pub units: SplitUnits,
    /// What is missing, and which files are of another build.
    pub problems: Vec<NotFound>,
}

/// What a search for split units came to.
#[derive(Clone, Debug, Default)]
pub struct SplitSearchResult {
    /// For each module in order.
    pub found: Vec<FoundSplitUnits>,
    /// What the user should know of files and places.
    pub problems: Vec<NotFound>,
    /// Files with split units that the user named, and which hold none of the modules'.
    pub unused: Vec<PathBuf>,
}

impl SplitSearchResult {
    /// Returns everything that the user should know.
    pub fn all_problems(&self) -> impl Iterator<Item = &NotFound> {
        self.problems.iter().chain(self.found.iter().flat_map(|found| &found.problems))
    }
}

impl DebugFiles {
    /// Finds the split units of modules: in the modules themselves, in files that the user named, in packages beside a module
    /// or beneath the folders that the user named, and in the files that a module names, if they lie there.
    pub fn search_split(&self, wanted: &[SplitWanted]) -> SplitSearchResult {
        let mut search = Search::new(self, wanted);
        if !wanted.iter().any(SplitWanted::is_split) {
            search.unused.extend(self.named.iter().filter(|place| is_called_so(place)).cloned());
            return search.finish();
        }
        search.in_modules();
        search.in_named_files();
        search.in_packages();
        search.in_files_of_skeletons();
        search.in_named_folders();
        search.finish()
    }

    /// Tells whether the user named this file or folder.
    pub fn is_named(&self, path: &Path) -> bool {
        self.named.iter().any(|place| place == path)
    }

    /// Tells whether a file is for split units alone, by its name or by what it holds.
    pub fn is_of_split_units(path: &Path) -> bool {
        is_called_so(path) || read(path).is_ok_and(|file| !file.is_linked_module())
    }
}

/// Tells whether the ending of a file's name says that it holds split units.
fn is_called_so(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "dwo" || ending == "dwp")
}

struct Search<'w> {
    files: &'w DebugFiles,
    targets: Vec<Target<'w>>,
    tried: HashSet<PathBuf>,
    /// How many bytes of files may still be kept.
    bytes_left: u64,
    problems: Vec<NotFound>,
    unused: Vec<PathBuf>,
}

/// What a file gave.
struct Offered {
    /// How many units were taken.
    taken: usize,
    /// All of its units, with the work that may still be done on them.
    file: SplitFile,
    units: Vec<SplitUnit>,
    fuel: Fuel,
}

impl<'w> Search<'w> {
    fn new(files: &'w DebugFiles, wanted: &'w [SplitWanted]) -> Self {
        Self {
            files,
            targets: wanted.iter().map(Target::new).collect(),
            tried: HashSet::new(),
            bytes_left: whole_file::MAX_FILE_BYTES,
            problems: Vec::new(),
            unused: Vec::new(),
        }
    }

    fn is_complete(&self) -> bool {
        self.targets.iter().all(|target| target.missing.is_empty())
    }

    fn in_modules(&mut self) {
        for target in &mut self.targets {
            if let Some(file) = &target.wanted.own {
                let mut fuel = file.fuel();
                let taken = file.units(&mut fuel).and_then(|units| target.take(None, file, &units, &mut fuel));
                target.is_spoilt = taken.is_err();
            }
        }
    }

    fn in_named_files(&mut self) {
        for path in self.files.named.iter().filter(|place| !place.is_dir() && DebugFiles::is_of_split_units(place)) {
            let Some(mut offered) = self.try_file(path, true) else { continue };
            let is_told = (offered.taken == 0 || self.files.forced) && self.pair_by_names(path, &mut offered);
            if offered.taken == 0 && !is_told {
                self.unused.push(path.clone());
            }
        }
    }

    fn in_packages(&mut self) {
        for index in 0..self.targets.len() {
            for path in self.packages_of(index) {
                if let Some(mut offered) = self.try_file(&path, true)
                    && offered.taken == 0
                {
                    self.pair_by_names(&path, &mut offered);
                }
            }
        }
    }

    /// Lists the packages that are called as a module is, beside it or in a folder that the user named.
    fn packages_of(&self, index: usize) -> Vec<PathBuf> {
        let Some(target) = self.targets.get(index).filter(|target| !target.missing.is_empty()) else {
            return Vec::new();
        };
        let module = target.wanted.file.as_deref().or(self.files.module_file.as_deref());
        let names = module.map(split_names::of_packages).unwrap_or_default();
        let mut packages = Vec::new();
        for root in self.roots(target.wanted) {
            packages.extend(root.files(&names));
        }
        packages
    }

    fn in_files_of_skeletons(&mut self) {
        for index in 0..self.targets.len() {
            let Some(wanted) = self.targets.get(index).map(|target| target.wanted) else { continue };
            let roots = self.roots(wanted);
            for skeleton in &wanted.skeletons {
                for path in roots.iter().flat_map(|root| root.files_of(skeleton)) {
                    let is_missing = |target: &Target<'_>| target.missing.contains_key(&skeleton.id);
                    if !self.targets.get(index).is_some_and(is_missing) {
                        break;
                    }
                    if let Some(mut offered) = self.try_file(&path, true)
                        && offered.taken == 0
                    {
                        self.pair_by_names(&path, &mut offered);
                    }
                }
            }
        }
    }

    /// Looks through the folders that the user named, for files that were moved there from elsewhere.
    fn in_named_folders(&mut self) {
        for folder in self.files.named.iter().filter(|place| place.is_dir()) {
            if self.is_complete() {
                return;
            }
            let listed = folder::files_beneath(folder);
            if let Some(limit) = listed.cut_at {
                self.problems.push(NotFound::TooManyFiles { path: folder.clone(), limit });
            }
            let skeletons = self.targets.iter().flat_map(|target| target.missing.values().copied());
            let names: HashSet<_> = skeletons.map(|skeleton| split_names::base_name(&skeleton.file)).collect();
            for path in listed.files {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                if names.contains(&*name) || is_called_so(&path) {
                    self.try_file(&path, false);
                }
            }
        }
    }

    /// Lists the folders where files of a module may lie.
    fn roots(&self, wanted: &SplitWanted) -> Vec<Root> {
        let own = wanted.file.as_deref().and_then(Path::parent).map(folder::itself);
        let named = self.files.named.iter().filter(|place| place.is_dir()).cloned();
        let all = own.into_iter().chain(self.files.beside.clone()).chain(named);
        all.filter_map(Root::of).collect()
    }

    /// Reads a file unless it was read before, and gives each module the units that are its.
    fn try_file(&mut self, path: &Path, tells_problems: bool) -> Option<Offered> {
        if self.is_complete() || !self.tried.insert(path.canonicalize().unwrap_or_else(|_| path.to_owned())) {
            return None;
        }
        match self.read_and_offer(path) {
            Ok(offered) => Some(offered),
            Err(reason) => {
                if tells_problems {
                    self.problems.push(NotFound::Unreadable { path: path.to_owned(), reason });
                }
                None
            }
        }
    }

    fn read_and_offer(&mut self, path: &Path) -> Result<Offered, String> {
        let file = read(path)?;
        let size = file.bytes().len() as u64;
        let bytes_left = self.bytes_left.checked_sub(size).ok_or("it is left out: all such files are over 4 GiB")?;
        let mut fuel = file.fuel();
        let units = file.units(&mut fuel)?;
        let mut taken = 0usize;
        for target in &mut self.targets {
            let count = target.take(Some(path), &file, &units, &mut fuel)?;
            taken = taken.saturating_add(count);
            // Once for all modules: they share the bytes.
            self.bytes_left = if taken > 0 { bytes_left } else { self.bytes_left };
        }
        Ok(Offered { taken, file, units, fuel })
    }

    /// Finds a unit of another build by the name of its file, and says so, or takes it if the user insists. Tells whether
    /// there is any.
    fn pair_by_names(&mut self, path: &Path, offered: &mut Offered) -> bool {
        let Offered { file, units, fuel, .. } = offered;
        let is_insisted = self.files.forced && self.files.is_named(path);
        let only = if let [_] = units.as_slice() { path.file_name() } else { None };
        let mut by_name: HashMap<String, &SplitUnit> = HashMap::new();
        for unit in &*units {
            let name = file.name_of(unit, fuel);
            let name = name.or_else(|| only.map(|name| name.to_string_lossy().into_owned()));
            name.and_then(|name| by_name.insert(name, unit));
        }
        let mut is_any = false;
        for target in &mut self.targets {
            let mut number = None;
            for skeleton in &target.wanted.skeletons {
                let unit = by_name.get(&skeleton.file).or_else(|| by_name.get(split_names::base_name(&skeleton.file)));
                let Some(unit) = unit.filter(|_| target.missing.contains_key(&skeleton.id)) else { continue };
                is_any = true;
                if is_insisted {
                    let file = *number.get_or_insert_with(|| target.found.add_file(Some(path.to_owned()), file));
                    let (id, sections) = (unit.id, unit.sections.clone());
                    target.found.add_unit(skeleton.id, FoundUnit { file, id, sections, is_other_build: true });
                    target.missing.remove(&skeleton.id);
                } else {
                    target.refuse(path, skeleton, unit.id);
                }
            }
        }
        is_any
    }

    fn finish(self) -> SplitSearchResult {
        let found = self.targets.into_iter().map(Target::finish).collect();
        SplitSearchResult { found, problems: self.problems, unused: self.unused }
    }
}

/// Reads a file with split units.
fn read(path: &Path) -> Result<SplitFile, String> {
    let is_known = |start: &[u8; 8]| match start.starts_with(b"\0asm") || start.starts_with(b"\x7fELF") {
        true => Ok(()),
        false => Err("neither WebAssembly nor ELF".to_owned()),
    };
    let file = SplitFile::parse(whole_file::read(path, is_known)?)?;
    // A package that was cut would else be taken for one large object.
    if path.extension().is_some_and(|ending| ending == "dwp") && !file.is_package() {
        return Err("it has no index of its units (.debug_cu_index): it is cut, or no package".to_owned());
    }
    Ok(file)
}
