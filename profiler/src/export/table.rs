//! The report on a terminal: functions by self time, and what the reader is owed about the recording.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use wasmscope_model::{EngineKind, Event, LineOrigin, NameOrigin, Recording, RunReport};

use super::display_name::{sanitized, without_beginning, without_middle};
use super::function_totals::{FunctionTotal, function_totals};
use super::off_cpu::{is_worth_showing, write_off_cpu};

/// How much room a table takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TableLayout {
    /// Functions listed, at most.
    pub rows: usize,
    /// Characters in a line of the list, as long as names and places are left some; the footer's lines may be longer.
    pub columns: usize,
}

impl Default for TableLayout {
    fn default() -> Self {
        Self { rows: 20, columns: 144 }
    }
}

impl TableLayout {
    /// Returns the characters for the name and for the place: what the four columns of numbers leave.
    fn text_widths(&self) -> (usize, usize) {
        const NUMBERS: usize = 39;
        const LEAST: usize = 16;
        let room = self.columns.saturating_sub(NUMBERS);
        let name = (room * 6 / 11).max(LEAST);
        (name, room.saturating_sub(name).max(LEAST))
    }
}

/// Writes the functions with the most self time, for each event that there is, then the footer. Names too long for the
/// layout lose their middle, places their beginning.
///
/// Of an event that is not the first, less than a hundredth of the recording's time is told in the footer only.
///
/// # Errors
///
/// When `out` fails.
pub fn write_table(
    recording: &Recording,
    events: &[Event],
    layout: TableLayout,
    mut out: impl Write,
) -> io::Result<()> {
    let first = events.first().copied().unwrap_or(Event::Cpu);
    write_functions(recording, first, layout, &mut out)?;
    for event in events.iter().skip(1).filter(|event| is_worth_showing(recording, **event)) {
        writeln!(out)?;
        write_functions(recording, *event, layout, &mut out)?;
    }
    write_footer(recording, first, out)
}

fn write_functions(recording: &Recording, event: Event, layout: TableLayout, mut out: impl Write) -> io::Result<()> {
    let total = recording.total_weight(event);
    if total == 0 {
        let why = match event {
            Event::Cpu => "the guest ran too briefly for the rate, or used no CPU",
            Event::Wait | Event::Ready => "the guest was never off the CPU, or that was not recorded",
            Event::Alloc | Event::Live => "that was not recorded",
        };
        return writeln!(out, "no {event} samples: {why}");
    }
    let totals = function_totals(recording, event);
    let listed = totals.iter().take(layout.rows);
    let rows: Vec<Row> = listed.map(|function| Row::new(recording, event, function, total, layout)).collect();
    let width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).max(8);
    let function = if event == Event::Cpu { "function".to_owned() } else { format!("{event} in") };
    writeln!(out, "{:>7} {:>9} {:>7} {:>9}  {function:<width$}  file:line", "self%", "self", "total%", "total")?;
    for row in &rows {
        let Row { own_share, own, total_share, total, name, place } = row;
        let line = format!("{own_share:>7} {own:>9} {total_share:>7} {total:>9}  {name:<width$}  {place}");
        writeln!(out, "{}", line.trim_end())?;
    }
    if totals.len() > rows.len() {
        writeln!(out, "{:>7} {} more functions", "", totals.len() - rows.len())?;
    }
    if rows.iter().any(|row| row.place.contains(":~")) {
        writeln!(out, "~ the line is approximate: the compiler dropped the origin of most instructions there")?;
    }
    Ok(())
}

/// Returns a weight as a table shows it.
fn weight_text(event: Event, weight: u64) -> String {
    match event {
        Event::Wait | Event::Ready if weight > 0 => format!("{:.1?}", Duration::from_micros(weight)),
        _ => weight.to_string(),
    }
}

struct Row {
    own_share: String,
    own: String,
    total_share: String,
    total: String,
    name: String,
    place: String,
}

impl Row {
    fn new(recording: &Recording, event: Event, totals: &FunctionTotal, all: u64, layout: TableLayout) -> Self {
        let (name_width, place_width) = layout.text_widths();
        let function = recording.profile.functions.get(totals.function.0 as usize);
        let name = function.map(|function| sanitized(&function.name).into_owned()).unwrap_or_default();
        let file = function.map(|function| sanitized(&function.file).into_owned()).unwrap_or_default();
        let mark = if totals.approximate { "~" } else { "" };
        let place = match (file.is_empty(), totals.hottest_line) {
            (true, _) => String::new(),
            (false, 0) => file,
            (false, line) => format!("{file}:{mark}{line}"),
        };
        Self {
            own_share: percent(totals.own, all),
            own: weight_text(event, totals.own),
            total_share: percent(totals.total, all),
            total: weight_text(event, totals.total),
            name: without_middle(&name, name_width).into_owned(),
            place: without_beginning(&place, place_width).into_owned(),
        }
    }
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.1}%", part as f64 * 100.0 / whole.max(1) as f64)
}

/// Writes what every output owes its reader: samples, losses by reason, what is unnamed and why, rate, engine, cost.
///
/// # Errors
///
/// When `out` fails.
pub fn write_footer(recording: &Recording, event: Event, mut out: impl Write) -> io::Result<()> {
    let total = recording.total_weight(event);
    write_host_calls(recording, &mut out)?;
    writeln!(out)?;
    let samples = recording.total_count(Event::Cpu);
    writeln!(out, "samples   {samples} {}, {} lost", Event::Cpu, recording.losses.lost_samples())?;
    for (_, words, count) in recording.losses.entries().into_iter().filter(|(_, _, count)| *count > 0) {
        writeln!(out, "          {count} {words}")?;
    }
    for (reason, count) in without_name(recording, event) {
        writeln!(out, "unnamed   {} ({}): {reason}", with_unit(event, count), percent(count, total))?;
    }
    for (reason, count) in without_line(recording, event) {
        writeln!(out, "lines     {} ({}): {reason}", with_unit(event, count), percent(count, total))?;
    }
    write_off_cpu(recording, &mut out)?;
    for note in &recording.notes {
        writeln!(out, "note      {}", sanitized(note))?;
    }
    if let Some(run) = &recording.run {
        write_run(run, out)?;
    }
    Ok(())
}

fn with_unit(event: Event, weight: u64) -> String {
    format!("{weight} {}", event.weight_unit())
}

/// Host functions listed, at most.
const MAX_HOST_CALLS: usize = 10;

/// Writes how often, and how long, the host was called.
fn write_host_calls(recording: &Recording, mut out: impl Write) -> io::Result<()> {
    let calls = &recording.host_calls;
    if calls.is_empty() {
        return Ok(());
    }
    let columns = ["calls", "total", "p99", "max"];
    let [count, total, p99, max] = columns;
    writeln!(out)?;
    writeln!(out, "{count:>9} {total:>9} {p99:>9} {max:>9}  host function, waiting included")?;
    for calls in calls.iter().take(MAX_HOST_CALLS) {
        let [total, p99, max] = [calls.total, calls.p99, calls.max].map(|time| format!("{time:.1?}"));
        writeln!(out, "{:>9} {total:>9} {p99:>9} {max:>9}  {}", calls.count, sanitized(&calls.name))?;
    }
    if calls.len() > MAX_HOST_CALLS {
        writeln!(out, "{:>9} more host functions", calls.len() - MAX_HOST_CALLS)?;
    }
    Ok(())
}

fn write_run(run: &RunReport, mut out: impl Write) -> io::Result<()> {
    let achieved = run.achieved_hz().map_or(String::new(), |hz| format!(", {hz:.0} per second of CPU time achieved"));
    let threads = if run.threads == 1 { "thread" } else { "threads" };
    writeln!(out, "rate      {} Hz asked for{achieved}, {} {threads}", run.rate_hz, run.threads)?;
    writeln!(out, "engine    {}, {} ({})", run.engine.name(), run.timer, sanitized(&run.timer_reason))?;
    if let Some(bias) = run.engine.bias() {
        writeln!(out, "          {bias}")?;
    }
    let cpu = run.cpu.unwrap_or_default();
    let cpu_text = run.cpu.map_or(String::new(), |cpu| format!(", {:.2} s CPU", cpu.as_secs_f64()));
    writeln!(out, "time      {:.2} s wall{cpu_text}", run.duration.as_secs_f64())?;
    let share = |cost: std::time::Duration| match cpu.as_secs_f64() {
        seconds if seconds > 0.0 => format!(" ({:.2}%)", cost.as_secs_f64() * 100.0 / seconds),
        _ => String::new(),
    };
    let (handler, drain) = (run.cost.handler, run.cost.drain);
    let (taking, besides) = match run.engine {
        EngineKind::Signal => ("in the signal handler", "; the kernel's share of a signal is not in this"),
        EngineKind::Epoch => ("taking samples", "; what the checks themselves cost the guest is not in this"),
    };
    writeln!(
        out,
        "own cost  {:.3} ms {taking}{}, {:.3} ms draining{}{besides}",
        handler.as_secs_f64() * 1e3,
        share(handler),
        drain.as_secs_f64() * 1e3,
        share(drain),
    )?;
    for note in &run.notes {
        writeln!(out, "note      {}", sanitized(note))?;
    }
    Ok(())
}

/// Counts samples whose innermost function has no name, by reason.
fn without_name(recording: &Recording, event: Event) -> BTreeMap<String, u64> {
    let mut reasons = BTreeMap::new();
    for row in recording.rows(event) {
        let leaf = recording.stack(row.stack).next().and_then(|location| location.origin);
        if let Some(NameOrigin::Unnamed(why)) = leaf.map(|origin| origin.name) {
            add(&mut reasons, why.to_string(), row.weight());
        }
    }
    reasons
}

/// Counts samples whose innermost guest frame has no line or only an approximate one, by reason.
fn without_line(recording: &Recording, event: Event) -> BTreeMap<String, u64> {
    let mut reasons = BTreeMap::new();
    for row in recording.rows(event) {
        let leaf = recording.stack(row.stack).next().and_then(|location| location.origin);
        let reason = match leaf.map(|origin| (origin.line, origin.name)) {
            Some((LineOrigin::Missing(why), name)) if !matches!(name, NameOrigin::Marker | NameOrigin::Import) => {
                format!("none: {why}")
            }
            Some((LineOrigin::Approximate, _)) => "approximate: nearest instruction of the function".to_owned(),
            _ => continue,
        };
        add(&mut reasons, reason, row.weight());
    }
    reasons
}

fn add(reasons: &mut BTreeMap<String, u64>, reason: String, count: u64) {
    let sum = reasons.entry(reason).or_default();
    *sum = sum.saturating_add(count);
}
