//! Which map is taken for a module, and from where.

use std::fs;
use std::path::Path;

use wasm_encoder::{Component, RawSection};
use wasmscope_model::LineOrigin;
use wasmscope_symbolizer::{DebugFiles, KnownModules, ModuleImage, NotFound, Position, Symbolizer, component_modules};

use crate::builder::{FIRST, image, map, module, module_naming, text_section};
use crate::{inline, resolve};

const LINE: u32 = 8;

/// A map of `image` in which the first instruction has [`LINE`].
fn a_map(image: &ModuleImage) -> String {
    map(image, &[(5, Some([0, i64::from(LINE) - 1, 0]))])
}

/// Returns the line of the first instruction, after looking for maps, and what the user is told.
fn line_of(image: &ModuleImage, files: &DebugFiles) -> (u32, Vec<NotFound>) {
    let mut symbolizer = Symbolizer::new();
    symbolizer.add_module(image.clone());
    let problems = symbolizer.add_source_maps(files);
    (resolve(&mut symbolizer, image, FIRST, 5).frames[0].line, problems)
}

fn beside(folder: &tempfile::TempDir) -> DebugFiles {
    DebugFiles::default().beside(folder.path())
}

#[test]
fn a_map_is_found_beside_the_module_and_where_the_user_says() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let inner = folder.path().join("maps");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("app wasm.map"), a_map(&image(&module(&[], &[])))).unwrap();
    for url in
        ["maps/app wasm.map", "./maps/app wasm.map", "maps/app%20wasm.map", "file:///elsewhere/maps/app%20wasm.map"]
    {
        let image = image(&module_naming(url));
        // A whole path is of another machine: only the name of the file counts.
        let files = if url.starts_with("file") { DebugFiles::default().beside(&inner) } else { beside(&folder) };
        assert_eq!(line_of(&image, &files), (LINE, Vec::new()), "{url}");
    }
    let image = image(&module_naming("app wasm.map"));
    let files = |place: &Path| DebugFiles::new(vec![place.to_owned()]).beside(elsewhere.path());
    assert_eq!(line_of(&image, &files(&inner)), (LINE, Vec::new()));
    // Beside a debug file that the user named.
    assert_eq!(line_of(&image, &files(&inner.join("app.wasm"))), (LINE, Vec::new()));
    // Without any place nothing is looked for, and nobody asked.
    assert_eq!(line_of(&image, &DebugFiles::default()), (0, Vec::new()));
}

#[test]
fn what_lies_elsewhere_is_not_read_and_the_user_is_told() {
    let outside = tempfile::tempdir().unwrap();
    let folder = outside.path().join("folder");
    fs::create_dir(&folder).unwrap();
    let good = a_map(&image(&module(&[], &[])));
    fs::write(outside.path().join("app.map"), &good).unwrap();
    fs::write(folder.join("app.wasm.map"), &good).unwrap();
    fs::write(folder.join("text.map"), "no map").unwrap();
    fs::write(folder.join("old.map"), r#"{"version":2}"#).unwrap();
    fs::File::create(folder.join("huge.map")).unwrap().set_len((256 << 20) + 1).unwrap();
    fs::create_dir(folder.join("folder.map")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(outside.path().join("app.map"), folder.join("link.map")).unwrap();
    let fetched = "is not in a folder, and nothing is fetched";
    for (url, reason) in [
        ("http://localhost:8080/app.wasm.map", fetched),
        ("https://example.org/app.wasm.map", fetched),
        ("HTTPS://example.org/app.wasm.map", fetched),
        ("blob:app.wasm.map", fetched),
        ("../app.map", "lies outside the folder of the module"),
        ("%2e%2e/app.map", "lies outside the folder of the module"),
        ("maps/../../app.map", "lies outside the folder of the module"),
        ("app.map", "is not there"),
        ("/etc/passwd", "is not in the folder of the module"),
        ("link.map", "is not there"),
        ("folder.map", "is not there"),
        ("app\0.map", "is not there"),
        ("..", "lies outside the folder of the module"),
        ("text.map", "is no source map: its JSON goes wrong in line 1, column 2"),
        ("old.map", "is of revision 2, and only revision 3 can be read"),
        ("huge.map", "is larger than 268435456 bytes"),
    ] {
        let (line, problems) = line_of(&image(&module_naming(url)), &DebugFiles::default().beside(&folder));
        let [NotFound::SourceMap { map, reason: told, .. }] = &problems[..] else { panic!("{url}: {problems:?}") };
        assert_eq!((line, map.as_str(), told.as_str()), (0, url, reason));
    }
    let (line, problems) = line_of(&image(&module_naming("data:text/plain,hello")), &DebugFiles::default());
    assert_eq!(line, 0);
    assert_eq!(
        problems[0].to_string(),
        "the module names the source map \"in the module itself\", which is a data URL of another kind than \
         application/json in base64"
    );
}

#[test]
fn the_folder_of_a_bare_name_is_the_current_one() {
    // Tests run in the folder of their crate.
    let image = image(&module_naming("Cargo.toml"));
    let (_, problems) = line_of(&image, &DebugFiles::default().beside(Path::new("app.wasm").parent().unwrap()));
    let [NotFound::SourceMap { reason, .. }] = &problems[..] else { panic!("{problems:?}") };
    assert_eq!(reason, "is no source map: its JSON goes wrong in line 1, column 2");
}

#[test]
fn addresses_in_logs_get_the_lines_of_maps() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/source_maps");
    let mut modules = KnownModules::new();
    modules.add_guest("words.wasm", &fs::read(folder.join("words.wasm")).unwrap().into()).unwrap();
    assert_eq!(modules.add_source_maps(&DebugFiles::default().beside(&folder)), []);
    let found = modules.find_position(Position::InFile(697)).unwrap();
    let frame = &found.resolved.frames[0];
    assert_eq!((frame.file.as_str(), frame.line, frame.column), ("words/~lib/staticarray.ts", 27, 7));
}

#[test]
fn a_map_that_no_module_names_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let plain = image(&module(&[], &[]));
    fs::write(folder.path().join("app.wasm.map"), a_map(&plain)).unwrap();
    assert_eq!(line_of(&plain, &beside(&folder)), (0, Vec::new()));
}

#[test]
fn a_stripped_module_gets_the_map_that_its_twin_names() {
    let folder = tempfile::tempdir().unwrap();
    let builds = folder.path().join("builds/today");
    fs::create_dir_all(&builds).unwrap();
    // Its code begins elsewhere in the file.
    let twin = module(&[("padding", &[0; 300])], &[("sourceMappingURL", &text_section("app.wasm.map"))]);
    fs::write(builds.join("app.wasm"), &twin).unwrap();
    fs::write(builds.join("app.wasm.map"), a_map(&image(&twin))).unwrap();
    let stripped = image(&module(&[], &[]));
    assert_ne!(stripped.code_section_start(), image(&twin).code_section_start());
    let files = DebugFiles::new(vec![folder.path().to_owned()]);
    let mut symbolizer = Symbolizer::new();
    symbolizer.add_module(stripped.clone());
    // A recording of the code alone knows even less.
    let nothing_known = Symbolizer::new();
    for mut symbolizer in [symbolizer, nothing_known] {
        let wanted = wasmscope_symbolizer::Wanted::of(&stripped);
        let result = files.search(&[wanted]);
        assert_eq!((result.found.len(), result.problems.len()), (1, 0));
        result.found.into_iter().for_each(|file| symbolizer.add_debug_file(file));
        assert_eq!(symbolizer.add_source_maps(&files), []);
        let resolved = resolve(&mut symbolizer, &stripped, FIRST, 5);
        assert_eq!((resolved.frames[0].line, resolved.line), (LINE, LineOrigin::Exact));
    }
}

#[test]
fn offsets_count_from_the_module_and_not_from_the_component_around_it() {
    let core = module_naming(&inline(&a_map(&image(&module(&[], &[])))));
    let mut component = Component::new();
    component.section(&RawSection { id: 0, data: b"\x07padding some bytes" });
    component.section(&RawSection { id: 1, data: &core });
    let modules = component_modules(&component.finish()).unwrap();
    let [image] = &modules[..] else { panic!("{}", modules.len()) };
    assert_eq!(line_of(image, &DebugFiles::default()), (LINE, Vec::new()));
}

#[test]
fn dwarf_counts_for_more_whether_in_the_module_or_beside_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/guests/split.wasm");
    let mut bytes = fs::read(&path).unwrap();
    let full = image(&bytes);
    // An empty map would leave nothing.
    let url = text_section(&inline("{}"));
    bytes.extend([0, u8::try_from(url.len() + 17).unwrap(), 16]);
    bytes.extend(b"sourceMappingURL");
    bytes.extend(&url);
    let both = image(&bytes);
    let lines = |symbolizer: &mut Symbolizer, image: &ModuleImage| -> Vec<u32> {
        let places: Vec<_> = image.bodies().map(|(index, body)| (index, body.end - 1)).collect();
        places.into_iter().map(|(index, offset)| resolve(symbolizer, image, index, offset).frames[0].line).collect()
    };
    let (mut alone, mut mapped) = (Symbolizer::new(), Symbolizer::new());
    alone.add_module(full.clone());
    mapped.add_module(both.clone());
    assert_eq!(mapped.add_source_maps(&DebugFiles::default()), []);
    let expected = lines(&mut alone, &full);
    assert!(expected.iter().any(|line| *line > 0));
    assert_eq!(lines(&mut mapped, &both), expected);

    // The map is there first, and then the DWARF.
    let no_dwarf = {
        let mut parts = wasm_encoder::Module::new();
        for payload in wasmparser::Parser::new(0).parse_all(&bytes) {
            let payload = payload.unwrap();
            let is_dwarf =
                matches!(&payload, wasmparser::Payload::CustomSection(section) if section.name().starts_with(".debug"));
            if let Some((id, range)) = payload.as_section().filter(|_| !is_dwarf) {
                parts.section(&RawSection { id, data: &bytes[range.start as usize..range.end as usize] });
            }
        }
        image(&parts.finish())
    };
    let mut symbolizer = Symbolizer::new();
    symbolizer.add_module(no_dwarf.clone());
    assert_eq!(symbolizer.add_source_maps(&DebugFiles::default()), []);
    assert!(lines(&mut symbolizer, &no_dwarf).iter().all(|line| *line == 0));
    let found = DebugFiles::new(vec![path]).search(&[wasmscope_symbolizer::Wanted::of(&no_dwarf)]).found;
    found.into_iter().for_each(|file| symbolizer.add_debug_file(file));
    assert_eq!(lines(&mut symbolizer, &no_dwarf), expected);
}
