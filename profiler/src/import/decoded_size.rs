//! How much memory a pprof message will take once decoded, told from its bytes without decoding it.
//!
//! A repeated message costs two bytes in the file and up to 96 in memory, and a number one byte and eight, so a file
//! of bearable size may still decode to many times its size.

use crate::export::messages as pprof;

/// Returns about how many bytes the decoded message takes; bytes that are no message end the count.
pub(super) fn decoded_size(message: &[u8]) -> u64 {
    Fields(message).fold(0u64, |sum, field| {
        let size = match field.number {
            2 => size_of::<pprof::Sample>() as u64 + nested(field.bytes, &[(3, size_of::<pprof::Label>())]),
            3 => size_of::<pprof::Mapping>() as u64,
            4 => size_of::<pprof::Location>() as u64 + nested(field.bytes, &[(4, size_of::<pprof::Line>())]),
            5 => size_of::<pprof::Function>() as u64,
            6 => size_of::<String>() as u64 + field.bytes.len() as u64,
            // Sample types, comments, and our extension: whatever they hold, a byte of it takes no more than this.
            _ => 24u64.saturating_mul(field.bytes.len() as u64).saturating_add(24),
        };
        sum.saturating_add(size)
    })
}

/// Counts the parts of a message: each listed field with its size, and eight bytes for each number of the others.
fn nested(message: &[u8], sizes: &[(u64, usize)]) -> u64 {
    let sum = |sum: u64, field: Field<'_>| {
        let listed = sizes.iter().find(|(number, _)| *number == field.number);
        // Each number ends with a byte whose high bit is clear.
        let numbers = || 8 * (1 + field.bytes.iter().filter(|byte| **byte < 0x80).count());
        sum.saturating_add(listed.map_or_else(numbers, |(_, size)| *size) as u64)
    };
    Fields(message).fold(0, sum)
}

/// A field of a message: its number, and its contents if it has a length.
struct Field<'a> {
    number: u64,
    bytes: &'a [u8],
}

/// Walks over the fields of a message.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let key = self.varint()?;
        let bytes = match key & 7 {
            0 => self.varint().map(|_| &[][..]),
            1 => self.take(8).map(|_| &[][..]),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                self.take(length)
            }
            5 => self.take(4).map(|_| &[][..]),
            // Groups are skipped by the decoder; here their fields count like any others.
            3 | 4 => Some(&[][..]),
            _ => None,
        };
        Some(Field { number: key >> 3, bytes: bytes? })
    }
}

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Option<u64> {
        let length = self.0.iter().take(10).position(|byte| *byte < 0x80)?;
        let bytes = self.take(length + 1)?;
        Some(bytes.iter().rev().fold(0, |value: u64, byte| (value << 7) | u64::from(byte & 0x7f)))
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_bytes_a_message_are_counted_at_what_they_take() {
        let samples = [0x12, 0].repeat(1000);
        assert_eq!(decoded_size(&samples), 1000 * size_of::<pprof::Sample>() as u64);
        let labels = [0x12, 20, 0x1a, 0].into_iter().chain([0x1a, 0].repeat(9)).collect::<Vec<u8>>();
        let expected = size_of::<pprof::Sample>() + 10 * size_of::<pprof::Label>();
        assert_eq!(decoded_size(&labels), expected as u64);
        let locations = [0x12, 8, 0x0a, 6, 1, 2, 3, 4, 5, 6];
        assert_eq!(decoded_size(&locations), (size_of::<pprof::Sample>() + 8 * 7) as u64);
    }

    #[test]
    fn a_group_hides_nothing_behind_it() {
        assert_eq!(decoded_size(&[0x7b, 0x7c, 0x32, 1, b'x']), 24 + 24 + size_of::<String>() as u64 + 1);
    }

    #[test]
    fn bytes_that_are_no_message_end_the_count() {
        for bytes in [&[0xff; 30][..], &[0x12, 0xff, 0xff, 0xff, 0xff, 0x0f, 1], &[0x16], &[0x12]] {
            assert_eq!(decoded_size(bytes), 0);
        }
    }
}
