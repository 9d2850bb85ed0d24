//! Finding the places of a line that name wasm code.

use super::escape::levels_in;
use super::mention::{Layout, Mention};
use super::{named_offset, numbered_frame, wasmer_frame, wazero_frame, web_frame};

/// Finds the places of a line that name wasm code, in order, without overlap. The table of the module tells which ways of
/// writing are known.
///
/// The line need not be UTF-8, and comes without its end. The time taken grows with its length alone, whatever stands in
/// it.
pub fn find_mentions(line: &[u8]) -> Vec<Mention<'_>> {
    let mut mentions: Vec<Mention<'_>> = Vec::new();
    let (mut at, mut floor) = (0, 0);
    while let Some(byte) = line.get(at) {
        let found = match byte {
            b'0' => numbered_frame::at_hex(line, at)
                .or_else(|| wasmer_frame::at_hex(line, at))
                .or_else(|| named_offset::at_hex(line, at))
                .or_else(|| web_frame::at_hex(line, at)),
            b'w' => web_frame::at_function(line, at, floor).or_else(|| web_frame::at_scheme(line, at)),
            b'.' => web_frame::at_ending(line, at).or_else(|| wazero_frame::at_dot(line, at)),
            b'@' => named_offset::at_sign(line, at),
            b'#' => numbered_frame::at_number_sign(line, at),
            _ => None,
        };
        match found {
            // What reaches back into the place before is read from text that names that one.
            Some(mention) if mention.range.start >= floor => {
                at = mention.insert_at.max(mention.range.end).max(at.saturating_add(1));
                floor = at;
                mentions.push(mention);
            }
            _ => at = at.saturating_add(1),
        }
    }
    if mentions.iter().any(|mention| mention.layout == Layout::Inline) {
        let levels = levels_in(line);
        for mention in mentions.iter_mut().filter(|mention| mention.layout == Layout::Inline) {
            mention.escape_levels = levels;
        }
    }
    mentions
}

#[cfg(test)]
mod tests;
