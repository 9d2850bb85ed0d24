//! Text in sections of labels and paragraphs, for a terminal.

use wasmscope_profiler::export::sanitized;

/// Characters in a line, at most.
const COLUMNS: usize = 100;
/// Where paragraphs begin.
const INDENT: usize = 18;

/// Text in sections of labels and paragraphs. Whatever it is given is made harmless.
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    /// Begins a section.
    pub fn heading(&mut self, title: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.line(title);
    }

    /// Writes a paragraph behind its label; without a label it continues the one before.
    pub fn row(&mut self, label: &str, text: &str) {
        let (label, text) = (sanitized(label), sanitized(text));
        let mut line = format!("  {label:<width$}", width = INDENT - 2);
        let mut is_new = true;
        for word in text.split(' ').flat_map(pieces) {
            let room = COLUMNS.saturating_sub(line.chars().count());
            if !is_new && word.chars().count().saturating_add(1) > room {
                self.line(line.trim_end());
                line = " ".repeat(INDENT);
                is_new = true;
            }
            if !is_new || line.chars().count() > INDENT {
                line.push(' ');
            }
            line.push_str(word);
            is_new = false;
        }
        self.line(line.trim_end());
    }

    /// Writes a line as it is, for people to copy.
    pub fn verbatim(&mut self, text: &str) {
        self.line(&format!("    {}", sanitized(text)));
    }

    /// Writes rows of a table below each other; all but the first column are aligned to the right.
    pub fn table(&mut self, rows: &[Vec<String>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| sanitized(cell).chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in rows {
            let mut line = String::from(" ");
            for (index, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let cell = sanitized(cell);
                match index {
                    0 => line.push_str(&format!(" {cell:<width$}")),
                    _ => line.push_str(&format!("  {cell:>width$}")),
                }
            }
            self.line(line.trim_end());
        }
    }

    fn line(&mut self, text: &str) {
        self.0.push_str(&sanitized(text));
        self.0.push('\n');
    }

    /// Returns the text.
    pub fn finish(self) -> String {
        self.0
    }
}

/// Cuts a word that no line holds.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(word);
    std::iter::from_fn(move || {
        let word = rest?;
        let cut = word.char_indices().nth(COLUMNS - INDENT).map(|(index, _)| index);
        let (piece, behind) = cut.map_or((word, None), |index| (word.get(..index).unwrap_or(word), word.get(index..)));
        rest = behind;
        Some(piece)
    })
}

/// Returns a share as people read it: 100.0% is all of it, and 0.0% nothing.
pub fn percent(share: f64) -> String {
    match share * 100.0 {
        percent if percent > 0.0 && percent < 0.1 => "<0.1%".to_owned(),
        percent => format!("{:.1}%", (percent * 10.0).floor() / 10.0),
    }
}

/// Returns a number of things, in the singular or the plural.
pub fn count(number: usize, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{ending}")
}

/// Joins texts by commas, the first few of them.
pub fn listed(texts: impl ExactSizeIterator<Item = String>, at_most: usize) -> String {
    let more = texts.len().saturating_sub(at_most);
    let mut list = texts.take(at_most).collect::<Vec<_>>().join(", ");
    if more > 0 {
        list.push_str(&format!(" and {more} more"));
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_a_page_whatever_it_is_given() {
        let mut page = Page::default();
        page.heading("title");
        page.row("label", &"word ".repeat(60));
        page.row("label", &"w".repeat(500));
        page.row("label that is long", "and text");
        let text = page.finish();
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{text}");
        assert_eq!(text.matches("word").count(), 60);
        assert_eq!(text.matches('w').count(), 560);
    }

    #[test]
    fn a_share_is_all_only_when_it_is_all() {
        assert_eq!([1.0, 0.99999, 0.5, 0.0001, 0.0].map(percent), ["100.0%", "99.9%", "50.0%", "<0.1%", "0.0%"]);
    }

    #[test]
    fn text_of_guests_is_harmless() {
        let mut page = Page::default();
        page.row("\u{1b}[2J", "a\u{202e}b\nc");
        assert_eq!(page.finish(), "  \u{fffd}[2J            a\u{fffd}b\u{fffd}c\n");
    }
}
