//! What the reader of a table is owed about the recording.

use std::collections::BTreeMap;
use std::io::{self, Write};

use wasmscope_model::{EngineKind, Event, LineOrigin, NameOrigin, Recording, RunReport};

use super::display_name::sanitized;
use super::host_calls::write_host_calls;
use super::losses::{percent, samples_text, warnings, weighed};
use super::off_cpu::write_off_cpu;

/// What the thread does whose time is no guest's.
pub(super) const SORTING: &str = "sorting and counting beside the guest";

/// Writes what every output owes its reader: samples, losses by reason, what is unnamed and why, rate, engine, cost.
///
/// # Errors
///
/// When `out` fails.
pub fn write_footer(recording: &Recording, event: Event, mut out: impl Write) -> io::Result<()> {
    let total = recording.total_weight(event);
    write_host_calls(recording, &mut out)?;
    writeln!(out)?;
    writeln!(out, "samples   {}", samples_text(recording))?;
    for (_, words, count) in recording.losses.entries().into_iter().filter(|(_, _, count)| *count > 0) {
        writeln!(out, "          {count} {words}")?;
    }
    for warning in warnings(recording) {
        writeln!(out, "warning   {warning}")?;
    }
    for (reason, count) in without_name(recording, event) {
        writeln!(out, "unnamed   {} ({}): {reason}", with_unit(recording, event, count), percent(count, total))?;
    }
    for (reason, count) in without_line(recording, event) {
        writeln!(out, "lines     {} ({}): {reason}", with_unit(recording, event, count), percent(count, total))?;
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

fn with_unit(recording: &Recording, event: Event, weight: u64) -> String {
    match event {
        Event::Cpu if weighed(recording).is_some() => format!("{weight} periods"),
        _ => format!("{weight} {}", event.weight_unit()),
    }
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
    let [handler, drain] = [run.cost.handler, run.cost.drain].map(|cost| cost.as_secs_f64() * 1e3);
    let share = match cpu.as_secs_f64() * 1e3 {
        millis if millis > 0.0 => format!(" ({:.2}% of the CPU time)", handler * 100.0 / millis),
        _ => String::new(),
    };
    let (taking, besides) = match run.engine {
        EngineKind::Signal => ("in the signal handler", "the kernel's share of a signal is not in this"),
        EngineKind::Epoch => ("taking samples", "what the checks themselves cost the guest is not in this"),
    };
    writeln!(out, "own cost  {handler:.3} ms {taking}{share}, {drain:.3} ms {SORTING}; {besides}")?;
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
