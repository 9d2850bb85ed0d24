//! From overlapping spans of code to segments side by side.

use std::collections::BinaryHeap;

/// Code that a node describes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) begin: u32,
    pub(super) end: u32,
    pub(super) node: u32,
}

/// Cuts overlapping spans into segments that each show the last of the nodes covering them.
pub(super) fn painted(mut spans: Vec<Span>) -> Vec<(u32, Option<u32>)> {
    spans.sort_unstable_by_key(|span| (span.begin, span.node));
    let mut segments: Vec<(u32, Option<u32>)> = Vec::new();
    let mut show = |begin: u32, node: Option<u32>| {
        if segments.last().is_some_and(|(last, _)| *last == begin) {
            segments.pop();
        }
        if segments.last().is_none_or(|(_, last)| *last != node) {
            segments.push((begin, node));
        }
    };
    // The covering nodes with their ends, the last of them on top; those that ended may still lie beneath.
    let mut covering: BinaryHeap<(u32, u32)> = BinaryHeap::new();
    let mut spans = spans.into_iter().peekable();
    loop {
        while let Some((_, end)) = covering.peek().copied()
            && spans.peek().is_none_or(|span| end <= span.begin)
        {
            while covering.peek().is_some_and(|(_, beneath)| *beneath <= end) {
                covering.pop();
            }
            show(end, covering.peek().map(|(node, _)| *node));
        }
        let Some(span) = spans.next() else {
            return segments;
        };
        covering.push((span.node, span.end));
        show(span.begin, covering.peek().map(|(node, _)| *node));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_spans_overlap_the_last_node_shows() {
        let spans = [(10, 50, 0), (12, 20, 1), (15, 18, 2), (20, 30, 3), (25, 60, 1), (70, 80, 4)];
        let spans: Vec<Span> = spans.iter().map(|&(begin, end, node)| Span { begin, end, node }).collect();
        let segments = painted(spans.clone());
        for offset in 0..100 {
            let expected =
                spans.iter().filter(|span| (span.begin..span.end).contains(&offset)).map(|span| span.node).max();
            let behind = segments.partition_point(|(begin, _)| *begin <= offset);
            let shown = behind.checked_sub(1).and_then(|index| segments[index].1);
            assert_eq!(shown, expected, "at {offset} of {segments:?}");
        }
    }
}
