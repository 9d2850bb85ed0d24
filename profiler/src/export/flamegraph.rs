//! Flame graphs as SVG, drawn by inferno.

use std::fmt::Write as _;
use std::io::Write;

use inferno::flamegraph::color::{BackgroundColor, Color, MultiPalette, Palette, PaletteMap};
use inferno::flamegraph::{self, Direction, Options, TextTruncateDirection};
use rustc_hash::FxHashMap;
use wasmscope_model::{Event, Function, FunctionId, Location, Marker, Place, Recording};

use super::ExportError;
use super::display_name::sanitized;
use super::folded::{NO_STACK, frame_name};
use super::function_totals::function_totals;
use super::losses::{lost_text, weighed};
use super::off_cpu::off_cpu_text;
use super::word_stacks::WordStacks;

/// inferno chooses a frame's colour by these ends, and does not show them.
const GUEST: &str = "_[j]";
const INLINED: &str = "_[i]";
const NOT_GUEST: &str = "_[k]";

/// What is code of neither the guest nor the host stands back.
const GREY: Color = Color { r: 190, g: 190, b: 190 };

/// Parts a frame's name, which is drawn, from its place, which shows on hover. A private character that names lose.
const HOVER: char = '\u{e000}';

/// How inferno's script gets the drawn text from the hover text, and how ours does: the first line of it.
const DRAWN: &str = r#".replace(/\([^(]*\)$/,"")"#;
const DRAWN_FIRST_LINE: &str = r#".replace(/\n[^]*$|\([^(]*\)$/,"")"#;

/// With more different stacks than these, frames that nobody could see are left out, and the subtitle says so.
const MAX_STACKS_DRAWN_WHOLE: usize = 5000;
const MIN_WIDTH_PERCENT: f64 = 0.05;

/// The picture's drawer holds all stacks in words.
pub(crate) const MAX_TEXT_BYTES: u64 = 256 << 20;

/// Which way a flame graph stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum FlameLayout {
    /// The outermost functions at the bottom.
    #[default]
    Flame,
    /// The outermost functions at the top.
    Icicle,
    /// The innermost functions at the bottom, and above each its callers.
    Reversed,
}

/// Writes a flame graph with the outermost functions at the bottom, see [`write_flame_graph`].
///
/// # Errors
///
/// As [`write_flame_graph`].
pub fn write_svg(recording: &Recording, event: Event, title: &str, out: impl Write) -> Result<(), ExportError> {
    write_flame_graph(recording, event, FlameLayout::Flame, title, out)
}

/// Writes a flame graph. Frames of one function merge; on hover each tells its file and its hottest line.
///
/// Green frames are guest functions, blue ones were inlined, orange ones are host calls, and grey ones what is neither, such
/// as `[adapter]`.
///
/// # Errors
///
/// [`ExportError::Empty`] when there is no sample of the event, and [`ExportError::TooLarge`] when its stacks cannot be drawn
/// in bounded memory; nothing is written then.
pub fn write_flame_graph(
    recording: &Recording,
    event: Event,
    layout: FlameLayout,
    title: &str,
    mut out: impl Write,
) -> Result<(), ExportError> {
    let labels = labels(recording, event);
    let label = |function| labels.get(&function).map_or("[unnamed]", String::as_str).to_owned();
    let no_stack = format!("{NO_STACK}{NOT_GUEST}");
    let mut stacks = WordStacks::new(recording, event, label, colour, &no_stack);
    let count = stacks.len();
    if count == 0 {
        return Err(ExportError::Empty);
    }
    if layout == FlameLayout::Reversed {
        stacks.reverse();
    }
    if count > MAX_STACKS_DRAWN_WHOLE {
        stacks.cut_light_frames((recording.total_weight(event) as f64 * MIN_WIDTH_PERCENT / 100.0) as u64);
    }
    if stacks.bytes() > MAX_TEXT_BYTES {
        return Err(ExportError::TooLarge { limit: MAX_TEXT_BYTES });
    }
    let folded: Vec<String> = stacks.written_out().map(|(stack, count)| format!("{stack} {count}")).collect();
    let mut options = Options::default();
    options.title = sanitized(title).replace(HOVER, "\u{fffd}");
    options.subtitle = Some(subtitle(recording, event, layout, count));
    options.colors = Palette::Multi(MultiPalette::Java);
    options.bgcolors = Some(BackgroundColor::Grey);
    let mut colors = colors_of_markers();
    options.palette_map = Some(&mut colors);
    options.hash = true;
    options.deterministic = true;
    options.count_name = event.weight_unit().to_owned();
    // A generic family stays one: inferno puts anything else between quotes, as one name.
    options.font_type = "monospace".to_owned();
    options.min_width = if count > MAX_STACKS_DRAWN_WHOLE { MIN_WIDTH_PERCENT } else { 0.0 };
    options.direction = if layout == FlameLayout::Icicle { Direction::Inverted } else { Direction::Straight };
    options.text_truncate_direction = TextTruncateDirection::Right;
    let mut svg = Vec::new();
    flamegraph::from_lines(&mut options, folded.iter().map(String::as_str), &mut svg)
        .map_err(|error| ExportError::Io(std::io::Error::other(error.to_string())))?;
    let svg = String::from_utf8(svg).map_err(|error| ExportError::Io(std::io::Error::other(error.to_string())))?;
    out.write_all(with_places_on_hover(&svg).as_bytes())?;
    Ok(out.flush()?)
}

/// Gives each marker but that of the host its colour, by what a frame of it is called in the folded stacks.
fn colors_of_markers() -> PaletteMap {
    let mut colors = PaletteMap::default();
    for marker in Marker::ALL.into_iter().filter(|marker| *marker != Marker::Host) {
        colors.insert(format!("{}{HOVER}{NOT_GUEST}", marker.label()), GREY);
    }
    colors.insert(format!("{NO_STACK}{NOT_GUEST}"), GREY);
    colors
}

/// Moves what follows [`HOVER`] to a second line of a frame's hover text, and takes it out of its drawn text.
fn with_places_on_hover(svg: &str) -> String {
    let mut parts = svg.split(HOVER);
    let mut text = parts.next().unwrap_or_default().replace(DRAWN, DRAWN_FIRST_LINE);
    for part in parts {
        let end_of_text = part.find('<').unwrap_or(part.len());
        let (place, rest) = part.split_at(end_of_text);
        if rest.starts_with("</title>") {
            text.push('\n');
            text.push_str(place.trim_start());
        }
        text.push_str(rest);
    }
    text
}

fn subtitle(recording: &Recording, event: Event, layout: FlameLayout, stacks: usize) -> String {
    let mut text = match event {
        Event::Cpu => match (recording.total_count(event), weighed(recording)) {
            (periods, Some(taken)) => format!("{taken} for {periods} {event} periods"),
            (samples, None) => format!("{samples} {event} samples"),
        },
        Event::Wait | Event::Ready => off_cpu_text(recording, event),
        Event::Alloc | Event::Live => format!("{} bytes {event}", recording.total_amount(event)),
    };
    if layout == FlameLayout::Reversed {
        text.insert_str(0, "callers above · ");
    }
    // Writing to a String does not fail.
    if let Some(run) = &recording.run {
        let seconds = run.duration.as_secs_f64();
        let _ = match event {
            Event::Cpu => write!(text, " at {} Hz in {seconds:.1} s, {}", run.rate_hz, run.timer),
            _ => write!(text, " of {seconds:.1} s"),
        };
    }
    if event == Event::Cpu {
        let losses = &recording.losses;
        let _ = write!(text, " · {}", lost_text(recording));
        let partial = [(losses.truncated_at_max_depth, "truncated"), (losses.outside_guest, "outside the guest")];
        for (count, words) in partial.into_iter().filter(|(count, _)| *count > 0) {
            let _ = write!(text, ", {count} {words}");
        }
    }
    if stacks > MAX_STACKS_DRAWN_WHOLE {
        let _ = write!(text, " · frames below {MIN_WIDTH_PERCENT} % of the width are not drawn");
    }
    text
}

/// Returns the label of each function: its name, then for the hover its file and hottest line.
fn labels(recording: &Recording, event: Event) -> FxHashMap<FunctionId, String> {
    let totals = function_totals(recording, event);
    let label = |id: FunctionId, line| {
        let function = recording.profile.functions.get(id.0 as usize)?;
        Some((id, label(function, line)))
    };
    totals.into_iter().filter_map(|total| label(total.function, total.hottest_line)).collect()
}

fn label(function: &Function, line: u32) -> String {
    let clean = |text: &str| frame_name(text).replace(HOVER, "\u{fffd}");
    let name = clean(&function.name);
    match (function.file.is_empty(), line) {
        (true, _) => format!("{name}{HOVER}"),
        (false, 0) => format!("{name}{HOVER}{}", clean(&function.file)),
        (false, line) => format!("{name}{HOVER}{}:{line}", clean(&function.file)),
    }
}

fn colour(location: &Location, depth: usize) -> &'static str {
    match location.place {
        Place::HostCall(_) | Place::Marker(_) => NOT_GUEST,
        _ if depth + 1 == location.lines.len() => GUEST,
        _ => INLINED,
    }
}
