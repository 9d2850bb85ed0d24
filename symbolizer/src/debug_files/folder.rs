//! The files beneath a folder.

use std::path::{Path, PathBuf};

/// Files looked at in one place, at most.
const MAX_FILES: usize = 10_000;
/// Entries of folders looked at in one place, at most.
const MAX_ENTRIES: usize = 200_000;
/// How deep folders may lie in one another.
const MAX_DEPTH: usize = 16;

/// The files beneath a folder, in the order of their names.
pub(super) struct Listed {
    pub(super) files: Vec<PathBuf>,
    /// How many files were listed, if there are more.
    pub(super) cut_at: Option<usize>,
}

/// Lists files beneath a folder. Links are followed where they lead to a file beneath it, and nowhere else.
pub(super) fn files_beneath(folder: &Path) -> Listed {
    let mut listed = Listed { files: Vec::new(), cut_at: None };
    let Ok(root) = folder.canonicalize() else {
        return listed;
    };
    let mut entries_left = MAX_ENTRIES;
    let mut waiting = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let mut entries: Vec<_> = entries.take(entries_left).collect();
        entries_left = entries_left.saturating_sub(entries.len());
        entries.sort_by_key(std::fs::DirEntry::file_name);
        let mut folders = Vec::new();
        for entry in entries {
            let Ok(kind) = entry.file_type() else { continue };
            let path = entry.path();
            if kind.is_dir() && depth < MAX_DEPTH {
                folders.push((path, depth + 1));
            } else if kind.is_file() || (kind.is_symlink() && leads_to_file_beneath(&root, &path)) {
                if listed.files.len() >= MAX_FILES {
                    listed.cut_at = Some(MAX_FILES);
                    return listed;
                }
                listed.files.push(path);
            }
        }
        // The last comes out first.
        waiting.extend(folders.into_iter().rev());
        if entries_left == 0 {
            listed.cut_at = Some(listed.files.len());
            return listed;
        }
    }
    listed
}

/// Returns a folder as it can be opened: that of a bare name is the current one.
pub(super) fn itself(folder: &Path) -> PathBuf {
    if folder.as_os_str().is_empty() { ".".into() } else { folder.to_owned() }
}

/// Tells whether a path is a file beneath a folder, whatever links it goes through.
pub(super) fn leads_to_file_beneath(root: &Path, path: &Path) -> bool {
    path.canonicalize().is_ok_and(|real| real.starts_with(root) && real.is_file())
}
