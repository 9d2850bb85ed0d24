//! Where debug files are looked for.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use wasmscope_model::CodeIdentity;
use wasmscope_symbolizer::{ModuleImage, component_modules};

use super::input::{Input, read};

/// Files in a folder that are looked at.
const MAX_FILES: usize = 1000;

/// Finds a module with this code that is good enough, in the files and folders of `--symbols`, in their order.
///
/// # Errors
///
/// When a place cannot be looked at. Files in a folder that are no modules are passed over.
pub fn find(
    identity: &CodeIdentity,
    symbols: &[PathBuf],
    is_good: impl Fn(&ModuleImage) -> bool,
) -> Result<Option<(PathBuf, ModuleImage)>> {
    for place in symbols {
        for file in files_at(place).with_context(|| format!("failed to read {}", place.display()))? {
            let found = images(&file).into_iter().find(|image| image.identity() == *identity && is_good(image));
            if let Some(image) = found {
                return Ok(Some((file, image)));
            }
        }
    }
    Ok(None)
}

fn files_at(place: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !place.metadata()?.is_dir() {
        return Ok(vec![place.to_owned()]);
    }
    let paths = std::fs::read_dir(place)?.map(|entry| entry.map(|entry| entry.path()));
    let mut files = paths.take(MAX_FILES).collect::<Result<Vec<_>, _>>()?;
    files.retain(|file| file.is_file());
    files.sort();
    Ok(files)
}

fn images(file: &Path) -> Vec<ModuleImage> {
    match read(file) {
        Ok(Input::Guest(guest)) if guest.is_component => component_modules(&guest.bytes).unwrap_or_default(),
        Ok(Input::Guest(guest)) => ModuleImage::parse(guest.bytes).into_iter().collect(),
        Ok(Input::Recording(_)) | Err(_) => Vec::new(),
    }
}
