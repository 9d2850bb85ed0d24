//! Where debug information lies that modules do not carry.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use wasmscope::Guest;
use wasmscope_model::{CodeIdentity, Module, Recording};
use wasmscope_symbolizer::{DebugFiles, NotFound, SearchResult, SplitWanted, Wanted};

/// Names places as --symbols does, between colons.
const PATH_VARIABLE: &str = "WASMSCOPE_SYMBOL_PATH";

/// Where debug information lies that modules do not carry, and how strict the choice is.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Symbols")]
pub struct SymbolOptions {
    #[command(flatten)]
    places: SymbolPlaces,

    /// Take the file of --symbols even if it is of another build, and mark each frame.
    #[arg(long, requires = "symbols")]
    force_symbols: bool,
}

/// Where debug information lies that modules do not carry.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Symbols")]
pub struct SymbolPlaces {
    /// A file with debug information, a source map, or a folder of such; may be repeated.
    ///
    /// A file serves modules of the same code, whatever its name: an unstripped build, also inside a component. One with
    /// split DWARF (.dwp, .dwo) serves modules that have its ids. A source map (.map) serves the module that names it, else
    /// the one that it fits; of a folder, only maps that modules name are read. The variable WASMSCOPE_SYMBOL_PATH names
    /// more places, between colons.
    #[arg(long, value_name = "FILE|DIR")]
    symbols: Vec<PathBuf>,
}

impl SymbolPlaces {
    /// Returns the files and folders that the user named.
    pub fn all(&self) -> Vec<PathBuf> {
        self.symbols.iter().cloned().chain(from_environment()).collect()
    }

    /// Returns where to search, for the guest of this file if there is one.
    pub fn debug_files(&self, guest: Option<&Path>) -> DebugFiles {
        let files = DebugFiles::new(self.all());
        match guest {
            Some(file) => files.beside_module(file),
            None => files,
        }
    }
}

impl SymbolOptions {
    /// Tells whether the user named any place.
    pub fn is_given(&self) -> bool {
        !self.places.all().is_empty()
    }

    /// Returns where the user said to search.
    pub fn places(&self) -> &SymbolPlaces {
        &self.places
    }

    /// Returns where to search, for the guest of this file if there is one.
    pub fn debug_files(&self, guest: Option<&Path>) -> DebugFiles {
        self.places.debug_files(guest).forced(self.force_symbols)
    }

    /// Checks before a guest runs that the files that were named for it are its.
    pub fn check(&self, guest: &Guest) -> Result<()> {
        let named: Vec<_> = self.places.symbols.iter().filter(|place| !place.is_dir()).cloned().collect();
        if named.is_empty() {
            return Ok(());
        }
        let files = DebugFiles::new(named).forced(self.force_symbols);
        let SearchResult { found, problems } = files.search(&wanted_by(guest));
        refuse_unfit(&problems)?;
        // Of machine code nothing is looked up.
        if guest.is_precompiled() {
            return Ok(());
        }
        refuse_unfit(&files.unfit_source_maps(guest.modules().iter().chain(found.iter().map(|file| &file.image))))?;
        let own = guest.modules().iter().map(|image| SplitWanted::of(image, None));
        let of_files = found.iter().map(|file| SplitWanted::of(&file.image, Some(&file.path)));
        let wanted: Vec<_> = own.chain(of_files).map(|wanted| wanted.named(guest.name())).collect();
        let result = files.search_split(&wanted);
        refuse_unfit_split(&files, result.all_problems())?;
        match result.unused.first() {
            Some(file) => bail!("{}: it holds no split unit of {}", file.display(), guest.name()),
            None => Ok(()),
        }
    }
}

/// Tells what debug files are wanted for a guest.
pub fn wanted_by(guest: &Guest) -> Vec<Wanted> {
    let modules = guest.modules().iter().filter(|image| !image.is_adapter());
    modules.map(Wanted::of).map(|wanted| wanted.named(guest.name())).collect()
}

/// Tells what debug files are wanted for the modules of a recording, adapters and modules of unknown code left out.
pub fn wanted_for(recording: &Recording) -> Vec<Wanted> {
    let known = |module: &&Module| !module.is_adapter && module.identity != CodeIdentity::from_digest([0; 32]);
    let modules = recording.profile.modules.iter().filter(known);
    let wanted = modules.map(|module| Wanted {
        name: module.name.clone(),
        identity: module.identity,
        build_id: module.build_id.clone(),
        external: None,
    });
    wanted.collect()
}

/// Fails if a file that was named is of another build or cannot be read.
pub fn refuse_unfit(problems: &[NotFound]) -> Result<()> {
    match problems.iter().find(|problem| unfit_file(problem).is_some()) {
        Some(problem) => bail!("{problem}"),
        None => Ok(()),
    }
}

/// Fails if a file of split units that the user named is of another build or cannot be read. One that was found otherwise is
/// only not used.
pub fn refuse_unfit_split<'p>(files: &DebugFiles, problems: impl IntoIterator<Item = &'p NotFound>) -> Result<()> {
    let is_unfit = |problem: &&NotFound| unfit_file(problem).is_some_and(|file| files.is_named(file));
    match problems.into_iter().find(is_unfit) {
        Some(problem) => bail!("{problem}"),
        None => Ok(()),
    }
}

/// Returns the file of a problem that a file is of another build or cannot be read.
pub fn unfit_file(problem: &NotFound) -> Option<&Path> {
    match problem {
        NotFound::OtherBuild { path, .. }
        | NotFound::OtherSplitUnit { path, .. }
        | NotFound::Unreadable { path, .. } => Some(path),
        _ => None,
    }
}

fn from_environment() -> Vec<PathBuf> {
    let places = std::env::var_os(PATH_VARIABLE).unwrap_or_default();
    std::env::split_paths(&places).filter(|place| !place.as_os_str().is_empty()).collect()
}
