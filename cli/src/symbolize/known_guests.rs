//! The modules that addresses are looked up in.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use wasmscope::Guest;
use wasmscope_symbolizer::{DebugFiles, KnownModules, NotFound, SearchResult};

use crate::symbol_options::{SymbolOptions, refuse_unfit, refuse_unfit_split, unfit_file, wanted_by};
use crate::terminal;

/// Loads what logs may speak of, and says what the user should know.
pub fn load(guests: &[PathBuf], symbols: &SymbolOptions) -> Result<KnownModules> {
    let mut modules = KnownModules::new();
    let told = match guests {
        [] => load_from_places(&mut modules, symbols)?,
        guests => load_guests(&mut modules, guests, symbols)?,
    };
    if !modules.is_empty() {
        refuse_unfit(&modules.unfit_source_maps(&symbols.debug_files(None)))?;
    }
    told.iter().for_each(terminal::warning);
    Ok(modules)
}

/// Takes in guests and what is found for each, and returns what the user should know.
fn load_guests(modules: &mut KnownModules, guests: &[PathBuf], symbols: &SymbolOptions) -> Result<Vec<NotFound>> {
    let mut told = Vec::new();
    // A file must serve one of the guests.
    let mut serves_none: Option<Vec<NotFound>> = None;
    for path in guests {
        let guest = read_module(path)?;
        modules.add_guest(guest.name(), guest.bytes()).with_context(|| format!("cannot read {}", path.display()))?;
        let files = symbols.debug_files(Some(path));
        let SearchResult { found, problems } = files.search(&wanted_by(&guest));
        found.into_iter().for_each(|file| modules.add_debug_file(file));
        let (unfit, others): (Vec<_>, Vec<_>) = problems.into_iter().partition(|told| unfit_file(told).is_some());
        let is_unfit_again = |told: &NotFound| unfit.iter().any(|other| unfit_file(other) == unfit_file(told));
        serves_none = Some(match serves_none {
            Some(before) => before.into_iter().filter(is_unfit_again).collect(),
            None => unfit,
        });
        told.extend(others);
        told.extend(modules.add_source_maps(&files));
        let problems = modules.add_split_units(&files);
        if let [_] = guests {
            refuse_unfit_split(&files, &problems)?;
        }
        told.extend(problems);
    }
    refuse_unfit(&serves_none.unwrap_or_default())?;
    Ok(told)
}

/// Takes in the modules that the user names for their debug information as guests, and returns what the user should know.
fn load_from_places(modules: &mut KnownModules, symbols: &SymbolOptions) -> Result<Vec<NotFound>> {
    let mut told = Vec::new();
    for path in symbols.places().all() {
        let is_folder = path.is_dir();
        for file in if is_folder { modules_in(&path)? } else { vec![path.clone()] } {
            // Modules look for these themselves.
            if DebugFiles::is_source_map(&file) || DebugFiles::is_of_split_units(&file) {
                continue;
            }
            let taken = read_module(&file).and_then(|guest| Ok(modules.add_symbols(guest.name(), guest.bytes())?));
            match taken {
                Err(error) if is_folder => terminal::warning(format_args!("{} is left out: {error:#}", file.display())),
                taken => taken.with_context(|| format!("cannot read {}", file.display()))?,
            }
            let files = symbols.debug_files(Some(&file));
            told.extend(modules.add_source_maps(&files));
            told.extend(modules.add_split_units(&files));
        }
    }
    Ok(told)
}

fn read_module(path: &Path) -> Result<Guest> {
    let guest = Guest::load(path)?;
    if guest.is_precompiled() {
        bail!("{} is machine code; addresses are looked up in the .wasm that it was made from", path.display());
    }
    Ok(guest)
}

/// Lists the modules of a folder by name.
fn modules_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("failed to read {}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "wasm") && file.is_file());
    files.sort();
    Ok(files)
}
