//! The debug file that a module names itself.

use std::path::{Component, Path, PathBuf};

use super::folder::leads_to_file_beneath;

/// Finds the file that a module names beneath one of the folders: by its path, or by its name alone, since builds name
/// places of other machines.
///
/// # Errors
///
/// Says why there is none, in words that follow "which".
pub(super) fn beneath<'f>(file: &str, folders: impl Iterator<Item = &'f PathBuf>) -> Result<PathBuf, &'static str> {
    if let Some((scheme, _)) = file.split_once("://")
        && scheme != "file"
    {
        return Err("lies on a network, and nothing is fetched from there");
    }
    let file = file.strip_prefix("file://").unwrap_or(file);
    let path = Path::new(file);
    if path.components().any(|component| component == Component::ParentDir) {
        return Err("lies outside the folder of the module");
    }
    let Some(name) = path.file_name() else {
        return Err("is no file's name");
    };
    let is_relative = path.is_relative();
    for folder in folders {
        let Ok(root) = folder.canonicalize() else { continue };
        let by_path = is_relative.then(|| root.join(path));
        let found = by_path.into_iter().chain([root.join(name)]).find(|path| leads_to_file_beneath(&root, path));
        if let Some(found) = found {
            return Ok(found);
        }
    }
    Err(if is_relative { "is not there" } else { "is not in the folder of the module" })
}
