//! The report on a terminal: functions by self time, then the footer.

use std::io::{self, Write};
use std::time::Duration;

use wasmscope_model::{Event, Recording};

use super::display_name::{sanitized, without_beginning, without_middle};
use super::footer::write_footer;
use super::function_totals::{FunctionTotal, function_totals};
use super::losses::percent;
use super::off_cpu::is_worth_showing;
use super::routes::write_routes;

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

/// Writes the functions with the most self time, for each event that there is, then routes if it is of a service, and the footer. Names too long for the
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
    write_routes(recording, &mut out)?;
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
    match totals.len() - rows.len() {
        0 => {}
        1 => writeln!(out, "{:>7} 1 more function", "")?,
        more => writeln!(out, "{:>7} {more} more functions", "")?,
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
