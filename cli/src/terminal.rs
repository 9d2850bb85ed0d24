//! Messages to people, on standard error. A reader that has gone away is no error.

use std::fmt::Display;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::OnceLock;

use terminal_size::{Width, terminal_size_of};
use wasmscope_profiler::export::TableLayout;

use crate::color::ColorChoice;
use crate::progress;

static COLOR: OnceLock<bool> = OnceLock::new();
static QUIET: OnceLock<bool> = OnceLock::new();

/// Decides once whether messages are coloured, and whether those that nobody needs are left out.
pub fn set_up(color: ColorChoice, quiet: bool) {
    COLOR.get_or_init(|| color.applies());
    QUIET.get_or_init(|| quiet);
}

/// Says what failed.
pub fn error(message: impl Display) {
    say("error:", "1;31", &message);
}

/// Says what the reader should know although nothing failed.
pub fn warning(message: impl Display) {
    say("warning:", "1;33", &message);
}

/// Says what might have been meant, unless nobody wants to know.
pub fn hint(message: impl Display) {
    if !is_quiet() {
        say("hint:", "1;36", &message);
    }
}

/// Says what was done, unless nobody wants to know.
pub fn note(message: impl Display) {
    if !is_quiet() {
        line(message);
    }
}

fn is_quiet() -> bool {
    QUIET.get().is_some_and(|quiet| *quiet)
}

fn line(message: impl Display) {
    // Nobody reads it: there is nowhere left to say so.
    progress::beside(|| drop(writeln!(io::stderr(), "{message}")));
}

fn say(label: &str, code: &str, message: &dyn Display) {
    match COLOR.get() {
        Some(true) => line(format_args!("\u{1b}[{code}m{label}\u{1b}[0m {message}")),
        _ => line(format_args!("{label} {message}")),
    }
}

/// Returns how wide the terminal is that `to` leads to; a usual width if it leads elsewhere.
pub fn columns(to: &impl AsFd) -> usize {
    let terminal = terminal_size_of(to).map(|(Width(columns), _)| usize::from(columns));
    terminal.unwrap_or(TableLayout::default().columns)
}

/// Lets a closed pipe pass as success: `wasmscope report x.pb.gz | head` is no failure.
pub fn unless_broken_pipe(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
