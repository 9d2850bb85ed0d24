//! Readers of the files that viewers open, written from the formats' descriptions and not from our writers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use wasmscope_model::{Event, Recording};
use wasmscope_profiler::export::{write_firefox, write_perfetto, write_speedscope};

/// Self and total by name.
pub type Totals = BTreeMap<String, (u64, u64)>;

/// By event: the sum of all samples, and the totals. Time on the CPU is counted in samples, other time in nanoseconds.
pub type Seen = BTreeMap<&'static str, (u64, Totals)>;

/// Adds a stack, outermost frame first.
pub fn add(seen: &mut Seen, event: &'static str, stack: &[&str], weight: u64) {
    let (sum, totals) = seen.entry(event).or_default();
    *sum += weight;
    let mut counted = BTreeSet::new();
    for (depth, frame) in stack.iter().rev().enumerate() {
        let sums = totals.entry((*frame).to_owned()).or_default();
        sums.0 += if depth == 0 { weight } else { 0 };
        sums.1 += if counted.insert(frame) { weight } else { 0 };
    }
}

pub fn of_recording(recording: &Recording) -> Seen {
    let mut seen = Seen::new();
    for row in &recording.profile.samples {
        let lines = recording.stack(row.stack).flat_map(|location| &location.lines);
        let names = lines.map(|line| &*recording.profile.functions[line.function.0 as usize].name);
        let mut stack: Vec<&str> = names.collect();
        stack.reverse();
        add(&mut seen, row.event.name(), &stack, if row.event == Event::Cpu { row.count } else { row.amount });
    }
    seen
}

/// Threads and the like are named after their event, unless it is time on the CPU.
fn event_of(name: &str) -> &'static str {
    let off_cpu = [Event::Wait, Event::Ready].into_iter().find(|event| name.ends_with(&format!(" ({event})")));
    off_cpu.unwrap_or(Event::Cpu).name()
}

pub fn firefox(recording: &Recording) -> Value {
    let mut out = Vec::new();
    write_firefox(recording, Event::Cpu, "guest.wasm", &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

pub fn speedscope(recording: &Recording) -> Value {
    let mut out = Vec::new();
    write_speedscope(recording, Event::Cpu, "guest.wasm", &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

pub fn perfetto(recording: &Recording) -> Value {
    let mut out = Vec::new();
    write_perfetto(recording, Event::Cpu, "guest.wasm", &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

pub fn array(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value} is no array"))
}

pub fn number(value: &Value) -> usize {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number")).try_into().unwrap()
}

pub fn float(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Returns a table's column, which must be as long as the table says.
pub fn column<'v>(table: &'v Value, name: &str) -> &'v [Value] {
    let column = array(&table[name]);
    assert_eq!(column.len(), number(&table["length"]), "{name}");
    column
}

pub fn of_firefox(profile: &Value) -> Seen {
    let mut seen = Seen::new();
    for thread in array(&profile["threads"]) {
        let strings = array(&thread["stringArray"]);
        let [prefix, frame] = ["prefix", "frame"].map(|name| column(&thread["stackTable"], name));
        let function = column(&thread["frameTable"], "func");
        let name = column(&thread["funcTable"], "name");
        let stack_of = |node: &Value| {
            let mut stack = Vec::new();
            let mut node = Some(number(node));
            while let Some(index) = node {
                stack.push(strings[number(&name[number(&function[number(&frame[index])])])].as_str().unwrap());
                node = (!prefix[index].is_null()).then(|| number(&prefix[index]));
                assert!(node.is_none_or(|parent| parent < index), "a node follows its parent");
            }
            stack.reverse();
            stack
        };
        let samples = &thread["samples"];
        let times = column(samples, "time");
        assert!(times.windows(2).all(|pair| float(&pair[0]) <= float(&pair[1])), "{times:?}");
        let event = event_of(thread["name"].as_str().unwrap());
        let unit = if event == "cpu" { "samples" } else { "tracing-ms" };
        assert_eq!(samples["weightType"], unit);
        for (stack, weight) in column(samples, "stack").iter().zip(column(samples, "weight")) {
            let weight = float(weight) * if event == "cpu" { 1.0 } else { 1e6 };
            if stack.is_null() {
                assert_eq!(weight, 0.0, "what has a weight has a stack");
            } else {
                add(&mut seen, event, &stack_of(stack), weight.round() as u64);
            }
        }
    }
    seen
}

/// `period` is the time that a sample on the CPU stands for.
pub fn of_speedscope(file: &Value, period: u64) -> Seen {
    let frames = array(&file["shared"]["frames"]);
    let mut seen = Seen::new();
    for profile in array(&file["profiles"]) {
        assert_eq!((&profile["type"], &profile["unit"]), (&"sampled".into(), &"nanoseconds".into()));
        let event = event_of(profile["name"].as_str().unwrap());
        let [samples, weights] = ["samples", "weights"].map(|name| array(&profile[name]));
        assert_eq!(samples.len(), weights.len());
        assert!(samples.windows(2).all(|pair| pair[0] != pair[1]), "equal stacks are joined");
        let sum: usize = weights.iter().map(number).sum();
        assert_eq!(number(&profile["endValue"]) - number(&profile["startValue"]), sum);
        for (stack, weight) in samples.iter().zip(weights) {
            let names = array(stack).iter().map(|frame| frames[number(frame)]["name"].as_str().unwrap());
            let weight = number(weight) as u64;
            let weight = if event == "cpu" { weight / period } else { weight };
            add(&mut seen, event, &names.collect::<Vec<_>>(), weight);
        }
    }
    seen
}

pub fn of_perfetto(trace: &Value) -> Seen {
    let mut seen = Seen::new();
    let mut threads: BTreeMap<usize, &'static str> = BTreeMap::new();
    // By thread: the names of open slices, and when the last event was.
    let mut open: BTreeMap<usize, (Vec<&str>, f64)> = BTreeMap::new();
    for event in array(&trace["traceEvents"]) {
        let tid = number(&event["tid"]);
        let name = event["name"].as_str().unwrap_or_default();
        let (stack, before) = open.entry(tid).or_default();
        match event["ph"].as_str().unwrap() {
            "M" if name == "thread_name" => {
                threads.insert(tid, event_of(event["args"]["name"].as_str().unwrap()));
            }
            "B" => stack.push(name),
            "E" => {
                let unit = if threads[&tid] == "cpu" { "samples" } else { "nanoseconds" };
                let whole = number(&event["args"][unit]) as u64;
                let own = event["args"]["self"].as_u64().unwrap_or(0);
                let ended = stack.pop().expect("what ends has begun");
                let (sum, totals) = seen.entry(threads[&tid]).or_default();
                *sum += if stack.is_empty() { whole } else { 0 };
                let sums = totals.entry(ended.to_owned()).or_default();
                sums.0 += own;
                sums.1 += if stack.contains(&ended) { 0 } else { whole };
            }
            _ => continue,
        }
        if !event["ts"].is_null() {
            assert!(float(&event["ts"]) >= *before, "{event} is before {before}");
            *before = float(&event["ts"]);
        }
    }
    assert!(open.values().all(|(stack, _)| stack.is_empty()), "every slice ends");
    seen
}
