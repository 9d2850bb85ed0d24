//! DWARF of one module.

use std::rc::Rc;
use std::sync::Arc;

use addr2line::Context;
use gimli::{AttributeValue, Dwarf, EndianSlice, LittleEndian, SectionId, UnitOffset};
use wasmscope_model::{CodeOffset, ResolvedFrame};

use crate::ModuleImage;
use crate::demangle::demangle;
use crate::names::cut;

type Slice<'a> = EndianSlice<'a, LittleEndian>;
type SliceContext<'a> = Context<Slice<'a>>;

self_cell::self_cell!(
    struct Parsed {
        owner: Arc<[u8]>,
        #[not_covariant]
        dependent: SliceContext,
    }
);

/// Inline chains longer than this are cut at the innermost frames; no compiler inlines so deep.
const MAX_INLINE_DEPTH: usize = 256;

/// The DWARF of a module, parsed unit by unit as offsets are looked up.
pub(crate) struct DebugInfo {
    parsed: Parsed,
    image: Rc<ModuleImage>,
}

impl std::fmt::Debug for DebugInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DebugInfo").finish_non_exhaustive()
    }
}

impl DebugInfo {
    /// Reads the headers of all units; somewhat costly for large modules.
    pub(crate) fn parse(image: &Rc<ModuleImage>) -> Result<Self, gimli::Error> {
        let parsed = Parsed::try_new(image.bytes().clone(), |bytes| {
            let section = |id: SectionId| -> Result<Slice<'_>, gimli::Error> {
                Ok(EndianSlice::new(image.debug_section(bytes, id.name()), LittleEndian))
            };
            Context::from_dwarf(Dwarf::load(section)?)
        })?;
        Ok(Self { parsed, image: image.clone() })
    }

    /// Looks up the inline chain at an offset of the function `function_index`, innermost first.
    ///
    /// `None` when the DWARF does not cover the offset, or covers it with a function that lies elsewhere: linkers leave
    /// the descriptions of removed functions behind at address zero, where they overlap living ones.
    pub(crate) fn frames_at(
        &self,
        offset: CodeOffset,
        function_index: u32,
    ) -> Result<Option<Vec<ResolvedFrame>>, gimli::Error> {
        self.parsed.with_dependent(|_, context| {
            let probe = u64::from(offset.get());
            let mut frames = context.find_frames(probe).skip_all_loads()?;
            let mut chain = Vec::new();
            while let Some(frame) = frames.next()? {
                if chain.len() < MAX_INLINE_DEPTH {
                    chain.push((self.resolved(context, probe, &frame), frame.dw_die_offset));
                }
            }
            let covered = match chain.last() {
                None => false,
                Some((_, Some(die))) => self.covers(context, probe, *die, function_index),
                // Lines without a function: the line table alone covers the offset.
                Some((_, None)) => true,
            };
            let named = chain.iter().all(|(_, die)| die.is_some());
            let chain = chain.into_iter().map(|(frame, _)| frame).collect();
            Ok((covered && (named || self.image.body(function_index).is_some())).then_some(chain))
        })
    }

    fn resolved(
        &self,
        context: &SliceContext<'_>,
        probe: u64,
        frame: &addr2line::Frame<'_, Slice<'_>>,
    ) -> ResolvedFrame {
        let system_name = frame.function.as_ref().and_then(|function| function.raw_name().ok()).unwrap_or_default();
        let location = frame.location.as_ref();
        ResolvedFrame {
            name: demangle(cut(&system_name)).into_owned(),
            system_name: cut(&system_name).to_owned(),
            file: location.and_then(|location| location.file).unwrap_or_default().to_owned(),
            start_line: frame.dw_die_offset.and_then(|die| declared_at(context, probe, die)).unwrap_or(0),
            line: location.and_then(|location| location.line).unwrap_or(0),
            column: location.and_then(|location| location.column).unwrap_or(0),
        }
    }

    /// Tells whether the function described at `die` begins inside the body of `function_index`.
    fn covers(&self, context: &SliceContext<'_>, probe: u64, die: UnitOffset, function_index: u32) -> bool {
        let Some(body) = self.image.body(function_index) else {
            return false;
        };
        let low_pc = entry_attribute(context, probe, die, gimli::DW_AT_low_pc, 0);
        match low_pc {
            Some(AttributeValue::Addr(low)) => u32::try_from(low).is_ok_and(|low| body.contains(&low)),
            // Ranges or an index into .debug_addr: addr2line has matched the offset against them.
            _ => true,
        }
    }
}

/// Returns the line of a function's declaration.
fn declared_at(context: &SliceContext<'_>, probe: u64, die: UnitOffset) -> Option<u32> {
    let value = entry_attribute(context, probe, die, gimli::DW_AT_decl_line, 4)?;
    u32::try_from(value.udata_value()?).ok()
}

/// Reads an attribute of an entry, or of the entry it was made from, at most `hops` away.
fn entry_attribute<'a>(
    context: &SliceContext<'a>,
    probe: u64,
    die: UnitOffset,
    name: gimli::DwAt,
    hops: usize,
) -> Option<AttributeValue<Slice<'a>>> {
    let unit = context.find_dwarf_and_unit(probe).skip_all_loads()?;
    let mut die = die;
    for _ in 0..=hops {
        let entry = unit.entry(die).ok()?;
        if let Some(value) = entry.attr_value(name) {
            return Some(value);
        }
        let origin =
            entry.attr_value(gimli::DW_AT_abstract_origin).or_else(|| entry.attr_value(gimli::DW_AT_specification));
        match origin {
            Some(AttributeValue::UnitRef(next)) => die = next,
            _ => return None,
        }
    }
    None
}
