//! Source maps that the user named as files.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{DebugFiles, FoundSourceMap, NotFound, source_maps};
use crate::{ModuleImage, SourceMap, SourceMapError};

/// Bytes in which the JSON of a source map has begun.
const HEAD_BYTES: u64 = 64;
/// A map that the module does not name may have one mapping in so many that lies outside the code.
const OUTSIDE_OF_OTHER_MODULE: usize = 4;

impl DebugFiles {
    /// Tells whether a file can be opened and is a source map, going by its name or its first bytes.
    pub fn is_source_map(path: &Path) -> bool {
        let mut head = Vec::new();
        let is_read = File::open(path).and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head)).is_ok();
        let text = head.trim_ascii_start();
        let is_named = path.extension().is_some_and(|ending| ending == "map");
        is_read && (is_named || text.starts_with(b"{") || text.starts_with(b")]}"))
    }

    /// Tells whether the user named a source map.
    pub(super) fn has_named_maps(&self) -> bool {
        self.named_maps().next().is_some()
    }

    fn named_maps(&self) -> impl Iterator<Item = &PathBuf> {
        self.named.iter().filter(|place| !place.is_dir() && Self::is_source_map(place))
    }

    /// Reads the source map that the user named for a module: the one of the name that the module has for it, else one
    /// whose mappings fit the module's code. `None` when there is no such.
    pub(super) fn named_map(&self, image: &ModuleImage) -> Option<Result<FoundSourceMap, NotFound>> {
        if image.defined_functions() == 0 {
            return None;
        }
        let (called, others): (Vec<_>, Vec<_>) = self.named_maps().partition(|path| is_called(path, image));
        if let Some(path) = called.first() {
            let refused = |reason| {
                let module = image.module_name().unwrap_or("the module").to_owned();
                NotFound::SourceMap { module, map: path.display().to_string(), reason }
            };
            return Some(read(path, image).map_err(refused));
        }
        others.into_iter().find_map(|path| read(path, image).ok().filter(|found| fits(&found.map))).map(Ok)
    }

    /// Tells which of the source maps that the user named serve none of the modules, and why.
    pub fn unfit_source_maps<'i>(&self, modules: impl IntoIterator<Item = &'i ModuleImage>) -> Vec<NotFound> {
        let mut modules: Vec<_> = modules.into_iter().filter(|image| image.defined_functions() > 0).collect();
        modules.sort_by_key(|image| image.identity());
        let unfit = |path: &PathBuf| {
            let reason = why_unfit(path, &modules)?;
            Some(NotFound::Unreadable { path: path.clone(), reason })
        };
        self.named_maps().filter_map(unfit).collect()
    }
}

/// Tells why a source map serves no module; `None` if it serves one.
fn why_unfit(path: &Path, modules: &[&ModuleImage]) -> Option<String> {
    let mut why = None;
    for image in modules {
        match read(path, image) {
            Ok(found) if is_called(path, image) || fits(&found.map) => return None,
            Ok(found) if found.map.mappings() == 0 => why = Some("has no mappings that can be read".into()),
            Ok(_) => {}
            Err(reason) => why = Some(reason),
        }
    }
    Some(match (modules, why) {
        ([], _) => "the module that this source map is of is not known: name that too".to_owned(),
        ([_], Some(why)) => format!("it {why}"),
        ([_], None) => "it is the source map of another module: its mappings lie outside the code".to_owned(),
        _ => "it is a source map, and of none of the modules".to_owned(),
    })
}

/// Tells whether a file has the name that a module has for its source map.
fn is_called(path: &Path, image: &ModuleImage) -> bool {
    image.source_map().is_some_and(|url| path.file_name().is_some_and(|name| source_maps::names_file(url, name)))
}

/// Tells whether a map that a module does not name is of its code.
fn fits(map: &SourceMap) -> bool {
    map.mappings() > 0 && map.faults().outside_code <= map.mappings() / OUTSIDE_OF_OTHER_MODULE
}

fn read(path: &Path, image: &ModuleImage) -> Result<FoundSourceMap, String> {
    let map = SourceMap::parse(&source_maps::read(path)?, image).map_err(|error: SourceMapError| error.to_string())?;
    Ok(FoundSourceMap { path: Some(path.to_owned()), map, shown: path.display().to_string() })
}
