//! Split DWARF tells the same as DWARF that is whole, wherever its parts lie; what is missing, cut or of another build is told.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(missing_docs, reason = "a test binary has no readers of its documentation")]

mod agreement;
mod hostile;
mod problems;

use std::fs;
use std::path::{Path, PathBuf};

use wasmscope_model::{CodeLocation, CodeOffset, Resolved, SymbolSource};
use wasmscope_symbolizer::{DebugFiles, ModuleImage, Symbolizer};

/// The guest by the version of its DWARF.
fn guest(version: u16) -> PathBuf {
    guests().join(version.to_string())
}

fn guests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/guests/split-dwarf")
}

fn image(path: &Path) -> ModuleImage {
    ModuleImage::parse(fs::read(path).unwrap().into()).unwrap()
}

/// Resolves each byte of each function.
fn all_places(symbolizer: &mut Symbolizer, image: &ModuleImage) -> Vec<Resolved> {
    places(symbolizer, image, 1)
}

/// Resolves every so many bytes of each function.
fn places(symbolizer: &mut Symbolizer, image: &ModuleImage, step: usize) -> Vec<Resolved> {
    let mut places = Vec::new();
    for (function_index, body) in image.bodies() {
        for offset in body.step_by(step) {
            let offset = Some(CodeOffset::new(offset));
            let place = CodeLocation { module: image.identity(), function_index, offset, approximate: false };
            places.push(symbolizer.resolve(&place));
        }
    }
    places
}

/// Resolves everything in a module with what is found of its split units, and returns what the user is told besides.
fn resolved(module: &Path, files: &DebugFiles) -> (Vec<Resolved>, Vec<String>) {
    resolved_every(1, module, files)
}

/// As [`resolved`], of every so many bytes.
fn resolved_every(step: usize, module: &Path, files: &DebugFiles) -> (Vec<Resolved>, Vec<String>) {
    let image = image(module);
    let mut symbolizer = Symbolizer::new();
    symbolizer.add_module(image.clone());
    let problems = symbolizer.add_split_units(files).iter().map(ToString::to_string).collect();
    (places(&mut symbolizer, &image, step), problems)
}

/// What the guest's DWARF tells that is not split.
fn whole(version: u16) -> Vec<Resolved> {
    let (places, problems) = resolved(&guest(version).join("whole.wasm"), &DebugFiles::default());
    assert_eq!(problems, [""; 0]);
    places
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Copies a file of the guests.
    fn copy(&self, from: &Path, name: &str) -> PathBuf {
        self.write(name, &fs::read(from).unwrap())
    }
}
