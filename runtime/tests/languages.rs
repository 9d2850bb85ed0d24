//! Guests of each language that the tool promises to show.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod wasi_guest;

use std::collections::BTreeSet;
use std::path::Path;

use wasi_guest::{WasiGuest, dense};
use wasmscope::{Guest, GuestEnd, GuestRun, ProfileSession};
use wasmscope_model::{Event, Location, NameOrigin, Place, Recording, SampleRow, WhyUnnamed};
use wasmscope_symbolizer::DebugFiles;
use wasmscope_testkit::exclusive::exclusive;
use wasmscope_testkit::guests::{example_guest, fetched_guest_or_skip, test_guest, without_custom_section};

const SAMPLES: u64 = 3000;

/// What the samples of a guest show.
struct Seen {
    guest: WasiGuest,
    recording: Recording,
    /// Physical functions.
    functions: BTreeSet<String>,
    /// Functions that were inlined into others.
    inlined: BTreeSet<String>,
    /// Files that lines were found in.
    files: BTreeSet<String>,
}

fn is_guest(location: &&Location) -> bool {
    matches!(location.place, Place::Code(..) | Place::Module(_))
}

impl Seen {
    fn of(path: &Path, args: &[&str]) -> Self {
        Self::of_guest(WasiGuest::load(path), args)
    }

    fn of_guest(guest: WasiGuest, args: &[&str]) -> Self {
        let (recording, _) = guest.record(dense(), SAMPLES, args);
        let (mut functions, mut inlined, mut files) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let stacks = recording.rows(Event::Cpu).flat_map(|row| recording.stack(row.stack));
        for location in stacks.filter(is_guest) {
            let physical = location.lines.len() - 1;
            for (depth, line) in location.lines.iter().enumerate() {
                let function = &recording.profile.functions[line.function.0 as usize];
                if depth == physical { &mut functions } else { &mut inlined }.insert(function.name.clone());
                files.extend((line.line > 0).then(|| function.file.clone()));
            }
        }
        Self { guest, recording, functions, inlined, files }
    }

    fn name(&self) -> &str {
        self.guest.guest().name()
    }

    fn has_functions(&self, wanted: &[&str]) {
        for wanted in wanted {
            assert!(self.functions.contains(*wanted), "{}: no {wanted} in {:#?}", self.name(), self.functions);
        }
    }

    fn has_function_like(&self, parts: &[&str]) {
        let found = self.functions.iter().any(|name| parts.iter().all(|part| name.contains(part)));
        assert!(found, "{}: nothing like {parts:?} in {:#?}", self.name(), self.functions);
    }

    fn has_inlined(&self, wanted: &[&str]) {
        for wanted in wanted {
            assert!(self.inlined.contains(*wanted), "{}: no {wanted} in {:#?}", self.name(), self.inlined);
        }
    }

    fn has_file(&self, end: &str) {
        assert!(self.files.iter().any(|file| file.ends_with(end)), "{}: no {end} in {:#?}", self.name(), self.files);
    }

    /// Looks for a physical function with a line in a file.
    fn has_function_in(&self, name: &str, file: &str) {
        let mut stacks = self.recording.rows(Event::Cpu).flat_map(|row| self.recording.stack(row.stack));
        let found = stacks.any(|location| {
            let line = location.lines.last().unwrap();
            let function = &self.recording.profile.functions[line.function.0 as usize];
            line.line > 0 && function.name == name && function.file.ends_with(file)
        });
        assert!(found, "{}: no {name} with a line in {file}", self.name());
    }

    /// Counts the samples whose innermost guest function satisfies `test`, in percent.
    fn percent(&self, test: impl Fn(&Location) -> bool) -> f64 {
        let counts = |row: &&SampleRow| self.recording.stack(row.stack).find(is_guest).is_some_and(&test);
        let count: u64 = self.recording.rows(Event::Cpu).filter(counts).map(|row| row.count).sum();
        count as f64 * 100.0 / self.recording.total_count(Event::Cpu) as f64
    }

    fn unnamed_percent(&self) -> f64 {
        self.percent(|location| matches!(location.origin.map(|origin| origin.name), Some(NameOrigin::Unnamed(_))))
    }

    fn with_line_percent(&self) -> f64 {
        self.percent(|location| location.lines.iter().any(|line| line.line > 0))
    }

    fn has_note(&self, part: &str) {
        let notes = &self.recording.run.as_ref().unwrap().notes;
        assert!(notes.iter().any(|note| note.contains(part)), "{}: {notes:?}", self.name());
    }

    fn has_sound_stacks(&self) {
        let report = self.guest.check_stacks(&self.recording, &["_start"]);
        assert_eq!(report.impossible_edges(), 0, "{}: {:?}", self.name(), report.impossible);
        assert!(report.rooted_share() >= 0.999, "{}: {:?}", self.name(), report.unrooted);
    }
}

#[test]
fn c_shows_functions_lines_and_inlines_three_deep() {
    let _exclusive = exclusive();
    let seen = Seen::of(&example_guest("split.wasm"), &["5000"]);
    seen.has_functions(&["seventy", "twenty", "ten", "work"]);
    seen.has_inlined(&["mix", "stir", "turn"]);
    seen.has_file("split.c");
    assert!(seen.with_line_percent() > 99.0, "{}", seen.with_line_percent());
    seen.has_sound_stacks();
}

#[test]
fn c_with_units_of_dwarf_4_and_5_shows_both() {
    let _exclusive = exclusive();
    let seen = Seen::of(&test_guest("c-dwarf5.wasm"), &["300"]);
    seen.has_functions(&["one_round", "count_word", "qsort", "trinkle", "strcmp"]);
    seen.has_inlined(&["hash_text", "hash_step"]);
    seen.has_file("words.c");
    seen.has_file("qsort.c");
    seen.has_sound_stacks();
}

fn check_cpp(file: &str) {
    let seen = Seen::of(&test_guest(file), &["4000"]);
    seen.has_functions(&["shapes::round::Circle::area(double) const"]);
    seen.has_function_like(&["shapes::(anonymous namespace)::total(", "std::"]);
    // A template over a lambda, named as a C++ programmer would read it.
    seen.has_function_like(&["std::__2::__introsort", "main(int, char**)::$_1"]);
    seen.has_inlined(&["main(int, char**)::$_1::operator()(unsigned int, unsigned int) const"]);
    seen.has_file("shapes.cc");
    seen.has_file("__algorithm/sort.h");
    assert!(seen.unnamed_percent() < 0.1);
    seen.has_sound_stacks();
}

#[test]
fn cpp_by_clang_shows_templates_lambdas_and_inlines() {
    let _exclusive = exclusive();
    check_cpp("cpp-clang.wasm");
}

#[test]
fn cpp_by_zig_shows_templates_lambdas_and_inlines() {
    let _exclusive = exclusive();
    check_cpp("cpp-zig.wasm");
}

#[test]
fn rust_shows_its_crates_and_what_was_inlined_from_them() {
    let _exclusive = exclusive();
    let seen = Seen::of(&example_guest("orders.wasm"), &[]);
    seen.has_function_like(&["compress256"]);
    seen.has_function_like(&["serde_json::", "serialize_str"]);
    let inlined = |part: &str| seen.inlined.iter().any(|name| name.contains(part));
    assert!(inlined("core::") && inlined("serde_json::"), "{:#?}", seen.inlined);
    seen.has_file("src/main.rs");
    seen.has_file("src/pricing.rs");
    let mangled = |names: &BTreeSet<String>| {
        names.iter().filter(|name| name.starts_with("_ZN") || name.starts_with("_R")).count()
    };
    assert_eq!((mangled(&seen.functions), mangled(&seen.inlined)), (0, 0));
    assert!(seen.unnamed_percent() < 0.1);
    seen.has_sound_stacks();
}

#[test]
fn assemblyscript_shows_names_and_the_lines_of_the_source_map_beside_it() {
    let _exclusive = exclusive();
    let path = test_guest("as.wasm");
    let files = DebugFiles::default().beside(path.parent().unwrap());
    let session = ProfileSession::builder().debug_files(files).build().unwrap();
    let seen = Seen::of_guest(WasiGuest::in_session(session, Guest::load(&path).unwrap()), &[]);
    seen.has_functions(&["loops/run", "loops/churn", "loops/fib", "loops/apply", "loops/triple", "loops/halve"]);
    seen.has_function_in("loops/churn", "loops.ts");
    seen.has_function_in("loops/fib", "loops.ts");
    seen.has_sound_stacks();

    let seen = Seen::of(&path, &[]);
    seen.has_note("source map is not looked for");
    assert!(seen.files.is_empty(), "{:?}", seen.files);
}

#[test]
fn a_reactor_is_initialised_and_its_export_is_the_root() {
    let _exclusive = exclusive();
    let guest = WasiGuest::load(&test_guest("reactor.wasm"));
    let recorder = guest.session().record(dense()).unwrap();
    let run = GuestRun { args: vec!["60000".into()], invoke: Some("spin".into()), ..GuestRun::default() };
    let end = run.prepare(guest.session(), guest.guest()).unwrap().run().unwrap();
    assert!(matches!(&end, GuestEnd::Returned(values) if values.len() == 1), "{end:?}");
    let recording = recorder.stop().unwrap();
    let report = guest.check_stacks(&recording, &["spin", "_initialize"]);
    assert!(report.rooted > 100, "{report:?}");
    assert!(report.rooted_share() >= 0.999, "{:?}", report.unrooted);
}

#[test]
fn go_shows_names_and_says_what_its_stacks_hide() {
    let _exclusive = exclusive();
    let test = "go_shows_names_and_says_what_its_stacks_hide";
    let Some(path) = fetched_guest_or_skip("go-cmd.wasm", test) else { return };
    let seen = Seen::of(&path, &["20"]);
    seen.has_function_like(&["main.fib"]);
    seen.has_function_like(&["encoding_json"]);
    seen.has_note("goroutines");
    assert!(seen.unnamed_percent() < 1.0, "{}", seen.unnamed_percent());
    seen.has_sound_stacks();
}

#[test]
fn c_with_dwarf_and_no_name_section_shows_its_functions() {
    let _exclusive = exclusive();
    let module = std::fs::read(test_guest("c-dwarf5.wasm")).unwrap();
    let stripped = without_custom_section(&module, "name");
    let seen = Seen::of_guest(WasiGuest::new(Guest::from_bytes("stripped.wasm", &stripped).unwrap()), &["300"]);
    assert!(!seen.guest.guest().image().unwrap().has_names());
    seen.has_functions(&["one_round", "count_word", "make_word", "qsort", "trinkle"]);
    seen.has_file("words.c");
    assert!(seen.unnamed_percent() < 1.0, "{}", seen.unnamed_percent());
    seen.has_sound_stacks();
}

#[test]
fn a_cpython_with_dwarf_and_no_name_section_shows_its_c_functions() {
    let _exclusive = exclusive();
    let test = "a_cpython_with_dwarf_and_no_name_section_shows_its_c_functions";
    let Some(path) = fetched_guest_or_skip("python-3.11.wasm", test) else { return };
    let library = path.with_file_name("python-3.11-lib");
    let guest = WasiGuest::load(&path).with_dir(library, "/usr/local/lib/python3.11");
    assert!(!guest.guest().image().unwrap().has_names() && guest.guest().image().unwrap().has_dwarf());
    let program = "import json\nrows = [{'id': n, 'name': 'n%d' % n, 'price': n * 1.5} for n in range(200)]\n\
        for _ in range(600): json.loads(json.dumps(rows))";
    let seen = Seen::of_guest(guest, &["-c", program]);
    seen.has_function_in("_PyEval_EvalFrameDefault", "/Python/ceval.c");
    seen.has_function_in("encoder_listencode_dict", "/Modules/_json.c");
    seen.has_function_in("_parse_object_unicode", "/Modules/_json.c");
    let percent = seen.percent(|location| location.origin.map(|origin| origin.name) == Some(NameOrigin::Dwarf));
    assert!(percent > 95.0, "{percent}");
    assert!(seen.with_line_percent() > 90.0, "{}", seen.with_line_percent());
    seen.has_sound_stacks();
}

/// This CPython has no name section either, and a tool that ran after its linker has set every address in its DWARF to
/// zero: nobody can name its functions, and it must be said so.
#[test]
fn a_cpython_whose_dwarf_has_lost_its_addresses_says_why_it_has_no_names() {
    let _exclusive = exclusive();
    let test = "a_cpython_whose_dwarf_has_lost_its_addresses_says_why_it_has_no_names";
    let Some(path) = fetched_guest_or_skip("python-3.12.0.wasm", test) else { return };
    let seen = Seen::of(&path, &["-c", "print(sum(n * n for n in range(1000000)))"]);
    assert!(!seen.guest.guest().image().unwrap().has_names() && seen.guest.guest().image().unwrap().has_dwarf());
    let not_listed = NameOrigin::Unnamed(WhyUnnamed::NotListed);
    let percent = seen.percent(|location| location.origin.map(|origin| origin.name) == Some(not_listed));
    assert!(percent > 95.0, "{percent}");
    seen.has_sound_stacks();
}

#[test]
fn sqlite_shows_its_own_functions_and_lines() {
    let _exclusive = exclusive();
    let Some(path) = fetched_guest_or_skip("sqlite.wasm", "sqlite_shows_its_own_functions_and_lines") else { return };
    let seen = Seen::of(&path, &["5"]);
    seen.has_functions(&["sqlite3_exec", "sqlite3VdbeExec"]);
    seen.has_file("sqlite3.c");
    assert!(seen.with_line_percent() > 95.0, "{}", seen.with_line_percent());
    seen.has_sound_stacks();
}
