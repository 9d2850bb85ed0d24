use super::super::mention::{LogFormat, Position, ShownFunction};
use super::*;

fn only(line: &str) -> Mention<'_> {
    let mut mentions = find_mentions(line.as_bytes());
    assert_eq!(mentions.len(), 1, "{line}");
    mentions.remove(0)
}
