//! DWARF of one module.
//!
//! The reader is our own on top of gimli, as nothing else bounds its work: `addr2line` calls itself once for each level
//! of inlining (a module of a few kilobytes ends the process), reads what units share once for each unit, and picks one
//! of overlapping functions by chance.

mod descriptions;
mod fuel;
mod functions;
mod lines;
mod segments;
mod survey;
mod text;
mod unit;
mod units;

use std::rc::Rc;
use std::sync::Arc;

use gimli::{Dwarf, EndianSlice, LittleEndian, SectionId};
use wasmscope_model::{CodeOffset, ResolvedFrame};

use self::fuel::Unreadable;
pub(crate) use self::survey::Survey;
use self::units::Units;
use crate::ModuleImage;

type Slice<'a> = EndianSlice<'a, LittleEndian>;

self_cell::self_cell!(
    struct Parsed {
        owner: Arc<[u8]>,
        #[not_covariant]
        dependent: Units,
    }
);

/// An inline chain, innermost first; `None` where the DWARF has nothing, an error where it cannot be read.
pub(crate) type Chain = Result<Option<Vec<ResolvedFrame>>, ()>;

/// The DWARF of a module, read unit by unit as offsets are looked up.
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
    /// Reads the headers of all units of `dwarf`, which describe the code of `image`; somewhat costly for large modules.
    pub(crate) fn parse(image: &Rc<ModuleImage>, dwarf: &ModuleImage) -> Self {
        let parsed =
            Parsed::new(dwarf.bytes().clone(), |bytes| Units::read(sections(dwarf, bytes), image, dwarf.debug_bytes()));
        Self { parsed, image: image.clone() }
    }

    /// Looks up the inline chain at an offset of the function `function_index`, innermost first.
    ///
    /// `None` when the DWARF does not cover the offset, or the offset does not lie in that function; an error when the
    /// part that might cover it cannot be read.
    pub(crate) fn frames_at(&mut self, offset: CodeOffset, function_index: u32) -> Chain {
        let within = self.image.body(function_index).is_some_and(|body| body.contains(&offset.get()));
        if !within {
            return Ok(None);
        }
        let found = self.look_up(offset.get())?;
        if found.iter().flatten().any(|frame| frame.line != 0) {
            return Ok(found);
        }
        Ok(self.at_entry(offset, function_index)?.or(found))
    }

    /// Returns the frame at the first instruction of a function, if `offset` lies before it. Compilers put no line on the
    /// declarations of locals, where a guest stands when it has entered a function and no more.
    fn at_entry(&mut self, offset: CodeOffset, function_index: u32) -> Chain {
        let Some(first) = self.image.first_instruction(function_index).filter(|first| offset.get() < *first) else {
            return Ok(None);
        };
        let outermost = self.look_up(first)?.and_then(|mut frames| frames.pop());
        Ok(outermost.map(|frame| vec![frame]))
    }

    fn look_up(&mut self, offset: u32) -> Chain {
        let image = &self.image;
        self.parsed.with_dependent_mut(|_, units| units.frames_at(offset, image)).map_err(|Unreadable| ())
    }
}

/// Finds the sections of DWARF in the bytes of a module; missing ones are empty.
fn sections<'b>(image: &ModuleImage, bytes: &'b [u8]) -> Dwarf<Slice<'b>> {
    let section = |id: SectionId| EndianSlice::new(image.debug_section(bytes, id.name()), LittleEndian);
    let Ok(dwarf) = Dwarf::load(|id| Ok::<_, std::convert::Infallible>(section(id)));
    dwarf
}
