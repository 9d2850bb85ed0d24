//! Where debug information lies that modules do not carry.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use wasmscope::Guest;
use wasmscope_symbolizer::{DebugFiles, NotFound, SearchResult, SplitSearchResult, SplitWanted, Wanted};

/// Names places as --symbols does, between colons.
const PATH_VARIABLE: &str = "WASMSCOPE_SYMBOL_PATH";

/// Where debug information lies that modules do not carry.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Symbols")]
pub struct SymbolOptions {
    /// A file with debug information, or a folder of such; may be repeated.
    ///
    /// A file serves modules of the same code, whatever its name: an unstripped build, also inside a component. One with
    /// split DWARF (.dwp, .dwo) serves the modules that have its ids. The variable WASMSCOPE_SYMBOL_PATH names more
    /// places, between colons.
    #[arg(long, value_name = "FILE|DIR")]
    symbols: Vec<PathBuf>,

    /// Take the file of --symbols even if it is of another build, and mark each frame.
    #[arg(long, requires = "symbols")]
    force_symbols: bool,
}

impl SymbolOptions {
    /// Tells whether the user named any place.
    pub fn is_given(&self) -> bool {
        !self.symbols.is_empty() || !from_environment().is_empty()
    }

    /// Returns where to search, for this guest if there is one.
    pub fn debug_files(&self, guest: Option<&Path>) -> DebugFiles {
        let mut places = self.symbols.clone();
        places.extend(from_environment());
        let files = DebugFiles::new(places).forced(self.force_symbols);
        match guest {
            Some(guest) => files.beside_module(guest),
            None => files,
        }
    }

    /// Checks before a guest runs that the files that were named for it are its.
    pub fn check(&self, guest: &Guest) -> Result<()> {
        let named: Vec<_> = self.symbols.iter().filter(|place| !place.is_dir()).cloned().collect();
        if named.is_empty() {
            return Ok(());
        }
        let modules = || guest.modules().iter().filter(|image| !image.is_adapter());
        let wanted: Vec<_> = modules().map(Wanted::of).map(|wanted| wanted.named(guest.name())).collect();
        let files = DebugFiles::new(named).forced(self.force_symbols);
        let SearchResult { found, problems } = files.search(&wanted);
        refuse_unfit(&problems)?;
        let own = modules().map(|image| SplitWanted::of(image, None));
        let of_files = found.iter().map(|file| SplitWanted::of(&file.image, Some(&file.path)));
        let wanted: Vec<_> = own.chain(of_files).map(|wanted| wanted.named(guest.name())).collect();
        let SplitSearchResult { problems, unused, .. } = files.search_split(&wanted);
        self.refuse_unfit_split(&problems)?;
        match unused.first() {
            Some(file) => bail!("{}: it holds no split unit of {}", file.display(), guest.name()),
            None => Ok(()),
        }
    }

    /// Fails if a file of split units that the user named is of another build or cannot be read. Those that were found
    /// otherwise are only not used.
    pub fn refuse_unfit_split(&self, problems: &[NotFound]) -> Result<()> {
        let is_named = |problem: &&NotFound| {
            problem.file().is_some_and(|file| self.symbols.iter().any(|place| place.as_path() == file))
        };
        match problems.iter().find(is_named) {
            Some(problem) => bail!("{problem}"),
            None => Ok(()),
        }
    }
}

/// Fails if a file that was named is of another build or cannot be read.
pub fn refuse_unfit(problems: &[NotFound]) -> Result<()> {
    let unfit = |problem: &&NotFound| matches!(problem, NotFound::OtherBuild { .. } | NotFound::Unreadable { .. });
    match problems.iter().find(unfit) {
        Some(problem) => bail!("{problem}"),
        None => Ok(()),
    }
}

fn from_environment() -> Vec<PathBuf> {
    let places = std::env::var_os(PATH_VARIABLE).unwrap_or_default();
    std::env::split_paths(&places).filter(|place| !place.as_os_str().is_empty()).collect()
}
