//! Components of WASI 0.2 and 0.3, composed ones, and machine code: whole stacks, names and lines as for core modules.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use wasmscope::{CommonOptions, Guest, GuestEnd, GuestRun, SamplerConfig};
use wasmscope_model::{Event, NameOrigin, Place, Recording};
use wasmscope_profiler::export::without_adapters;
use wasmscope_testkit::exclusive::exclusive;
use wasmscope_testkit::guests::{fetched_guest_or_skip, test_guest};

fn quiet() -> CommonOptions {
    let mut options = CommonOptions::new();
    options.wasi.inherit_stdout = Some(false);
    options
}

/// Runs a guest to its end under a dense sampler.
fn recorded(guest: &Guest, run: GuestRun) -> Recording {
    let mut run = GuestRun { wasmtime: quiet(), ..run };
    let session = run.session(true).unwrap().user_cache(false).build().unwrap();
    let ready = run.prepare(&session, guest).unwrap();
    let recorder = session.record(SamplerConfig { rate_hz: 4999, ..SamplerConfig::default() }).unwrap();
    let end = ready.run().unwrap();
    assert!(matches!(end, GuestEnd::Returned(_) | GuestEnd::Exited(0)), "{end:?}");
    recorder.stop().unwrap()
}

fn recorded_file(path: &Path) -> Recording {
    recorded(&Guest::load(path).unwrap(), GuestRun::default())
}

/// Returns the stacks, outermost first and inlined functions included, with their counts.
fn stacks(recording: &Recording) -> Vec<(Vec<String>, u64)> {
    let functions = &recording.profile.functions;
    let rows = recording.rows(Event::Cpu).map(|row| {
        let locations = recording.stack(row.stack).rev();
        let lines = locations.flat_map(|location| location.lines.iter().rev());
        (lines.map(|line| functions[line.function.0 as usize].name.clone()).collect(), row.count)
    });
    rows.collect()
}

/// Returns the share of samples in whose stacks all of `wanted` stand, in this order.
fn share_of(recording: &Recording, wanted: &[&str]) -> f64 {
    let stands = |stack: &[String]| {
        let mut frames = stack.iter();
        wanted.iter().all(|name| frames.any(|frame| frame == name))
    };
    let stacks = stacks(recording);
    let total: u64 = stacks.iter().map(|(_, count)| count).sum();
    let found: u64 = stacks.iter().filter(|(stack, _)| stands(stack)).map(|(_, count)| count).sum();
    found as f64 / total.max(1) as f64
}

/// What the host enters in any component, before and beside its exports: what starts its modules, and what makes room for
/// values. A sample may fall there or not.
const ENTERED_ANYWAY: [&str; 6] =
    ["[wasm trampoline]", "_initialize", "__wasm_call_ctors", "allocate_stack", "cabi_realloc", "cabi_import_realloc"];

/// Asserts that each stack begins where the host enters, or says why it does not.
fn assert_rooted(recording: &Recording, entries: &[&str]) {
    let losses = &recording.losses;
    assert_eq!((losses.outer_unknown, losses.broken_stack, losses.unknown_code), (0, 0, 0), "{losses:?}");
    for (stack, count) in stacks(recording) {
        let root = stack.first().unwrap().as_str();
        assert!(entries.contains(&root) || ENTERED_ANYWAY.contains(&root), "{count} x {stack:?}");
    }
}

/// Returns the file and line of a function's samples.
fn lines_of(recording: &Recording, name: &str) -> Vec<(String, u32)> {
    let profile = &recording.profile;
    let lines = profile.locations.iter().flat_map(|location| &location.lines);
    let of_function = lines.filter(|line| profile.functions[line.function.0 as usize].name == name);
    of_function.map(|line| (profile.functions[line.function.0 as usize].file.clone(), line.line)).collect()
}

#[test]
fn a_command_of_wasi_0_2_shows_names_and_lines_and_folds_its_adapters() {
    let _exclusive = exclusive();
    let recording = recorded_file(&test_guest("waits-p2.wasm"));
    assert_rooted(&recording, &["wasi:cli/run@0.2.12#run"]);
    let burning = share_of(&recording, &["wasi:cli/run@0.2.12#run", "main", "burn"]);
    assert!(burning > 0.9, "{burning}: {:?}", stacks(&recording));
    let lines = lines_of(&recording, "burn");
    assert!(lines.iter().any(|(file, line)| file.ends_with("waits.c") && *line > 0), "{lines:?}");
    // The adapter is there as it is, and as one frame when folded.
    let naps = |name: &str| stacks(&recording).iter().any(|(stack, _)| stack.iter().any(|frame| frame == name));
    assert!(naps("poll_oneoff"), "{:?}", stacks(&recording));
    let folded = without_adapters(&recording);
    assert_eq!(folded.total_amount(Event::Cpu), recording.total_amount(Event::Cpu));
    for (stack, _) in stacks(&folded) {
        assert!(!stack.iter().any(|frame| frame == "poll_oneoff" || frame.starts_with("indirect-")), "{stack:?}");
        assert!(!stack.windows(2).any(|pair| pair[0] == "[adapter]" && pair[1] == "[adapter]"), "{stack:?}");
    }
}

#[test]
fn tasks_of_wasi_0_3_that_wait_beside_one_that_works_leave_its_stacks_whole() {
    let _exclusive = exclusive();
    let recording = recorded_file(&test_guest("waits-p3.wasm"));
    assert_rooted(&recording, &["_callback_run", "export_run"]);
    let burning = share_of(&recording, &["waits_p3::burn_task::{{closure}}", "waits_p3::burn"]);
    assert!(burning > 0.9, "{burning}");
}

#[test]
fn a_synchronous_wait_of_wasi_0_3_is_resumed_with_its_stack() {
    let _exclusive = exclusive();
    let recording = recorded_file(&test_guest("waits-p3-sync.wat"));
    assert_eq!((recording.losses.outer_unknown, recording.losses.broken_stack), (0, 0));
    assert!(share_of(&recording, &["burn"]) > 0.9, "{:?}", stacks(&recording));
}

#[test]
fn a_composed_component_tells_its_parts_apart() {
    let _exclusive = exclusive();
    let recording = recorded_file(&test_guest("composed.wasm"));
    assert_rooted(&recording, &["app_run"]);
    let (library, app) = (
        share_of(&recording, &["app_run", "library_entry", "library_work"]),
        share_of(&recording, &["app_run", "app_work"]),
    );
    assert!((library - 0.7).abs() < 0.04 && (app - 0.3).abs() < 0.04, "{library} {app}");
    // The two modules are two, with identities of their own, and wasmtime's adapter between them is neither.
    let of = |name: &str| {
        let profile = &recording.profile;
        let named = |location: &&wasmscope_model::Location| {
            location.lines.iter().any(|line| profile.functions[line.function.0 as usize].name == name)
        };
        let location = profile.locations.iter().find(named).unwrap();
        match location.place {
            Place::Code(module, _) | Place::Module(module) => profile.modules[module.0 as usize].clone(),
            place => panic!("{name} lies at {place:?}"),
        }
    };
    let (library, app, adapter) = (of("library_work"), of("app_work"), of("[adapter]"));
    assert_ne!(library.identity, app.identity);
    assert!(!library.is_adapter && !app.is_adapter && adapter.is_adapter);
    let folded = without_adapters(&recording);
    assert!(share_of(&folded, &["app_run", "[adapter]", "library_entry"]) > 0.6, "{:?}", stacks(&folded));
}

#[test]
fn machine_code_runs_when_it_is_allowed_and_keeps_wasmtimes_names() {
    let _exclusive = exclusive();
    let source = Guest::load(&test_guest("composed.wasm")).unwrap();
    let mut run = GuestRun { wasmtime: quiet(), ..GuestRun::default() };
    let session = run.session(true).unwrap().user_cache(false).build().unwrap();
    let code = session.engine().precompile_component(source.bytes()).unwrap();
    let folder = std::env::temp_dir().join(format!("wasmscope-precompiled-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("composed.cwasm");
    std::fs::write(&path, code).unwrap();
    let guest = Guest::load(&path).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let refused = run.clone().prepare(&session, &guest).unwrap_err().to_string();
    assert!(refused.contains("--allow-precompiled"), "{refused}");
    let recording = recorded(&guest, GuestRun { allow_precompiled: true, ..run });
    assert!(share_of(&recording, &["app_run", "library_entry", "library_work"]) > 0.6, "{:?}", stacks(&recording));
    assert!(recording.profile.locations.iter().all(|location| !matches!(location.place, Place::Code(..))));
}

#[test]
fn interpreters_in_components_show_their_own_functions() {
    let _exclusive = exclusive();
    for (file, known) in [("py-cmd.wasm", "_PyEval_EvalFrameDefault"), ("js-cmd.wasm", "js::")] {
        let test = "interpreters_in_components_show_their_own_functions";
        let Some(path) = fetched_guest_or_skip(file, test) else { continue };
        let recording = recorded_file(&path);
        assert_eq!((recording.losses.outer_unknown, recording.losses.broken_stack), (0, 0), "{file}");
        let found = stacks(&recording).iter().any(|(stack, _)| stack.iter().any(|frame| frame.contains(known)));
        assert!(found, "{file} shows no {known}");
        let named = recording.profile.locations.iter().filter_map(|location| location.origin);
        let unnamed = named.filter(|origin| matches!(origin.name, NameOrigin::Unnamed(_))).count();
        assert!(unnamed * 20 < recording.profile.locations.len(), "{file}: {unnamed} locations have no name");
    }
}
