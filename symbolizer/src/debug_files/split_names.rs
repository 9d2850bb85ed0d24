//! Where the file of a split unit may lie.

use std::path::{Path, PathBuf};

use super::folder::leads_to_file_beneath;
use crate::debug_info::Skeleton;

/// Paths of more parts than this are looked for by their last ones.
const MAX_PARTS: usize = 32;

/// Returns the last part of a path of any system; empty when there is none.
pub(super) fn base_name(path: &str) -> &str {
    parts(path).last().copied().unwrap_or_default()
}

/// A folder where files may lie.
pub(super) struct Root {
    /// As it was named.
    shown: PathBuf,
    /// Without links.
    real: PathBuf,
}

impl Root {
    /// Takes a folder; `None` if there is none.
    pub(super) fn of(folder: PathBuf) -> Option<Self> {
        Some(Self { real: folder.canonicalize().ok()?, shown: folder })
    }

    /// Lists the files of these names in the folder.
    pub(super) fn files(&self, names: &[String]) -> Vec<PathBuf> {
        let shown = |name: &String| {
            let is_there = leads_to_file_beneath(&self.real, &self.real.join(name));
            is_there.then(|| self.shown.join(name))
        };
        names.iter().filter_map(shown).collect()
    }

    /// Lists the files that may be a skeleton's: the one that it names, if that lies beneath the folder; else as much of its
    /// path as leads to a file, since builds move.
    pub(super) fn files_of(&self, skeleton: &Skeleton) -> Vec<PathBuf> {
        let found = beneath(&self.real, skeleton).into_iter();
        found.map(|path| path.strip_prefix(&self.real).map_or(path.clone(), |rest| self.shown.join(rest))).collect()
    }
}

fn beneath(root: &Path, skeleton: &Skeleton) -> Vec<PathBuf> {
    let (folder, file) = (parts(&skeleton.folder), parts(&skeleton.file));
    if file.is_empty() {
        return Vec::new();
    }
    let is_absolute = skeleton.file.starts_with('/');
    let path = if is_absolute { file } else { [folder, file].concat() };
    let path = simplified(&path);
    let mut found = Vec::new();
    let absolute = Path::new("/").join(path.join("/"));
    let from_root = (0..path.len()).rev().take(MAX_PARTS).rev().filter_map(|first| path.get(first..));
    let candidates = from_root.map(|parts| root.join(parts.join("/")));
    for candidate in [absolute].into_iter().chain(candidates) {
        if !found.contains(&candidate) && leads_to_file_beneath(root, &candidate) {
            found.push(candidate);
        }
    }
    found
}

/// Lists the names that a package of split units has for a module.
pub(super) fn of_packages(module: &Path) -> Vec<String> {
    let names = [module.file_name(), module.file_stem()].into_iter().flatten();
    names.map(|name| format!("{}.dwp", name.to_string_lossy())).collect()
}

/// Cuts a path into its parts.
fn parts(path: &str) -> Vec<&str> {
    let separator = if path.contains('/') { '/' } else { '\\' };
    path.split(separator).filter(|part| !part.is_empty() && *part != ".").collect()
}

/// Takes each `..` back with the part before it.
fn simplified<'p>(parts: &[&'p str]) -> Vec<&'p str> {
    let mut path = Vec::new();
    for part in parts {
        match *part {
            ".." => drop(path.pop()),
            part => path.push(part),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(root: &Path, folder: &str, file: &str) -> Vec<String> {
        let skeleton = Skeleton { id: 1, file: file.to_owned(), folder: folder.to_owned() };
        let found = beneath(root, &skeleton);
        found.iter().map(|path| path.strip_prefix(root).unwrap().to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn files_are_found_by_as_much_of_their_path_as_there_is() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for file in ["build/obj/a.dwo", "obj/a.dwo", "a.dwo"] {
            std::fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            std::fs::write(root.join(file), "").unwrap();
        }
        let all = ["build/obj/a.dwo", "obj/a.dwo", "a.dwo"];
        assert_eq!(found(&root, "/home/x/build", "obj/a.dwo"), all);
        assert_eq!(found(&root, "/home/x/build/sub", "../obj/./a.dwo"), all);
        assert_eq!(found(&root, "C:\\x\\build", "obj\\a.dwo"), all);
        assert_eq!(found(&root, "/elsewhere", "/obj/a.dwo"), ["obj/a.dwo", "a.dwo"]);
        assert_eq!(found(&root, root.to_str().unwrap(), "obj/a.dwo"), ["obj/a.dwo", "a.dwo"]);
        assert_eq!(found(&root, "/b", "../../../a.dwo"), ["a.dwo"]);
        for nothing in ["", "..", "/", "b.dwo", "obj"] {
            assert_eq!(found(&root, "", nothing), [""; 0], "{nothing}");
        }
        // What lies outside is not read, whatever the path.
        let inner = root.join("build");
        assert_eq!(found(&inner, root.to_str().unwrap(), "a.dwo"), [""; 0]);
        std::os::unix::fs::symlink(root.join("a.dwo"), inner.join("link.dwo")).unwrap();
        assert_eq!(found(&inner, "/", "link.dwo"), [""; 0]);
    }

    #[test]
    fn packages_are_called_as_their_module() {
        assert_eq!(of_packages(Path::new("/x/app.wasm")), ["app.wasm.dwp", "app.dwp"]);
        assert_eq!(of_packages(Path::new("")), [""; 0]);
        assert_eq!((base_name("/a/b.dwo"), base_name("a\\b.dwo"), base_name("")), ("b.dwo", "b.dwo", ""));
    }
}
