//! DWARF of one module.
//!
//! The reader is our own on top of gimli, as nothing else bounds its work: `addr2line` calls itself once for each level
//! of inlining (a module of a few kilobytes ends the process), reads what units share once for each unit, and picks one
//! of overlapping functions by chance.

mod descriptions;
mod fuel;
mod functions;
mod lines;
mod parts;
mod segments;
mod skeletons;
mod survey;
mod text;
mod unit;
mod units;

use std::rc::Rc;
use std::sync::Arc;

use gimli::{Dwarf, EndianSlice, LittleEndian, SectionId};
use wasmscope_model::{CodeOffset, ResolvedFrame};

pub(crate) use self::fuel::{Fuel, Unreadable};
pub(crate) use self::parts::{MAX_UNITS, abbreviations, bare_unit};
pub(crate) use self::skeletons::{Skeleton, skeletons};
pub(crate) use self::survey::Survey;
use self::units::Units;
use crate::ModuleImage;
use crate::split_dwarf::SplitUnits;

pub(crate) type Slice<'a> = EndianSlice<'a, LittleEndian>;

self_cell::self_cell!(
    struct Parsed {
        owner: Vec<Arc<[u8]>>,
        #[not_covariant]
        dependent: Units,
    }
);

/// An inline chain.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frames {
    /// Innermost first.
    pub(crate) frames: Vec<ResolvedFrame>,
    /// Whether a split unit of another build tells of them.
    pub(crate) is_other_build: bool,
}

/// An inline chain; `None` where the DWARF has nothing, an error where it cannot be read.
pub(crate) type Chain = Result<Option<Frames>, ()>;

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
    /// Reads the headers of all units of `dwarf`, which describe the code of `image`, and of those of its units that are
    /// split; somewhat costly for large modules.
    pub(crate) fn parse(image: &Rc<ModuleImage>, dwarf: &ModuleImage, split: &SplitUnits) -> Self {
        let owner: Vec<_> = [dwarf.bytes().clone()].into_iter().chain(split.file_bytes()).collect();
        let parsed = Parsed::new(owner, |bytes| units(dwarf, split, image, bytes));
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
        if found.iter().flat_map(|found| &found.frames).any(|frame| frame.line != 0) {
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
        Ok(self.look_up(first)?.map(|mut found| {
            let inlined = found.frames.len().saturating_sub(1);
            found.frames.drain(..inlined);
            found
        }))
    }

    fn look_up(&mut self, offset: u32) -> Chain {
        let image = &self.image;
        self.parsed.with_dependent_mut(|_, units| units.frames_at(offset, image)).map_err(|Unreadable| ())
    }
}

/// Reads the units of `dwarf`; `bytes` are its own, and those of the files of its split units.
fn units<'b>(dwarf: &ModuleImage, split: &SplitUnits, image: &ModuleImage, bytes: &'b [Arc<[u8]>]) -> Units<'b> {
    let (own, files) = bytes.split_first().map(|(own, files)| (&**own, files)).unwrap_or_default();
    let files: Vec<&[u8]> = files.iter().map(|file| &**file).collect();
    let debug_bytes = dwarf.debug_bytes().saturating_add(split.debug_bytes());
    Units::read(sections(dwarf, own), split, &files, image, debug_bytes)
}

/// Finds the sections of DWARF in the bytes of a module; missing ones are empty.
fn sections<'b>(image: &ModuleImage, bytes: &'b [u8]) -> Dwarf<Slice<'b>> {
    let section = |id: SectionId| EndianSlice::new(image.debug_section(bytes, id.name()), LittleEndian);
    let Ok(dwarf) = Dwarf::load(|id| Ok::<_, std::convert::Infallible>(section(id)));
    dwarf
}
