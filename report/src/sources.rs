//! The text of source lines that were sampled.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use serde::Serialize;
use wasmscope_model::{Recording, sanitized};

/// How many lines are shown around one that was sampled.
const LINES_AROUND: u32 = 4;
/// Files longer than this are left out: no one reads them line by line.
const MAX_FILE_BYTES: u64 = 8 << 20;
/// All text together.
const MAX_BYTES: usize = 16 << 20;
const MAX_LINE_CHARS: usize = 400;
/// Names at the end of a path that are looked at.
const MAX_NAMES: usize = 32;

/// The text of source lines that were sampled, with a few around each, by the file's name in the recording.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SourceExcerpts {
    files: BTreeMap<String, Vec<Excerpt>>,
}

/// Lines that follow each other.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Excerpt {
    /// The number of the first, 1-based.
    first: u32,
    lines: Vec<String>,
}

/// Why a file's text is not shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceProblem {
    /// The file, as the recording names it.
    pub file: String,
    /// The reason.
    pub reason: String,
}

impl SourceExcerpts {
    /// Reads the sampled lines of a recording from the files beneath `folder`.
    ///
    /// A recording names files as they lay where the guest was built. The longest end of such a path that exists beneath
    /// `folder` is taken for it. A file that is not there is no problem: most of what guests are made of lies elsewhere.
    ///
    /// # Security
    ///
    /// The paths come from the guest. Only plain names are followed, and a file counts only if it lies beneath `folder` once
    /// all links are resolved, neither hidden nor in a hidden folder there.
    pub fn read(recording: &Recording, folder: &Path) -> (Self, Vec<SourceProblem>) {
        let mut excerpts = Self::default();
        let mut problems = Vec::new();
        let Ok(folder) = folder.canonicalize() else {
            let reason = "it is no folder that can be read".to_owned();
            return (excerpts, vec![SourceProblem { file: folder.display().to_string(), reason }]);
        };
        let mut bytes = 0usize;
        for (file, lines) in sampled_lines(recording) {
            let Some(path) = find(file, &folder) else { continue };
            match read_excerpts(&path, &lines) {
                Ok(read) => {
                    bytes = bytes.saturating_add(read.iter().flat_map(|it| &it.lines).map(String::len).sum());
                    if bytes > MAX_BYTES {
                        let reason = format!(
                            "the text of all files exceeds {} MiB; it and those after it are left out",
                            MAX_BYTES >> 20
                        );
                        problems.push(SourceProblem { file: file.to_owned(), reason });
                        break;
                    }
                    excerpts.files.insert(sanitized(file).into_owned(), read);
                }
                Err(reason) => problems.push(SourceProblem { file: file.to_owned(), reason }),
            }
        }
        (excerpts, problems)
    }

    /// Tells whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    pub(crate) fn of_file(&self, file: &str) -> Option<&[Excerpt]> {
        self.files.get(file).map(|excerpts| &**excerpts)
    }
}

fn sampled_lines(recording: &Recording) -> BTreeMap<&str, BTreeSet<u32>> {
    let mut lines: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for line in recording.profile.locations.iter().flat_map(|location| &location.lines).filter(|line| line.line > 0) {
        let Some(function) = recording.profile.functions.get(line.function.0 as usize) else { continue };
        if !function.file.is_empty() {
            lines.entry(&function.file).or_default().insert(line.line);
        }
    }
    lines
}

/// Finds the longest end of a path that is a file beneath the folder.
fn find(file: &str, folder: &Path) -> Option<PathBuf> {
    // Guests that were built on Windows have its separators.
    let file = file.replace('\\', "/");
    let mut names = Vec::new();
    for component in Path::new(&file).components() {
        match component {
            Component::Normal(name) => names.push(name),
            // What lies before may be a link: only the names after it are known.
            Component::ParentDir => names.clear(),
            Component::Prefix(_) | Component::RootDir | Component::CurDir => {}
        }
    }
    // The paths come from the guest, and may be as long as it likes.
    let names = names.get(names.len().saturating_sub(MAX_NAMES)..)?;
    (0..names.len()).find_map(|skipped| {
        let path = folder.join(names.get(skipped..)?.iter().collect::<PathBuf>()).canonicalize().ok()?;
        let beneath = path.strip_prefix(folder).ok()?;
        let is_hidden = beneath.iter().any(|name| name.as_encoded_bytes().starts_with(b"."));
        (!is_hidden && path.is_file()).then_some(path)
    })
}

fn read_excerpts(path: &Path, wanted: &BTreeSet<u32>) -> Result<Vec<Excerpt>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(format!("it is larger than {} MiB", MAX_FILE_BYTES >> 20));
    }
    let text = String::from_utf8_lossy(&bytes);
    let mut excerpts: Vec<Excerpt> = Vec::new();
    for (number, line) in (1u32..).zip(text.lines()) {
        let near = number.saturating_sub(LINES_AROUND)..=number.saturating_add(LINES_AROUND);
        if wanted.range(near).next().is_none() {
            continue;
        }
        // Tabs are the only control characters that source text has.
        let line: String = sanitized(&line.replace('\t', "    ")).chars().take(MAX_LINE_CHARS).collect();
        match excerpts.last_mut() {
            Some(open) if open.first as usize + open.lines.len() == number as usize => open.lines.push(line),
            _ => excerpts.push(Excerpt { first: number, lines: vec![line] }),
        }
    }
    Ok(excerpts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_near_each_other_are_one_excerpt() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.c");
        let text: String = (1..=40).map(|line| format!("\tline {line}\n")).collect();
        std::fs::write(&path, text).unwrap();
        let excerpts = read_excerpts(&path, &BTreeSet::from([3, 10, 30])).unwrap();
        let shape: Vec<_> = excerpts.iter().map(|it| (it.first, it.lines.len())).collect();
        assert_eq!(shape, [(1, 14), (26, 9)]);
        assert_eq!(excerpts[1].lines[4], "    line 30");
    }

    #[test]
    fn only_files_beneath_the_folder_are_found_by_the_longest_end_of_their_path() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let [inside, outside] = ["inside", "outside"].map(|name| root.join(name));
        std::fs::create_dir_all(inside.join("src/deep")).unwrap();
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("secret"), "").unwrap();
        std::fs::write(inside.join("src/deep/a.rs"), "").unwrap();
        std::fs::write(inside.join("a.rs"), "").unwrap();
        std::fs::write(inside.join(".env"), "").unwrap();
        std::os::unix::fs::symlink(inside.join(".env"), inside.join("settings.rs")).unwrap();
        std::os::unix::fs::symlink(outside.join("secret"), inside.join("link")).unwrap();
        assert_eq!(find("/build/src/deep/a.rs", &inside), Some(inside.join("src/deep/a.rs")));
        assert_eq!(find("C:\\build\\other\\a.rs", &inside), Some(inside.join("a.rs")));
        assert_eq!(find("/home/.cargo/x/../src/deep/a.rs", &inside), Some(inside.join("src/deep/a.rs")));
        let deep = format!("{}src/deep/a.rs", "x/".repeat(400_000));
        assert_eq!(find(&deep, &inside), Some(inside.join("src/deep/a.rs")));
        for file in ["../outside/secret", "/x/../../outside/secret", "link", "secret", "src", ".env", "settings.rs", ""]
        {
            assert_eq!(find(file, &inside), None, "{file}");
        }
    }
}
