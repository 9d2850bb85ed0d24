//! Which function, and which functions inlined into it, the code of one unit belongs to.

use std::ops::Range;

use gimli::{AttributeValue, EntriesRaw};

use super::Slice;
use super::fuel::{Fuel, Unreadable};
use super::lines::Position;
use super::parts::EntryPlace;
use super::segments::{Span, painted};
use super::unit::UnitReader;
use crate::ModuleImage;

/// Functions inlined deeper than this count as part of the one that they are inlined into; no compiler goes so deep.
const MAX_INLINE_DEPTH: u32 = 256;

/// A function, or one inlined into it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// Where its description begins; the original's, where this is a copy of one.
    pub(super) described_at: EntryPlace,
    /// What it is inlined into, by its position in the table; `None` for a function itself.
    pub(super) parent: Option<u32>,
    /// The position of the call that was inlined.
    pub(super) call: Position,
    /// How many functions it is inlined into.
    depth: u32,
}

/// The functions of one unit by the code that belongs to them.
///
/// # Accuracy
///
/// Where descriptions overlap, the one that stands later in the unit wins; an inlined function stands behind the one
/// that it is inlined into. Descriptions of functions that the linker removed are left out: they begin where no
/// function of the module does. A description reaches no further than the function it begins in.
#[derive(Debug, Default)]
pub(super) struct Functions {
    nodes: Vec<Node>,
    /// Where which node begins, or none; sorted, each reaching to the next.
    segments: Vec<(u32, Option<u32>)>,
    /// Whether the unit broke off; the functions before are kept.
    pub(super) broken: bool,
    /// Functions that begin where one of the module does. wasm-bindgen writes a place one byte behind.
    pub(super) placed: usize,
    /// Functions that begin among the instructions of one of the module, as no compiler writes them.
    pub(super) misplaced: usize,
}

impl Functions {
    /// Reads all functions of a unit.
    pub(super) fn read(unit: &UnitReader<'_, '_>, image: &ModuleImage, fuel: &mut Fuel) -> Self {
        let mut found = Self::default();
        let mut scan =
            Scan { unit, image, fuel, nodes: Vec::new(), spans: Vec::new(), open: Vec::new(), found: &mut found };
        let broken = scan.run().is_err();
        let (segments, nodes) = (painted(scan.spans), scan.nodes);
        Self { segments, nodes, broken, ..found }
    }

    /// Returns the innermost function at an offset.
    pub(super) fn at(&self, offset: u32) -> Option<&Node> {
        let behind = self.segments.partition_point(|(begin, _)| *begin <= offset);
        let (_, node) = self.segments.get(behind.checked_sub(1)?)?;
        self.node((*node)?)
    }

    /// Returns a function by its position in the table.
    pub(super) fn node(&self, index: u32) -> Option<&Node> {
        self.nodes.get(index as usize)
    }

    /// Returns the code that belongs to functions, by the innermost one's position in the table, in order.
    pub(super) fn segments(&self) -> impl Iterator<Item = (Range<u32>, u32)> {
        let next = self.segments.iter().skip(1).map(|(begin, _)| *begin);
        self.segments.iter().zip(next).filter_map(|((begin, node), end)| Some((*begin..end, (*node)?)))
    }

    /// Returns all functions and functions inlined into them; each stands behind the one that it is inlined into.
    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Returns from where to where the functions reach.
    pub(super) fn extent(&self) -> Option<Range<u32>> {
        Some(self.segments.first()?.0..self.segments.last()?.0)
    }
}

/// A function whose children are being read.
struct Open {
    depth: isize,
    /// Its node and the body it lies in; `None` for a function without code.
    node: Option<(u32, u32, u32)>,
}

struct Scan<'s, 'u, 'a> {
    unit: &'s UnitReader<'u, 'a>,
    image: &'s ModuleImage,
    fuel: &'s mut Fuel,
    nodes: Vec<Node>,
    spans: Vec<Span>,
    open: Vec<Open>,
    /// Where functions are counted.
    found: &'s mut Functions,
}

/// What the attributes of a function say.
#[derive(Default)]
struct Attributes<'a> {
    low: Option<AttributeValue<Slice<'a>>>,
    high: Option<AttributeValue<Slice<'a>>>,
    ranges: Option<AttributeValue<Slice<'a>>>,
    origin: Option<AttributeValue<Slice<'a>>>,
    call: Position,
}

impl<'a> Scan<'_, '_, 'a> {
    fn run(&mut self) -> Result<(), Unreadable> {
        let unit = self.unit.unit;
        let mut entries = unit.header.entries_raw(&unit.abbreviations, None)?;
        while !entries.is_empty() {
            let (depth, offset) = (entries.next_depth(), entries.next_offset());
            let Some(abbreviation) = entries.read_abbreviation()? else {
                self.fuel.spend(1)?;
                continue;
            };
            self.fuel.spend(abbreviation.attributes().len().saturating_add(1))?;
            while self.open.last().is_some_and(|open| open.depth >= depth) {
                self.open.pop();
            }
            let inlined = match abbreviation.tag() {
                gimli::DW_TAG_subprogram => false,
                gimli::DW_TAG_inlined_subroutine => true,
                _ => {
                    entries.skip_attributes(abbreviation.attributes())?;
                    continue;
                }
            };
            let attributes = attributes(&mut entries, abbreviation.attributes())?;
            let offset = self.unit.place(offset).ok_or(Unreadable)?;
            let node = if inlined { self.inlined(offset, &attributes)? } else { self.function(offset, &attributes)? };
            self.open.push(Open { depth, node });
        }
        Ok(())
    }

    fn function(&mut self, at: EntryPlace, attributes: &Attributes<'a>) -> Result<Option<(u32, u32, u32)>, Unreadable> {
        let Some(index) = u32::try_from(self.nodes.len()).ok().filter(|_| attributes.has_code()) else {
            return Ok(None);
        };
        let mut first_body = None;
        for range in self.unit.ranges(attributes.low, attributes.high, attributes.ranges, self.fuel)? {
            let Some(body) = self.image.body_reached_from(range.start) else {
                continue;
            };
            self.spans.push(Span { begin: range.start, end: range.end.min(body.end), node: index });
            if first_body.is_none() {
                let is_placed = range.start <= body.start || self.image.is_at_beginning(range.start);
                let count = if is_placed { &mut self.found.placed } else { &mut self.found.misplaced };
                *count = count.saturating_add(1);
            }
            first_body.get_or_insert((index, range.start.min(body.start), body.end));
        }
        if first_body.is_some() {
            self.nodes.push(Node { described_at: at, parent: None, call: Position::default(), depth: 0 });
        }
        Ok(first_body)
    }

    fn inlined(&mut self, at: EntryPlace, attributes: &Attributes<'a>) -> Result<Option<(u32, u32, u32)>, Unreadable> {
        let Some((parent, begin, end)) = self.open.last().and_then(|open| open.node) else {
            return Ok(None);
        };
        let depth = self.nodes.get(parent as usize).map_or(0, |node| node.depth).saturating_add(1);
        let Some(index) = u32::try_from(self.nodes.len()).ok().filter(|_| depth < MAX_INLINE_DEPTH) else {
            return Ok(Some((parent, begin, end)));
        };
        for range in self.unit.ranges(attributes.low, attributes.high, attributes.ranges, self.fuel)? {
            let (begin, end) = (range.start.max(begin), range.end.min(end));
            if begin < end {
                self.spans.push(Span { begin, end, node: index });
            }
        }
        let described_at = self.unit.reference(attributes.origin).unwrap_or(at);
        self.nodes.push(Node { described_at, parent: Some(parent), call: attributes.call, depth });
        Ok(Some((index, begin, end)))
    }
}

impl Attributes<'_> {
    fn has_code(&self) -> bool {
        self.ranges.is_some() || (self.low.is_some() && self.high.is_some())
    }
}

fn attributes<'a>(
    entries: &mut EntriesRaw<'_, Slice<'a>>,
    specifications: &[gimli::AttributeSpecification],
) -> Result<Attributes<'a>, Unreadable> {
    let mut found = Attributes::default();
    for specification in specifications {
        let attribute = entries.read_attribute(*specification)?;
        let small = |value: AttributeValue<Slice<'a>>| {
            value.udata_value().and_then(|value| u32::try_from(value).ok()).unwrap_or(0)
        };
        match attribute.name() {
            gimli::DW_AT_low_pc => found.low = Some(attribute.value()),
            gimli::DW_AT_high_pc => found.high = Some(attribute.value()),
            gimli::DW_AT_ranges => found.ranges = Some(attribute.value()),
            gimli::DW_AT_abstract_origin => found.origin = Some(attribute.value()),
            gimli::DW_AT_call_file => {
                found.call.file = match attribute.value() {
                    AttributeValue::FileIndex(index) => Some(index),
                    value => value.udata_value(),
                }
            }
            gimli::DW_AT_call_line => found.call.line = small(attribute.value()),
            gimli::DW_AT_call_column => found.call.column = small(attribute.value()),
            _ => {}
        }
    }
    Ok(found)
}
