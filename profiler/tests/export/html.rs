//! A second reader of the pages for browsers, written from what they are said to hold: the page's own script is the first.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::Value;
use wasmscope_model::{Event, Recording};
use wasmscope_profiler::diff::{Comparison, Scale, write_diff_html};
use wasmscope_profiler::export::write_html;
use wasmscope_report::SourceExcerpts;

use super::handmade;
use super::viewers::{Seen, add, array, number};

pub fn html(recording: &Recording) -> String {
    let mut out = Vec::new();
    write_html(recording, Event::Cpu, "guest.wasm", &SourceExcerpts::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Reads a page's data.
pub fn data_of(page: &str) -> Value {
    let start = "<script type=\"application/octet-stream\" id=\"data\">";
    let (_, rest) = page.split_once(start).unwrap();
    let packed = BASE64_STANDARD.decode(rest.split_once("</script>").unwrap().0).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Returns the names of the frames from the root to each node.
fn stacks(data: &Value) -> Vec<Vec<&str>> {
    let names = array(&data["functions"]["name"]);
    let functions = array(&data["frames"]["function"]);
    let [depths, frames] = ["depth", "frame"].map(|column| array(&data["nodes"][column]));
    assert_eq!(depths.len(), frames.len());
    let mut path: Vec<&str> = Vec::new();
    let node = |(depth, frame)| {
        assert!(number(depth) <= path.len(), "a node's parent comes before it");
        path.truncate(number(depth));
        path.push(names[number(&functions[number(frame)])].as_str().unwrap());
        path.clone()
    };
    depths.iter().zip(frames).map(node).collect()
}

fn event(data: &Value, index: &Value) -> Event {
    let name = &data["events"][number(index)]["name"];
    Event::ALL.into_iter().find(|event| name == event.name()).unwrap()
}

pub fn of_html(page: &str) -> Seen {
    let data = data_of(page);
    let stacks = stacks(&data);
    let mut seen = Seen::new();
    let [nodes, events, values] = ["node", "event", "value"].map(|column| array(&data["rows"][column]));
    assert!(nodes.len() == events.len() && nodes.len() == values.len());
    for ((node, row_event), value) in nodes.iter().zip(events).zip(values) {
        let event = event(&data, row_event);
        let unit = &data["events"][number(row_event)]["unit"];
        assert_eq!(unit, if event == Event::Cpu { "samples" } else { "nanoseconds" });
        add(&mut seen, event.name(), &stacks[number(node)], number(value) as u64);
    }
    seen
}

/// Value by bucket, thread and row.
type Points = BTreeSet<(u32, u32, u32, u64)>;

#[test]
fn points_of_time_are_those_of_the_recording() {
    let recording = handmade::recording();
    let timeline = recording.timeline.as_ref().unwrap();
    let value = |row: u32, count, amount| match recording.profile.samples[row as usize].event {
        Event::Cpu => count,
        _ => amount,
    };
    let points = timeline.points.iter();
    let expected: Points =
        points.map(|it| (it.bucket, it.thread, it.row, value(it.row, it.count, it.amount))).collect();
    let data = data_of(&html(&recording));
    let columns = ["bucket", "thread", "row", "value"].map(|column| array(&data["timeline"]["points"][column]));
    let mut bucket = 0;
    let seen: Points = (0..columns[0].len())
        .map(|index| {
            let [step, thread, row] = [0, 1, 2].map(|column| u32::try_from(number(&columns[column][index])).unwrap());
            bucket += step;
            (bucket, thread, row, number(&columns[3][index]) as u64)
        })
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(seen, expected);
    assert_eq!(data["timeline"]["bucket"], timeline.bucket_nanos);
}

#[test]
fn equal_recordings_give_equal_pages_that_fetch_nothing() {
    let page = html(&handmade::recording());
    assert_eq!(page, html(&handmade::recording()));
    for fetched in ["src=", "href=", "url(", "@import", "fetch(", "XMLHttpRequest", "import("] {
        assert!(!page.contains(fetched), "{fetched}");
    }
    let policy = page.split_once("Content-Security-Policy\" content=\"").unwrap().1;
    let policy = policy.split_once('"').unwrap().0;
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
}

#[test]
fn a_recording_without_samples_makes_a_page() {
    let empty = handmade::Builder::default().finish();
    assert_eq!(of_html(&html(&empty)), Seen::new());
}

#[test]
fn a_comparison_has_the_time_of_both_sides_on_one_tree() {
    let (before, after) = (handmade::recording(), handmade::recording());
    let compared = Comparison::of(&before, &after, Event::Cpu, Scale::Absolute);
    let mut out = Vec::new();
    write_diff_html(&compared, &before, &after, "a and b", &mut out).unwrap();
    let data = data_of(&String::from_utf8(out).unwrap());
    let [sides, values] = ["before", "value"].map(|column| array(&data["rows"][column]));
    let sum = |side: u64| -> u64 {
        sides.iter().zip(values).filter(|(is_before, _)| **is_before == side).map(|(_, it)| number(it) as u64).sum()
    };
    assert_eq!((sum(0), sum(1)), (after.total_amount(Event::Cpu), before.total_amount(Event::Cpu)));
    assert_eq!(data["events"], serde_json::json!([{ "name": "cpu", "unit": "nanoseconds" }]));
    let comparison = &data["comparison"];
    assert_eq!(comparison["factor"], 1.0);
    assert_eq!((&comparison["own"], &comparison["total"]), (&Value::Array(vec![]), &Value::Array(vec![])));
    assert_eq!(data["timeline"], Value::Null);
}

#[test]
fn sampled_lines_are_shown_from_the_folder_of_sources() {
    let recording = handmade::recording();
    let file = recording.profile.functions.iter().find(|function| !function.file.is_empty()).unwrap().file.clone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file.trim_start_matches('/'));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let text: Vec<String> = (1..=100).map(|line| format!("text of {line}")).collect();
    fs::write(&path, text.join("\n")).unwrap();
    let (sources, problems) = SourceExcerpts::read(&recording, folder.path());
    assert_eq!(problems, []);
    let mut out = Vec::new();
    write_html(&recording, Event::Cpu, "guest.wasm", &sources, &mut out).unwrap();
    let data = data_of(&String::from_utf8(out).unwrap());
    let sources = array(&data["sources"]);
    assert_eq!(sources.len(), 1);
    assert_eq!(data["files"][number(&sources[0][0])], file.as_str());
    let mut lines = 0;
    for excerpt in array(&sources[0][1]) {
        for (line, shown) in (number(&excerpt["first"])..).zip(array(&excerpt["lines"])) {
            assert_eq!(shown, &format!("text of {line}"));
            lines += 1;
        }
    }
    assert!(lines >= 9, "four lines around one at least: {lines}");
}
