//! Debug information that lies elsewhere: found by identity, refused when it is another build's, and never read from outside.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(missing_docs, reason = "a test binary has no readers of its documentation")]

use std::fs;
use std::path::{Path, PathBuf};

use wasm_encoder::{CustomSection, Module, RawSection};
use wasmparser::{Parser, Payload};
use wasmscope_model::{CodeLocation, CodeOffset, LineOrigin, NameOrigin, Resolved, SymbolSource};
use wasmscope_symbolizer::{DebugFiles, Fit, ModuleImage, NotFound, SearchResult, Symbolizer, component_modules};

fn guest(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/guests").join(name)).unwrap()
}

/// Copies a module without its custom sections, or with them alone, and with others added.
fn copied(bytes: &[u8], keep: impl Fn(&Payload<'_>) -> bool, added: &[(&str, &[u8])]) -> Vec<u8> {
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.unwrap();
        if let Some((id, range)) = payload.as_section()
            && keep(&payload)
        {
            let range = range.start as usize..range.end as usize;
            module.section(&RawSection { id, data: &bytes[range] });
        }
    }
    for (name, data) in added {
        module.section(&CustomSection { name: (*name).into(), data: (*data).into() });
    }
    module.finish()
}

fn is_custom(payload: &Payload<'_>) -> bool {
    matches!(payload, Payload::CustomSection(_))
}

fn stripped(bytes: &[u8], added: &[(&str, &[u8])]) -> Vec<u8> {
    copied(bytes, |payload| !is_custom(payload), added)
}

/// A section that holds a length and a text.
fn text_section(text: &str) -> Vec<u8> {
    [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

fn symbolizer_of(bytes: &[u8]) -> (Symbolizer, ModuleImage) {
    let image = ModuleImage::parse(bytes.into()).unwrap();
    let mut symbolizer = Symbolizer::new();
    symbolizer.add_module(image.clone());
    (symbolizer, image)
}

/// Searches, and takes in what is found.
fn search(symbolizer: &mut Symbolizer, files: &DebugFiles) -> SearchResult {
    let result = files.search(&symbolizer.wanted());
    result.found.iter().cloned().for_each(|file| symbolizer.add_debug_file(file));
    result
}

/// Resolves an instruction in the middle of each function.
fn all_functions(symbolizer: &mut Symbolizer, image: &ModuleImage) -> Vec<Resolved> {
    let places: Vec<_> = image.bodies().map(|(index, body)| (index, (body.start + body.end) / 2)).collect();
    let place = |(function_index, offset)| CodeLocation {
        module: image.identity(),
        function_index,
        offset: Some(CodeOffset::new(offset)),
        approximate: false,
    };
    places.into_iter().map(place).map(|place| symbolizer.resolve(&place)).collect()
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
}

#[test]
fn a_stripped_module_gets_from_its_twin_all_that_the_twin_itself_has() {
    let unstripped = guest("split.wasm");
    let folder = Folder::new();
    folder.write("notes.txt", b"no wasm");
    folder.write("broken.wasm", &unstripped[..unstripped.len() / 2]);
    folder.write("other/orders.wasm", &guest("orders.wasm"));
    let twin = folder.write("builds/today/split.debug.wasm", &unstripped);
    let (mut full, image) = symbolizer_of(&unstripped);
    let expected = all_functions(&mut full, &image);
    for place in [folder.path().to_owned(), twin.clone()] {
        let (mut symbolizer, _) = symbolizer_of(&stripped(&unstripped, &[]));
        let before = all_functions(&mut symbolizer, &image);
        assert!(before.iter().all(|resolved| resolved.name != NameOrigin::Dwarf && resolved.line != LineOrigin::Exact));
        let result = search(&mut symbolizer, &DebugFiles::new(vec![place]));
        assert_eq!(result.problems, []);
        let found: Vec<_> = result.found.iter().map(|file| (file.path.canonicalize().unwrap(), file.fit)).collect();
        assert_eq!(found, [(twin.canonicalize().unwrap(), Fit::SameCode)]);
        assert_eq!(all_functions(&mut symbolizer, &image), expected);
    }
    // And without any bytes of the module, as for a raw recording.
    let mut nothing_known = Symbolizer::new();
    let wanted = wasmscope_symbolizer::Wanted::of(&image);
    for file in DebugFiles::new(vec![twin]).search(&[wanted]).found {
        nothing_known.add_debug_file(file);
    }
    assert_eq!(all_functions(&mut nothing_known, &image), expected);
}

#[test]
fn a_module_inside_a_component_is_the_same_code() {
    let unstripped = guest("split.wasm");
    let component = |core: &[u8]| {
        let mut component = wasm_encoder::Component::new();
        component.section(&RawSection { id: 1, data: core });
        component.finish()
    };
    let folder = Folder::new();
    folder.write("service.wasm", &component(&unstripped));
    let (mut full, image) = symbolizer_of(&unstripped);
    let expected = all_functions(&mut full, &image);
    let service = component(&stripped(&unstripped, &[]));
    let mut symbolizer = Symbolizer::new();
    component_modules(&service).unwrap().into_iter().for_each(|module| symbolizer.add_module(module));
    let result = search(&mut symbolizer, &DebugFiles::new(vec![folder.path().to_owned()]));
    assert_eq!((result.found.len(), result.problems.len()), (1, 0));
    assert_eq!(all_functions(&mut symbolizer, &image), expected);
}

#[test]
fn another_build_is_refused_with_both_identities_and_marked_where_it_is_forced() {
    let folder = Folder::new();
    let other = folder.write("orders.wasm", &guest("orders.wasm"));
    let found = ModuleImage::parse(guest("orders.wasm").into()).unwrap().identity();
    let (mut symbolizer, image) = symbolizer_of(&stripped(&guest("split.wasm"), &[]));
    let result = search(&mut symbolizer, &DebugFiles::new(vec![other.clone()]));
    assert!(result.found.is_empty());
    let text = result.problems[0].to_string();
    assert!(text.contains(&found.to_string()) && text.contains(&image.identity().to_string()), "{text}");
    // In a folder there may be anything.
    let in_folder = search(&mut symbolizer, &DebugFiles::new(vec![folder.path().to_owned()]));
    assert!(in_folder.found.is_empty() && in_folder.problems.is_empty());

    let forced = search(&mut symbolizer, &DebugFiles::new(vec![other]).forced(true));
    assert_eq!(forced.found[0].fit, Fit::Forced);
    let resolved = all_functions(&mut symbolizer, &image);
    assert!(resolved.iter().any(|resolved| resolved.line == LineOrigin::OtherBuild));
    for Resolved { name, line, frames } in resolved {
        let is_told = name == NameOrigin::OtherBuild || line == LineOrigin::OtherBuild;
        assert_eq!(frames.iter().all(|frame| frame.name.ends_with(" [other build]")), is_told);
        assert!(!matches!(name, NameOrigin::Dwarf | NameOrigin::NameSection), "{name:?}");
        assert!(!matches!(line, LineOrigin::Exact | LineOrigin::Approximate), "{line:?}");
    }
}

#[test]
fn a_file_of_debug_sections_alone_is_found_by_build_id_or_where_the_module_says() {
    let unstripped = guest("split.wasm");
    let build_id = text_section("twenty bytes of hash");
    let only_debug = |added: &[(&str, &[u8])]| copied(&unstripped, is_custom, added);
    let (mut full, image) = symbolizer_of(&unstripped);
    let expected = all_functions(&mut full, &image);
    let folder = Folder::new();

    let (mut symbolizer, _) = symbolizer_of(&stripped(&unstripped, &[("build_id", &build_id)]));
    folder.write("ab/cd.debug", &only_debug(&[("build_id", &build_id)]));
    let result = search(&mut symbolizer, &DebugFiles::new(vec![folder.path().to_owned()]));
    assert_eq!(result.found[0].fit, Fit::SameBuildId);
    assert_eq!(all_functions(&mut symbolizer, &image), expected);

    let named = |file: &str| stripped(&unstripped, &[("external_debug_info", &text_section(file))]);
    let beside = Folder::new();
    beside.write("split.debug.wasm", &only_debug(&[]));
    for file in
        ["split.debug.wasm", "./split.debug.wasm", "/build/machine/split.debug.wasm", "file:///x/split.debug.wasm"]
    {
        let (mut symbolizer, _) = symbolizer_of(&named(file));
        let result = search(&mut symbolizer, &DebugFiles::default().beside(beside.path()));
        assert_eq!(
            result.found.first().map(|file| file.fit),
            Some(Fit::NamedByModule),
            "{file}: {:?}",
            result.problems
        );
        assert_eq!(all_functions(&mut symbolizer, &image), expected);
    }
    for (file, reason) in [
        ("https://example.org/split.debug.wasm", "lies on a network, and nothing is fetched from there"),
        ("../split.debug.wasm", "lies outside the folder of the module"),
        ("missing.wasm", "is not there"),
        ("/etc/passwd", "is not in the folder of the module"),
        ("..", "lies outside the folder of the module"),
        ("/", "is no file's name"),
    ] {
        let (mut symbolizer, _) = symbolizer_of(&named(file));
        let result = search(&mut symbolizer, &DebugFiles::default().beside(beside.path()));
        assert!(result.found.is_empty());
        let [NotFound::External { reason: told, .. }] = &result.problems[..] else { panic!("{:?}", result.problems) };
        assert_eq!(*told, reason, "{file}");
    }
}

#[cfg(unix)]
#[test]
fn links_lead_nowhere_outside_and_round_in_no_circle() {
    use std::os::unix::fs::symlink;
    let outside = Folder::new();
    let secret = outside.write("split.wasm", &guest("split.wasm"));
    let folder = Folder::new();
    folder.write("inner/notes.txt", b"");
    symlink(&secret, folder.path().join("link.wasm")).unwrap();
    symlink(outside.path(), folder.path().join("elsewhere")).unwrap();
    symlink(folder.path(), folder.path().join("inner/circle")).unwrap();
    let (mut symbolizer, _) = symbolizer_of(&stripped(&guest("split.wasm"), &[]));
    let result = search(&mut symbolizer, &DebugFiles::new(vec![folder.path().to_owned()]));
    assert!(result.found.is_empty() && result.problems.is_empty(), "{result:?}");
    // A link to a file within is as good as the file.
    folder.write("inner/real.bin", &guest("split.wasm"));
    symlink(folder.path().join("inner/real.bin"), folder.path().join("inner/link.wasm")).unwrap();
    assert_eq!(search(&mut symbolizer, &DebugFiles::new(vec![folder.path().to_owned()])).found.len(), 1);
}

#[test]
fn what_the_user_named_and_cannot_be_read_is_told_by_its_name() {
    let folder = Folder::new();
    let text = folder.write("notes.txt", b"no wasm at all");
    let cut = folder.write("cut.wasm", &guest("split.wasm")[..1000]);
    let (mut symbolizer, _) = symbolizer_of(&stripped(&guest("split.wasm"), &[]));
    let files = DebugFiles::new(vec![text, cut, folder.path().join("missing.wasm")]);
    let problems: Vec<_> = search(&mut symbolizer, &files).problems.iter().map(ToString::to_string).collect();
    for (problem, part) in
        problems.iter().zip(["notes.txt: not a WebAssembly", "cut.wasm: malformed", "missing.wasm: No such"])
    {
        assert!(problem.contains(part), "{problem}");
    }
    assert_eq!(problems.len(), 3);
}
