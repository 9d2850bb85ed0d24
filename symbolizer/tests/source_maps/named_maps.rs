//! Maps that the user named as files: which module they serve, and which serve none.

use std::fs;
use std::path::{Path, PathBuf};

use wasmscope_symbolizer::{DebugFiles, ModuleImage, NotFound, Symbolizer, Wanted};

use crate::builder::{END, FIRST, image, map, module, module_naming};
use crate::{inline, resolve};

/// Writes a map in which the first instruction has a line.
fn write(folder: &tempfile::TempDir, name: &str, image: &ModuleImage, line: i64) -> PathBuf {
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, map(image, &[(5, Some([0, line - 1, 0]))])).unwrap();
    path
}

/// Returns the line of the first instruction, and what the user is told.
fn line_of(image: &ModuleImage, files: &DebugFiles) -> (u32, Vec<NotFound>) {
    let mut symbolizer = Symbolizer::new();
    symbolizer.add_module(image.clone());
    let problems = symbolizer.add_source_maps(files);
    assert_eq!(symbolizer.unfit_source_maps(files), []);
    (resolve(&mut symbolizer, image, FIRST, 5).frames[0].line, problems)
}

/// Returns why the only map that was named serves none of the modules.
fn why_unfit(path: &Path, modules: &[ModuleImage]) -> String {
    let files = DebugFiles::new(vec![path.to_owned()]);
    match &files.unfit_source_maps(modules)[..] {
        [NotFound::Unreadable { path: told, reason }] if told == path => reason.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_map_that_is_named_serves_a_module_that_names_none_or_another() {
    let folder = tempfile::tempdir().unwrap();
    let plain = image(&module(&[], &[]));
    let named = write(&folder, "build.map", &plain, 7);
    let files = DebugFiles::new(vec![named]);
    assert_eq!(line_of(&plain, &files), (7, Vec::new()));
    assert!(files.may_hold_source_map(&plain) && !DebugFiles::default().may_hold_source_map(&plain));
    let missing = image(&module_naming("missing.map"));
    assert_eq!(line_of(&missing, &files), (7, Vec::new()));
    // What the module holds itself is for when nothing was named.
    let inline = image(&module_naming(&inline(&map(&plain, &[(5, Some([0, 8, 0]))]))));
    assert_eq!(line_of(&inline, &DebugFiles::default()), (9, Vec::new()));
    assert_eq!(line_of(&inline, &files), (7, Vec::new()));
    // No module is wanted of it.
    assert_eq!(files.search(&[Wanted::of(&plain)]).problems, []);
}

#[test]
fn of_several_maps_the_one_counts_that_the_module_names() {
    let folder = tempfile::tempdir().unwrap();
    let first = image(&module(&[], &[]));
    let others = write(&folder, "a/other.map", &first, 7);
    let called = write(&folder, "b/app name.map", &first, 8);
    let files = DebugFiles::new(vec![others, called]);
    for url in ["app name.map", "https://example.org/maps/app%20name.map", "../app%20name.map"] {
        assert_eq!(line_of(&image(&module_naming(url)), &files), (8, Vec::new()), "{url}");
    }
    assert_eq!(line_of(&image(&module_naming("missing.map")), &files), (7, Vec::new()));
}

#[test]
fn a_map_is_taken_by_its_name_and_refused_by_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("app.map");
    fs::write(&broken, "{").unwrap();
    let named = image(&module_naming("app.map"));
    let reason = "is no source map: its JSON goes wrong in line 1, column 1";
    assert_eq!(why_unfit(&broken, std::slice::from_ref(&named)), format!("it {reason}"));
    let mut symbolizer = Symbolizer::new();
    symbolizer.add_module(named);
    let [NotFound::SourceMap { map, reason: told, .. }] =
        &symbolizer.add_source_maps(&DebugFiles::new(vec![broken.clone()]))[..]
    else {
        panic!()
    };
    assert_eq!((Path::new(map), told.as_str()), (broken.as_path(), reason));
}

#[test]
fn maps_that_serve_no_module_are_told_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let plain = image(&module(&[], &[]));
    // Within an instruction; behind the end of the code.
    let between = folder.path().join("between.map");
    fs::write(&between, map(&plain, &[(16, Some([0, 0, 0]))])).unwrap();
    let outside = folder.path().join("outside.map");
    fs::write(&outside, map(&plain, &[(5, Some([0, 0, 0])), (i64::from(END) + 40, Some([0, 1, 0]))])).unwrap();
    let one = std::slice::from_ref(&plain);
    assert_eq!(why_unfit(&between, one), "it is of another build: 1 of 1 mappings of code lie between instructions");
    assert_eq!(why_unfit(&outside, one), "it is the source map of another module: its mappings lie outside the code");
    assert_eq!(why_unfit(&between, &[]), "the module that this source map is of is not known: name that too");
    let two = [plain.clone(), image(&module(&[("padding", &[0; 9])], &[]))];
    assert_eq!(why_unfit(&between, &two), "it is a source map, and of none of the modules");
    // The module says that it is its own, so only what is wrong in it is left out.
    let called = image(&module_naming("outside.map"));
    assert_eq!(DebugFiles::new(vec![outside]).unfit_source_maps([&called]), []);
}

#[test]
fn json_is_known_without_its_ending_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text, is_map) in [
        ("a.map", "anything", true),
        ("a.json", "  {\"version\":3}", true),
        ("guarded", ")]}'\n{}", true),
        ("a.wasm", "\0asm\x01\0\0\0", false),
        ("empty", "", false),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        assert_eq!(DebugFiles::is_source_map(&path), is_map, "{name}");
    }
    assert!(!DebugFiles::is_source_map(&folder.path().join("missing.map")));
    let missing = DebugFiles::new(vec![folder.path().join("missing.map")]);
    let problems = missing.search(&[Wanted::of(&image(&module(&[], &[])))]).problems;
    assert!(matches!(&problems[..], [NotFound::Unreadable { .. }]), "{problems:?}");
}
