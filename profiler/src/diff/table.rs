//! The comparison on a terminal.

use std::io::{self, Write};
use std::time::Duration;

use wasmscope_model::{ByteSize, Event};

use super::scale::Scale;
use super::{Change, Comparison, FunctionChange, Verdict};
use crate::export::{sanitized, shortened};

/// How much of a comparison is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DiffLayout {
    /// Functions listed, at most.
    pub rows: usize,
    /// Characters in a line of the list.
    pub columns: usize,
    /// Whether stacks are listed as well.
    pub stacks: bool,
}

/// Writes the functions that changed most, and how the comparison was made. Differences that chance may have made are
/// marked with `~`, and come last.
///
/// # Errors
///
/// When `out` fails.
pub fn write_diff_table(comparison: &Comparison, layout: DiffLayout, mut out: impl Write) -> io::Result<()> {
    let event = comparison.event;
    if comparison.all.before == 0.0 && comparison.all.after == 0.0 {
        return writeln!(out, "no {event} samples in either recording");
    }
    let differs = |f: &&FunctionChange| f.own.difference().abs() >= 1.0 || f.total.verdict != Verdict::Noise;
    let functions: Vec<_> = comparison.functions.iter().filter(differs).collect();
    writeln!(
        out,
        "{:>9} {:>10} {:>10}  {:>9} {:>10} {:>10}  function",
        "self", "before", "after", "total", "before", "after"
    )?;
    for function in functions.iter().take(layout.rows) {
        let [own, total] = [&function.own, &function.total].map(|change| columns(event, change));
        let name = sanitized(&function.name);
        let place = if function.file.is_empty() { String::new() } else { format!("  {}", sanitized(&function.file)) };
        let room = layout.columns.saturating_sub(NUMBERS + place.chars().count()).max(LEAST_NAME);
        writeln!(out, "{own}  {total}  {}{place}", shortened(&name, room))?;
    }
    let noise =
        comparison.functions.iter().filter(|f| f.own.verdict == Verdict::Noise && f.total.verdict == Verdict::Noise);
    let noise = noise.count();
    let left = functions.len().saturating_sub(layout.rows);
    if left > 0 {
        let functions = if left == 1 { "function" } else { "functions" };
        writeln!(out, "{:>9} {left} more {functions}", "")?;
    }
    if layout.stacks {
        write_stacks(comparison, layout, &mut out)?;
    }
    writeln!(out)?;
    let changed = comparison.functions.len() - noise;
    writeln!(
        out,
        "changed   {changed} of {} functions; ~ marks what chance may have made",
        comparison.functions.len()
    )?;
    write_basis(comparison, out)
}

/// Characters that the columns of numbers take.
const NUMBERS: usize = 66;
const LEAST_NAME: usize = 16;

fn write_stacks(comparison: &Comparison, layout: DiffLayout, mut out: impl Write) -> io::Result<()> {
    writeln!(out)?;
    writeln!(out, "{:>9} {:>10} {:>10}  stack", "change", "before", "after")?;
    let differing = comparison.stacks.iter().filter(|stack| stack.change.difference().abs() >= 1.0);
    for stack in differing.take(layout.rows) {
        let names: Vec<_> = stack.frames.iter().map(|name| sanitized(name)).collect();
        writeln!(out, "{}  {}", columns(comparison.event, &stack.change), names.join(";"))?;
    }
    Ok(())
}

fn columns(event: Event, change: &Change) -> String {
    let growth = match change.growth() {
        _ if change.before == 0.0 && change.after == 0.0 => "-".to_owned(),
        None => "new".to_owned(),
        Some(growth) if growth <= -1.0 => "gone".to_owned(),
        Some(growth) if growth >= 10.0 => format!("x{:.0}", growth + 1.0),
        Some(growth) => format!("{:+.1}%", growth * 100.0),
    };
    let mark = if change.verdict == Verdict::Noise && growth != "-" { "~" } else { "" };
    let [before, after] = [change.before, change.after].map(|amount| amount_text(event, amount));
    format!("{:>9} {before:>10} {after:>10}", format!("{mark}{growth}"))
}

fn amount_text(event: Event, amount: f64) -> String {
    match event {
        Event::Alloc | Event::Live => ByteSize::new(amount as u64).to_string(),
        _ if amount < 1.0 => "0".to_owned(),
        _ => format!("{:.1?}", Duration::from_nanos(amount as u64)),
    }
}

fn write_basis(comparison: &Comparison, mut out: impl Write) -> io::Result<()> {
    let Comparison { event, pace, all, .. } = comparison;
    let [before, after] = [all.before / pace.factor, all.after].map(|amount| amount_text(*event, amount));
    writeln!(
        out,
        "{:<8}  {before} before ({:.0} samples), {after} after ({:.0} samples)",
        event.name(),
        all.samples_before,
        all.samples_after
    )?;
    let factor = pace.factor;
    match pace.scale {
        Scale::Typical => writeln!(
            out,
            "pace      before is scaled by {factor:.3}, by which the typical function grew; what changes everything alike does \
             not show"
        )?,
        Scale::Share => writeln!(out, "pace      before is scaled by {factor:.3}: shares of the whole are compared")?,
        Scale::Absolute => writeln!(out, "pace      times as they are; another machine or load shows as a change")?,
    }
    if !comparison.counts_known {
        writeln!(out, "note      a file does not tell its number of samples, so nothing can be told from chance")?;
    }
    Ok(())
}
