//! What `wasmscope doctor` says of guests, profiles, machines, and of files that are neither.
//!
//! Pages of checked-in guests are compared with the files in `tests/doctor`; `BLESS=1` writes them anew.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a test binary documents itself by its names, and fails by panics"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const STRIPPED: &str = r#"(module (func (export "_start") (loop (br_if 0 (call 1 (i32.const 200000000)))))
  (func (param i32) (result i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (i32.const 0)))"#;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn wasmscope(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wasmscope"))
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("the command starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs it in a folder, asserts the exit code, and returns what it says.
fn told(folder: &Path, args: &[&str], exit: i32) -> String {
    let output = wasmscope(folder, &[&["doctor"], args].concat());
    assert_eq!(output.status.code(), Some(exit), "{}\n{}", text(&output.stdout), text(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn same_as_blessed(name: &str, found: &str) {
    let file = repository("cli/tests/doctor").join(name);
    if std::env::var_os("BLESS").is_some() {
        fs::write(&file, found).unwrap();
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    let diff = similar::TextDiff::from_lines(expected.as_str(), found);
    let diff = diff.unified_diff().header("expected", "found").to_string();
    assert!(diff.is_empty(), "{name} differs; BLESS=1 takes over what was found\n{diff}");
}

#[test]
fn pages_of_checked_in_guests_are_as_blessed() {
    for (folder, guest, exit) in [
        ("examples/guests", "split.wasm", 0),
        ("examples/guests", "orders.wasm", 0),
        ("testkit/guests", "as.wasm", 0),
        ("testkit/guests", "c-dwarf5.wasm", 0),
        ("testkit/guests", "cpp-zig.wasm", 0),
        ("testkit/guests", "reactor.wasm", 0),
        ("testkit/guests", "waits-p2.wasm", 1),
        ("testkit/guests", "waits-p3.wasm", 0),
    ] {
        let page = told(&repository(folder), &["--skip-machine", guest], exit);
        assert!(page.lines().all(|line| line.chars().count() <= 100), "{page}");
        same_as_blessed(&format!("{guest}.stdout"), &page);
    }
    let json = told(&repository("testkit/guests"), &["--skip-machine", "--json", "waits-p3.wasm"], 0);
    same_as_blessed("waits-p3.json", &json);
}

#[test]
fn json_tells_the_same_numbers_as_the_library() {
    let json = told(&repository("examples/guests"), &["--json", "--skip-machine", "split.wasm"], 0);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    // Counted apart with llvm-dwarfdump and the sizes of the bodies.
    let coverage = &json["guest"]["modules"][0]["debug_information"]["coverage"];
    assert_eq!(coverage["all"], serde_json::json!({ "code": 21620, "functions": 64 }));
    assert_eq!(coverage["line_tables"], serde_json::json!({ "code": 17982, "functions": 62 }));
    assert_eq!((&json["version"], &json["findings"]), (&serde_json::json!(1), &serde_json::json!([])));
    assert!(json.get("machine").is_none());
}

#[test]
fn the_machine_is_told_with_every_timer() {
    let folder = tempfile::tempdir().unwrap();
    let output = wasmscope(folder.path(), &["doctor", "--machine", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let timers = json["machine"]["timers"].as_array().unwrap();
    let names: Vec<_> = timers.iter().map(|timer| timer["timer"].as_str().unwrap()).collect();
    assert_eq!(names, ["perf", "cpu", "monotonic"]);
    let works = timers.iter().find(|timer| timer["refused"].is_null()).map(|timer| &timer["timer"]);
    assert_eq!(Some(&json["machine"]["taken_by_default"]), works.or(Some(&serde_json::Value::Null)));
    assert_eq!(output.status.code(), Some(i32::from(works.is_none())));
    let page = wasmscope(folder.path(), &["doctor", "--machine"]);
    for word in ["perf task clock", "thread CPU", "monotonic", "epochs"] {
        assert!(text(&page.stdout).contains(word), "{}", text(&page.stdout));
    }
}

#[test]
fn debug_files_are_found_by_the_identity_of_the_code() {
    let folder = tempfile::tempdir().unwrap();
    let named = STRIPPED.replace("(func (param", "(func $spin (param");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), wat::parse_str(text).unwrap()).unwrap();
    write("guest.wasm", STRIPPED);
    fs::create_dir_all(folder.path().join("symbols/deep")).unwrap();
    fs::write(folder.path().join("symbols/a.txt"), "no module").unwrap();
    write("symbols/b.wasm", &named.replace("200000000", "1"));
    write("symbols/deep/c.wasm", &named);
    let page = told(folder.path(), &["--skip-machine", "guest.wasm"], 1);
    assert!(page.contains("no name section; 1 known by export only"), "{page}");
    for (option, symbols) in [("--symbols", "symbols"), ("--debug", "symbols/deep/c.wasm")] {
        let page = told(folder.path(), &["--skip-machine", option, symbols, "guest.wasm"], 1);
        assert!(page.contains("debug file      symbols/deep/c.wasm: the same code"), "{page}");
        assert!(page.contains("the name section has 1 of 2 functions"), "{page}");
    }
    let output = wasmscope(folder.path(), &["doctor", "--skip-machine", "--symbols", "symbols/b.wasm", "guest.wasm"]);
    let error = text(&output.stderr);
    assert_eq!((output.status.code(), error.lines().count()), (Some(2), 1), "{error}");
    assert!(error.starts_with("error: symbols/b.wasm is of another build: its code is "), "{error}");
}

#[test]
fn the_debug_file_that_a_module_names_counts_as_when_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(repository("examples/guests/split.wasm")).unwrap();
    let mut code = kept_sections(&whole, |name| name.is_none_or(|name| name == "name"));
    code.extend(custom_section("external_debug_info", b"\x0bsplit.debug"));
    fs::write(folder.path().join("guest.wasm"), &code).unwrap();
    let page = told(folder.path(), &["--skip-machine", "guest.wasm"], 1);
    let missing = "split.wasm names the debug file \"split.debug\", which is not there";
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(page.contains(&format!("not found {missing}")), "{page}");

    let debug = kept_sections(&whole, |name| name.is_some_and(|name| name.starts_with(".debug_")));
    fs::write(folder.path().join("split.debug"), debug).unwrap();
    let json = told(folder.path(), &["--skip-machine", "--json", "guest.wasm"], 0);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let module = &json["guest"]["modules"][0];
    // As of the whole module.
    let coverage = &module["debug_information"]["coverage"];
    assert_eq!(coverage["all"], serde_json::json!({ "code": 21620, "functions": 64 }));
    assert_eq!(coverage["line_tables"], serde_json::json!({ "code": 17982, "functions": 62 }));
    assert_eq!(json["guest"]["problems"], serde_json::json!([]));
    let page = told(folder.path(), &["--skip-machine", "guest.wasm"], 0);
    assert!(page.contains("split.debug: the module names it") && !page.contains("there is no DWARF"), "{page}");
}

/// Copies a module with those of its sections that `is_kept` says, going by the name of a custom section.
fn kept_sections(bytes: &[u8], is_kept: impl Fn(Option<&str>) -> bool) -> Vec<u8> {
    let mut copy = bytes[..8].to_vec();
    let mut rest = &bytes[8..];
    while let Some((id, after)) = rest.split_first() {
        let (size, digits) = number(after);
        let (section, others) = rest.split_at(1 + digits + size);
        let contents = &section[1 + digits..];
        let name = (*id == 0).then(|| {
            let (length, digits) = number(contents);
            std::str::from_utf8(&contents[digits..digits + length]).unwrap()
        });
        if is_kept(name) {
            copy.extend_from_slice(section);
        }
        rest = others;
    }
    copy
}

/// Reads a number, and how many bytes it takes.
fn number(bytes: &[u8]) -> (usize, usize) {
    let digits = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    (bytes[..digits].iter().rev().fold(0, |number, byte| (number << 7) | usize::from(byte & 0x7f)), digits)
}

fn custom_section(name: &str, contents: &[u8]) -> Vec<u8> {
    let body = [&[u8::try_from(name.len()).unwrap()], name.as_bytes(), contents].concat();
    [&[0, u8::try_from(body.len()).unwrap()], &body[..]].concat()
}

#[test]
fn profiles_tell_which_samples_resolved_and_what_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("guest.wasm"), wat::parse_str(STRIPPED).unwrap()).unwrap();
    fs::write(folder.path().join("guest.wat"), STRIPPED).unwrap();
    for (guest, exit) in [("guest.wasm", 1), ("guest.wat", 1)] {
        let profile = format!("{guest}.pb.gz");
        let output = wasmscope(folder.path(), &["profile", "-o", &profile, guest]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let json = told(folder.path(), &["--json", "--skip-machine", &profile], exit);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let module = &json["recording"]["modules"][0];
        let samples = module["samples"].as_u64().unwrap();
        assert!(samples > 0);
        let unnamed = module["unnamed"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum::<u64>();
        assert_eq!(module["named"].as_u64().unwrap() + unnamed, samples);
        let has_lines = guest == "guest.wat";
        assert_eq!(module["with_line"].as_u64().unwrap() > samples / 2, has_lines, "{module}");
        assert_eq!(json["recording"]["wanted"], serde_json::json!([module["identity"]]));
        let page = told(folder.path(), &["--skip-machine", &profile], exit);
        assert!(page.contains(module["identity"].as_str().unwrap()) && page.contains("no function"), "{page}");
    }
    let split = repository("examples/guests/split.wasm");
    let output = wasmscope(folder.path(), &["profile", "-o", "good.pb.gz", split.to_str().unwrap(), "3000"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let page = told(folder.path(), &["--skip-machine", "good.pb.gz"], 0);
    assert!(page.contains("functions       100.0% of") && !page.contains("debug files that would help"), "{page}");
}

/// Asserts that the command failed by itself, with one line that names the file and holds `words`.
fn refused(folder: &Path, file: &str, words: &str) {
    let output = wasmscope(folder, &["doctor", "--skip-machine", file]);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.contains(file) && error.contains(words), "{error}");
    assert!(output.stdout.is_empty());
}

#[test]
fn what_is_neither_guest_nor_profile_is_refused_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let wasm = wat::parse_str(STRIPPED).unwrap();
    for (name, bytes, words) in [
        ("empty.wasm", &b""[..], "empty"),
        ("program", b"\x7fELF\x02\x01\x01", "machine code"),
        ("notes.txt", b"some text", "neither WebAssembly nor a profile"),
        ("broken.wat", b"(module (func", "expected"),
        ("cut.wasm", &wasm[..wasm.len() - 3], "offset"),
        ("cut.pb.gz", &[0x1f, 0x8b, 8, 0, 0], "gzip"),
        ("version.wasm", b"\0asm\x09\0\0\0", "version"),
    ] {
        fs::write(folder.path().join(name), bytes).unwrap();
        refused(folder.path(), name, words);
    }
    refused(folder.path(), ".", "directory");
    refused(folder.path(), "missing.wasm", "No such file");
    let huge = fs::File::create(folder.path().join("huge.wasm")).unwrap();
    huge.set_len(1 << 40).unwrap();
    refused(folder.path(), "huge.wasm", "longer than 1.0 GiB");
}

#[test]
fn every_cut_of_a_component_is_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"(component (core module $m (func $a nop) (@custom ".debug_info" "abc") (@custom "name" "\01\02")))"#;
    let whole = wat::parse_str(text).unwrap();
    for length in 0..=whole.len() {
        fs::write(folder.path().join("g.wasm"), &whole[..length]).unwrap();
        let output = wasmscope(folder.path(), &["doctor", "--skip-machine", "g.wasm"]);
        let code = output.status.code().expect("no signal ended it");
        assert!((0..=2).contains(&code), "{length}: {code}");
        assert_eq!(output.stdout.is_empty(), code == 2, "{length}");
    }
}

#[test]
fn names_made_to_trick_a_terminal_are_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"(module (import "\1b[2J" "\e2\80\aex" (func)) (func (export "\0d\07") nop)
        (@custom "sourceMappingURL" "\04\1b[31") (@custom "external_debug_info" "\03a\nb"))"#;
    fs::write(folder.path().join("g.wasm"), wat::parse_str(text).unwrap()).unwrap();
    let page = told(folder.path(), &["--skip-machine", "g.wasm"], 1);
    assert!(page.contains("external_debug_info a\u{fffd}b"), "{page}");
    assert!(page.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{page:?}");
}

#[test]
fn split_units_are_found_or_told() {
    let folder = tempfile::tempdir().unwrap();
    let copy = |from: &str, name: &str| {
        fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
        fs::copy(repository("testkit/guests/split-dwarf").join(from), folder.path().join(name)).unwrap();
    };
    copy("5/split.wasm", "split.wasm");
    let page = told(folder.path(), &["--skip-machine", "split.wasm"], 1);
    same_as_blessed("split-missing.stdout", &page);
    copy("5/obj/main.dwo", "obj/main.dwo");
    let page = told(folder.path(), &["--skip-machine", "split.wasm"], 1);
    let words = page.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("1 of 2 units of split.wasm is split, and its file \"obj/ring.dwo\" was not found"),
        "{page}"
    );
    assert!(words.contains("split units from ./obj/main.dwo"), "{page}");
    copy("other/split.wasm.dwp", "symbols/other.dwp");
    let refused =
        wasmscope(folder.path(), &["doctor", "--skip-machine", "--symbols", "symbols/other.dwp", "split.wasm"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).starts_with("error: symbols/other.dwp is of another build: the id of "));
    let page = told(folder.path(), &["--skip-machine", "--symbols", "symbols", "split.wasm"], 1);
    assert!(!page.contains("another build"), "{page}");
    copy("5/split.wasm.dwp", "split.wasm.dwp");
    let page = told(folder.path(), &["--skip-machine", "split.wasm"], 0);
    same_as_blessed("split-found.stdout", &page);
    let json = told(folder.path(), &["--skip-machine", "--json", "split.wasm"], 0);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let module = &json["guest"]["modules"][0];
    assert_eq!(module["split_files"], serde_json::json!(["./split.wasm.dwp"]));
    let dwarf = &module["debug_information"]["dwarf"];
    let counts = ["units", "split_units", "missing_split_units", "inlined_calls"].map(|key| dwarf[key].as_u64());
    assert_eq!(counts, [Some(2), Some(2), Some(0), Some(7)]);
    let cut = fs::read(folder.path().join("split.wasm.dwp")).unwrap();
    fs::write(folder.path().join("split.wasm.dwp"), &cut[..cut.len() / 2]).unwrap();
    let page = told(folder.path(), &["--skip-machine", "split.wasm"], 1);
    assert!(page.contains("./split.wasm.dwp: malformed at offset 0x") && page.contains("may be cut"), "{page}");
}
