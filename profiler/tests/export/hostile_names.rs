//! Names that try to break out of the output they stand in.

use serde_json::Value;
use wasmscope_model::{Event, LineOrigin, PcKind, Recording};
use wasmscope_profiler::export::{TableLayout, write_folded, write_pprof, write_svg, write_table};

use wasmscope_profiler::import::read_pprof;

use super::handmade::{Builder, PERIOD_NANOS};
use super::{html, viewers};

const HOSTILE: [&str; 12] = [
    "</script><script>alert(1)</script>",
    "]]><script>alert(1)</script><![CDATA[",
    "\" onload=\"alert(1)",
    "&lt;&#0;&",
    "\x1b[2J\x1b]0;owned\x07",
    "evil\u{202e}gpj.exe\u{2066}",
    "line\nsample 999\r\n",
    "a;b;c 12",
    "trailing 12",
    "\u{e000}src/fake.c:1\u{e000}</title>",
    "",
    "\0\u{9b}31m\u{feff}\u{200b}",
];

fn recording() -> Recording {
    let mut builder = Builder::default();
    for (index, name) in (0..).zip(HOSTILE) {
        let chain = [(name, name, 3), (HOSTILE[(index as usize + 1) % HOSTILE.len()], name, 9)];
        let location = builder.code(index, PcKind::Interrupted, LineOrigin::Approximate, &chain);
        builder.sample(&[location, location], 1);
    }
    let mut recording = builder.finish();
    recording.notes = HOSTILE.map(str::to_owned).to_vec();
    if let Some(run) = &mut recording.run {
        run.notes = HOSTILE.map(str::to_owned).to_vec();
        run.timer_reason = HOSTILE.concat();
    }
    recording
}

fn harmful(text: &str) -> Option<char> {
    let allowed = |c: &char| *c != '\n' && *c != '\u{fffd}';
    text.chars().filter(allowed).find(|c| {
        c.is_control()
            || matches!(*c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
    })
}

#[test]
fn the_table_moves_no_cursor_and_keeps_its_lines() {
    let mut out = Vec::new();
    write_table(&recording(), &[Event::Cpu], TableLayout { rows: 100, ..TableLayout::default() }, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(harmful(&text), None);
    assert!(!text.lines().any(|line| line.starts_with("sample 999")));
}

#[test]
fn folded_lines_keep_their_frames_and_counts() {
    let mut out = Vec::new();
    write_folded(&recording(), Event::Cpu, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(harmful(&text), None);
    for line in text.lines() {
        let (stack, count) = line.rsplit_once(' ').unwrap();
        assert_eq!((stack.split(';').count(), count), (4, "1"), "{line}");
        assert!(stack.split(';').all(|frame| !frame.is_empty()));
    }
    assert_eq!(text.lines().count(), HOSTILE.len());
}

#[test]
fn the_flame_graph_has_no_element_or_attribute_that_a_name_made() {
    let mut out = Vec::new();
    write_svg(&recording(), Event::Cpu, HOSTILE[0], &mut out).unwrap();
    let svg = String::from_utf8(out).unwrap();
    assert_eq!(svg.matches("<script").count(), 1, "inferno's own");
    assert_eq!(svg.matches("alert(1)</").count(), 0);
    assert_eq!(svg.matches(" onload=\"").count(), 1, "inferno's own");
    let frames = &svg[svg.find("<svg id=\"frames\"").unwrap()..];
    assert_eq!(harmful(frames), None);
    assert!(!svg.contains('\u{e000}'));
    let titles = frames.matches("<title>").count();
    assert_eq!((titles, frames.matches("</title>").count()), (titles, titles));
    assert!(frames.split("<title>").skip(1).all(|title| title.contains("sample")), "each ends in its count");
}

/// Finds the first harmful character in any text of a JSON file, keys included.
fn harmful_in(value: &Value) -> Option<char> {
    match value {
        Value::String(text) => harmful(text),
        Value::Array(elements) => elements.iter().find_map(harmful_in),
        Value::Object(fields) => fields.iter().find_map(|(key, value)| harmful(key).or_else(|| harmful_in(value))),
        _ => None,
    }
}

#[test]
fn the_page_has_no_element_that_a_name_made() {
    let mut recording = recording();
    recording.profile.modules[0].name = HOSTILE.concat();
    let mut out = Vec::new();
    let folder = tempfile::tempdir().unwrap();
    let sources = wasmscope_report::SourceExcerpts::read(&recording, folder.path()).0;
    wasmscope_profiler::export::write_html(&recording, Event::Cpu, &HOSTILE.concat(), &sources, &mut out).unwrap();
    let page = String::from_utf8(out).unwrap();
    assert_eq!(harmful(&page), None);
    assert_eq!(page.matches("<script").count(), 2, "the data and the page's own");
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(!page.contains("alert(1)</"));
    assert_eq!(page.matches(" onload=\"").count(), 0);
    assert_eq!(harmful_in(&html::data_of(&page)), None);
    assert_eq!(html::of_html(&page)["cpu"].0, HOSTILE.len() as u64);
}

#[test]
fn files_for_viewers_have_only_harmless_text_and_every_sample() {
    let mut recording = recording();
    recording.profile.modules[0].name = HOSTILE.concat();
    recording.profile.modules[0].build_id = HOSTILE.concat();
    for (calls, name) in recording.host_calls.iter_mut().zip(HOSTILE) {
        name.clone_into(&mut calls.name);
    }
    for thread in recording.timeline.iter_mut().flat_map(|timeline| &mut timeline.threads) {
        thread.name = HOSTILE.concat();
    }
    let files = [viewers::firefox(&recording), viewers::speedscope(&recording), viewers::perfetto(&recording)];
    for file in &files {
        assert_eq!(harmful_in(file), None);
    }
    let [firefox, speedscope, perfetto] = &files;
    let counts = [
        viewers::of_firefox(firefox)["cpu"].0,
        viewers::of_speedscope(speedscope, PERIOD_NANOS)["cpu"].0,
        viewers::of_perfetto(perfetto)["cpu"].0,
    ];
    assert_eq!(counts, [HOSTILE.len() as u64; 3]);
}

#[test]
fn the_profile_keeps_names_as_they_are() {
    let mut file = Vec::new();
    write_pprof(&recording(), &mut file).unwrap();
    let read = read_pprof(&file).unwrap();
    assert_eq!(read.profile.functions, recording().profile.functions);
}
