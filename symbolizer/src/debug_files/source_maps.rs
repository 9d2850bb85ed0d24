//! The source map that a module names.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{DebugFiles, NotFound, external, folder};
use crate::source_map::MAX_MAP_BYTES;
use crate::{ModuleImage, SourceMap, SourceMapError};

/// What text of a URL is shown at most.
const MAX_SHOWN_BYTES: usize = 200;

/// A source map that was found for a module.
#[derive(Clone, Debug)]
pub struct FoundSourceMap {
    /// Where it was found; `None` for one that the module holds itself.
    pub path: Option<PathBuf>,
    /// What it says.
    pub map: SourceMap,
    /// What it is called in messages.
    pub(crate) shown: String,
}

impl DebugFiles {
    /// Reads the source map of a module: one that the user named, else that which the module names: in itself, or in the
    /// module's own folder, in `folder`, or where the user named a folder or a file. `None` when it names none, or a file
    /// where there is no folder to look in.
    ///
    /// # Errors
    ///
    /// Says why it could not be read.
    pub fn source_map(&self, image: &ModuleImage, folder: Option<&Path>) -> Option<Result<FoundSourceMap, NotFound>> {
        if let Some(named) = self.named_map(image) {
            return Some(named);
        }
        let url = image.source_map()?;
        let shown = shown(url);
        let refused = |reason: String| {
            let module = image.module_name().unwrap_or("the module").to_owned();
            NotFound::SourceMap { module, map: shown.clone(), reason }
        };
        if is_inline(url) {
            let read = SourceMap::parse_inline(url, image).map_err(|error| refused(error.to_string()));
            return Some(read.map(|map| FoundSourceMap { path: None, map, shown: shown.clone() }));
        }
        let named =
            self.named.iter().filter_map(|place| if place.is_dir() { Some(place.as_path()) } else { place.parent() });
        let known = self.beside.as_deref().into_iter().chain(folder);
        let folders: Vec<_> = known.chain(named).map(folder::itself).collect();
        if folders.is_empty() {
            return None;
        }
        let read = find(url, &folders).and_then(|path| {
            let map = SourceMap::parse(&read(&path)?, image).map_err(|error| error.to_string())?;
            Ok(FoundSourceMap { path: Some(path), map, shown: shown.clone() })
        });
        Some(read.map_err(refused))
    }

    /// Tells whether there is any place where the source map of a module may lie.
    pub fn may_hold_source_map(&self, image: &ModuleImage) -> bool {
        self.has_named_maps() || image.source_map().is_some_and(|url| is_inline(url) || !self.is_empty())
    }
}

impl FoundSourceMap {
    /// Returns what the user should know of it, if it says what cannot be true.
    pub fn problem(&self, image: &ModuleImage) -> Option<NotFound> {
        let faults = self.map.faults();
        (!faults.is_empty()).then(|| NotFound::FaultySourceMap {
            module: image.module_name().unwrap_or("the module").to_owned(),
            map: self.shown.clone(),
            mappings: self.map.mappings(),
            faults,
        })
    }
}

fn is_inline(url: &str) -> bool {
    url.starts_with("data:")
}

/// Cuts the URL for messages; what stands in the module itself is no name.
fn shown(url: &str) -> String {
    match url {
        _ if is_inline(url) => "in the module itself".to_owned(),
        _ => url.get(..url.floor_char_boundary(MAX_SHOWN_BYTES)).unwrap_or(url).to_owned(),
    }
}

/// Finds the file of a URL: by its text, else by what its `%` stand for.
fn find(url: &str, folders: &[PathBuf]) -> Result<PathBuf, String> {
    if let Some((scheme, _)) = url.split_once(':')
        && is_scheme(scheme)
        && !url.starts_with("file://")
    {
        return Err("is not in a folder, and nothing is fetched".to_owned());
    }
    let found = external::beneath(url, folders.iter());
    let found = match (found, decoded(url)) {
        (Err(_), Some(decoded)) => external::beneath(&decoded, folders.iter()),
        (found, _) => found,
    };
    found.map_err(str::to_owned)
}

/// Tells whether a URL ends in the name of a file.
pub(super) fn names_file(url: &str, name: &OsStr) -> bool {
    let ends_in = |url: &str| Path::new(url).file_name() == Some(name);
    !is_inline(url) && (ends_in(url) || decoded(url).is_some_and(|url| ends_in(&url)))
}

/// Tells whether text is the scheme of a URL. One letter is a drive.
fn is_scheme(text: &str) -> bool {
    let is_of_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    text.len() > 1 && text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(is_of_scheme)
}

/// Replaces `%20` and the like; `None` when there is none.
fn decoded(url: &str) -> Option<String> {
    let (head, rest) = url.split_once('%')?;
    let mut bytes = head.as_bytes().to_vec();
    for part in rest.split('%') {
        let byte = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok())?;
        bytes.push(byte);
        bytes.extend(part.bytes().skip(2));
    }
    String::from_utf8(bytes).ok()
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let told = |error: std::io::Error| format!("cannot be read: {error}");
    let file = File::open(path).map_err(told)?;
    // The file may grow meanwhile.
    let limit = MAX_MAP_BYTES.saturating_add(1);
    let length = usize::try_from(file.metadata().map_err(told)?.len()).unwrap_or(usize::MAX);
    if length >= limit {
        return Err(SourceMapError::TooLarge { limit: MAX_MAP_BYTES }.to_string());
    }
    let mut bytes = Vec::with_capacity(length);
    file.take(limit as u64).read_to_end(&mut bytes).map_err(told)?;
    Ok(bytes)
}
