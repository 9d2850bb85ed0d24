//! A source map that stands in the module itself, as `data:application/json;base64,...`.

use super::vlq::value_of;

/// Reads the contents of a `data:` URL of base 64; `None` for what is not such a URL.
pub(super) fn contents(url: &str) -> Option<Vec<u8>> {
    let (head, text) = url.strip_prefix("data:")?.split_once(',')?;
    let (kind, encoding) = head.rsplit_once(';')?;
    let kind = kind.split(';').next()?;
    let is_json = kind.is_empty() || kind.eq_ignore_ascii_case("application/json");
    if !is_json || !encoding.eq_ignore_ascii_case("base64") {
        return None;
    }
    base64(text.trim_end_matches('=').as_bytes())
}

/// Decodes base 64 without its padding.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for group in text.chunks(4) {
        let mut bits = 0u32;
        for character in group {
            bits = bits << 6 | u32::from(value_of(*character)?);
        }
        let whole = match group.len() {
            4 => 3,
            3 => 2,
            2 => 1,
            _ => return None,
        };
        bits <<= 6 * (4 - group.len());
        bytes.extend(bits.to_be_bytes().into_iter().skip(1).take(whole));
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::contents;

    #[test]
    fn base_64_is_read_with_and_without_padding() {
        for (text, bytes) in [("", ""), ("e30=", "{}"), ("e30", "{}"), ("ezF9", "{1}"), ("ezEyfQ==", "{12}")] {
            let url = format!("data:application/json;charset=utf-8;base64,{text}");
            assert_eq!(contents(&url).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
        assert_eq!(contents("data:;base64,e30="), Some(b"{}".to_vec()));
    }

    #[test]
    fn other_urls_are_refused() {
        for url in [
            "data:application/json,{}",
            "data:text/html;base64,e30=",
            "data:application/json;base64,e",
            "data:application/json;base64,e3-_",
            "data:application/json;base64",
            "map.json",
        ] {
            assert_eq!(contents(url), None, "{url}");
        }
    }
}
