//! Copying a log with what its addresses mean.

use std::io::{self, BufWriter, Read, Write};

use super::filling;
use super::find::find_mentions;
use super::known_modules::{KnownModules, WhyNotFound};
use super::mention::{Layout, Mention};
use super::numbered_frame::is_line_of_place;
use super::pieces::{Piece, Pieces};

/// Copies logs, and inserts what their addresses mean.
#[derive(Debug)]
pub struct LogSymbolizer {
    modules: KnownModules,
    totals: LogTotals,
}

/// How many places a log mentioned, and what became of them.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct LogTotals {
    /// Places that name wasm code.
    pub mentioned: u64,
    /// Those at which something was inserted.
    pub filled: u64,
    /// Those that had their line already.
    pub had_line: u64,
    /// Those of which nothing is known that the log does not say.
    pub nothing_new: u64,
    /// Those that lie in no function of a known module.
    pub not_in_code: u64,
    /// Those where known modules have another function than the one shown.
    pub other_function: u64,
    /// Those that may mean one of several modules or functions.
    pub ambiguous: u64,
    /// Lines that were too long to be looked at as a whole.
    pub long_lines: u64,
}

/// Lines that go beneath the one just written, unless it turns out that they are there.
struct Beneath {
    indent: Vec<u8>,
    lines: Vec<String>,
    line_end: &'static [u8],
    /// Whether the line just written was ended.
    is_ended: bool,
}

impl LogSymbolizer {
    /// Makes a symbolizer for logs that speak of these modules.
    pub fn new(modules: KnownModules) -> Self {
        Self { modules, totals: LogTotals::default() }
    }

    /// Returns how many places there were until now, and what became of them.
    pub fn totals(&self) -> LogTotals {
        self.totals
    }

    /// Copies a log to its end, and inserts what its addresses mean.
    ///
    /// Memory is bounded, however long the lines. Whenever the log has no further line ready, everything is flushed but
    /// what depends on that line: whether a frame's line of the source stands beneath it already.
    ///
    /// # Errors
    ///
    /// When the log cannot be read, or the copy not be written.
    pub fn copy(&mut self, input: impl Read, output: impl Write) -> io::Result<()> {
        let (mut pieces, mut output) = (Pieces::new(input), BufWriter::new(output));
        let mut beneath: Option<Beneath> = None;
        loop {
            if pieces.may_wait() {
                output.flush()?;
            }
            let Some(piece) = pieces.next()? else {
                break;
            };
            if let Some(beneath) = beneath.take() {
                if is_line_of_place(piece.text) {
                    self.totals.had_line = self.totals.had_line.saturating_add(1);
                } else {
                    self.totals.filled = self.totals.filled.saturating_add(1);
                    beneath.write(&mut output)?;
                }
            }
            beneath = self.copy_piece(&piece, &mut output)?;
        }
        if let Some(beneath) = beneath {
            self.totals.filled = self.totals.filled.saturating_add(1);
            beneath.write(&mut output)?;
        }
        output.flush()
    }

    fn copy_piece(&mut self, piece: &Piece<'_>, output: &mut impl Write) -> io::Result<Option<Beneath>> {
        let (line, mut copied, mut beneath) = (piece.text, 0, None);
        self.totals.long_lines = self.totals.long_lines.saturating_add(u64::from(!piece.is_whole));
        for mut mention in find_mentions(line) {
            if !piece.is_whole && matches!(mention.layout, Layout::Beneath(_)) {
                mention.layout = Layout::Inline;
            }
            let lines = self.lines(&mention, line);
            if lines.is_empty() {
                continue;
            }
            if let Layout::Beneath(indent) = mention.layout {
                let line_end: &[u8] = if line.ends_with(b"\r") { b"\r\n" } else { b"\n" };
                beneath = Some(Beneath { indent, lines, line_end, is_ended: piece.has_line_end });
                continue;
            }
            self.totals.filled = self.totals.filled.saturating_add(1);
            output.write_all(line.get(copied..mention.insert_at).unwrap_or_default())?;
            copied = mention.insert_at;
            for text in &lines {
                if let Layout::BeneathEscaped { line_end, indent } = &mention.layout {
                    output.write_all(line_end)?;
                    output.write_all(indent)?;
                }
                output.write_all(text.as_bytes())?;
            }
        }
        output.write_all(line.get(copied..).unwrap_or_default())?;
        if piece.has_line_end {
            output.write_all(b"\n")?;
        }
        Ok(beneath)
    }

    /// Finds what to insert, and counts where there is nothing.
    fn lines(&mut self, mention: &Mention<'_>, line: &[u8]) -> Vec<String> {
        let totals = &mut self.totals;
        totals.mentioned = totals.mentioned.saturating_add(1);
        let mut lines = Vec::new();
        let counter = if mention.has_line {
            &mut totals.had_line
        } else {
            match self.modules.find(mention) {
                Ok(found) => {
                    lines = filling::lines(mention, line, &found);
                    if !lines.is_empty() {
                        return lines;
                    }
                    &mut totals.nothing_new
                }
                Err(WhyNotFound::NotInCode) => &mut totals.not_in_code,
                Err(WhyNotFound::OtherFunction) => &mut totals.other_function,
                Err(WhyNotFound::Ambiguous) => &mut totals.ambiguous,
            }
        };
        *counter = counter.saturating_add(1);
        lines
    }
}

impl Beneath {
    fn write(&self, output: &mut impl Write) -> io::Result<()> {
        for line in &self.lines {
            let parts = [&self.indent, line.as_bytes()];
            if !self.is_ended {
                output.write_all(self.line_end)?;
            }
            for part in parts {
                output.write_all(part)?;
            }
            if self.is_ended {
                output.write_all(self.line_end)?;
            }
        }
        Ok(())
    }
}
