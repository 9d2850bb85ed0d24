//! A log, read line by line, and lines of any length piece by piece.

use std::io::{self, BufRead, BufReader, Read};

/// Longer lines come in pieces: a log without ends of lines must not fill the memory.
const MAX_PIECE: usize = 1 << 20;

/// A log, read line by line.
pub(super) struct Pieces<R> {
    input: BufReader<R>,
    text: Vec<u8>,
    /// Whether the piece before did not end its line.
    continues: bool,
}

/// A line without its end, or a part of one that is too long.
pub(super) struct Piece<'p> {
    pub(super) text: &'p [u8],
    /// Whether the line ends with it, before a new line.
    pub(super) has_line_end: bool,
    /// Whether it is all of its line.
    pub(super) is_whole: bool,
}

impl<R: Read> Pieces<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input: BufReader::with_capacity(64 << 10, input), text: Vec::new(), continues: false }
    }

    /// Tells whether reading on may have to wait for the log to grow.
    pub(super) fn may_wait(&self) -> bool {
        !self.input.buffer().contains(&b'\n')
    }

    /// Reads the next piece, or `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        self.text.clear();
        let begins = !self.continues;
        let (mut has_line_end, mut ended) = (false, false);
        while !has_line_end && !ended && self.text.len() < MAX_PIECE {
            let buffer = match self.input.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            ended = buffer.is_empty();
            let room = MAX_PIECE.saturating_sub(self.text.len());
            let buffer = buffer.get(..room).unwrap_or(buffer);
            let end = buffer.iter().position(|byte| *byte == b'\n');
            self.text.extend_from_slice(buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default());
            has_line_end = end.is_some();
            let taken = end.map_or(buffer.len(), |end| end.saturating_add(1));
            self.input.consume(taken);
        }
        if ended && self.text.is_empty() {
            return Ok(None);
        }
        self.continues = !has_line_end;
        let is_whole = begins && (has_line_end || ended);
        Ok(Some(Piece { text: &self.text, has_line_end, is_whole }))
    }
}
