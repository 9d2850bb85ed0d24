//! The numbers of `mappings`: base 64, five bits a digit, the lowest first, the sign in the lowest bit.

/// Digits of the largest number that a map may hold, which has 32 bits.
const MAX_DIGITS: u32 = 7;

/// Reads a number from the start of `text`, and returns it with what follows. `None` for what is no digit, for a number
/// that breaks off, and for one of more than 32 bits.
pub(super) fn read(text: &[u8]) -> Option<(i32, &[u8])> {
    let mut bits = 0u64;
    let mut rest = text;
    for digit in 0..MAX_DIGITS {
        let (first, behind) = rest.split_first()?;
        let value = value_of(*first)?;
        rest = behind;
        bits |= u64::from(value & 31) << (5 * digit);
        if value & 32 == 0 {
            let size = i64::try_from(bits >> 1).ok()?;
            let number = if bits & 1 == 1 { -size } else { size };
            return i32::try_from(number).ok().map(|number| (number, rest));
        }
    }
    None
}

/// Returns what a character of base 64 stands for.
pub(super) fn value_of(character: u8) -> Option<u8> {
    match character {
        b'A'..=b'Z' => Some(character - b'A'),
        b'a'..=b'z' => Some(character - b'a' + 26),
        b'0'..=b'9' => Some(character - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn numbers_are_read_up_to_32_bits() {
        for (text, number) in [
            ("A", 0),
            ("C", 1),
            ("D", -1),
            ("f", -15),
            ("gB", 16),
            ("hB", -16),
            ("+/////D", i32::MAX),
            ("//////D", -i32::MAX),
            ("hgggggE", i32::MIN),
        ] {
            assert_eq!(read(text.as_bytes()), Some((number, &b""[..])), "{text}");
        }
        assert_eq!(read(b"gBC,"), Some((16, &b"C,"[..])));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "g", "ggg", "=", ",", "g-", "\u{e9}", "ggggggE", "ggggggg", "gggggggA", "///////////B"] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }
}
