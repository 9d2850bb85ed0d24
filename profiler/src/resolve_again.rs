//! Names and lines for a recording that was made elsewhere.

use std::hash::RandomState;

use indexmap::IndexSet;
use wasmscope_model::{
    CodeIdentity, CodeLocation, CodeOffset, FrameOrigin, Function, FunctionId, Line, LineOrigin, Location, Module,
    NameOrigin, PcKind, Place, Recording, Resolved, ResolvedFrame, SymbolSource, WhyNoLine, WhyUnnamed,
};

/// How much of a recording was looked up again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Resolution {
    /// Places of guest code that were looked up.
    pub resolved: usize,
    /// Places of guest code that stay as they were: the source does not know their modules.
    pub left: usize,
}

/// Looks up every place of guest code again, by the identity of its module, and replaces names, lines and inline chains.
/// Places in modules that `source` does not know stay as they are.
///
/// # Accuracy
///
/// A place that was only the nearest one known still is, and its line is marked approximate.
pub fn resolve_again(recording: &mut Recording, source: &mut dyn SymbolSource) -> Resolution {
    let mut resolution = Resolution::default();
    let profile = &mut recording.profile;
    let mut functions = Functions::default();
    let old = std::mem::take(&mut profile.functions);
    for location in &mut profile.locations {
        let is_code = matches!(location.place, Place::Code(..));
        let place = code_location(location, &profile.modules, &old, source);
        match place.map(|place| source.resolve(&place)) {
            Some(resolved) => {
                resolution.resolved += 1;
                let nearest = location.origin.is_some_and(|origin| origin.nearest);
                let pc = location.origin.map_or(PcKind::Interrupted, |origin| origin.pc);
                let Resolved { frames, name, line } = resolved;
                location.origin = Some(FrameOrigin { pc, line, name, nearest });
                location.lines = frames.into_iter().map(|frame| functions.line(frame)).collect();
            }
            None => {
                resolution.left += usize::from(is_code);
                for line in &mut location.lines {
                    let function = old.get(line.function.0 as usize).cloned();
                    line.function = function.map_or(FunctionId(0), |function| functions.id(function));
                }
            }
        }
    }
    profile.functions = functions.0.into_iter().collect();
    resolution
}

/// Tells where a location lies, if `source` knows the code there.
fn code_location(
    location: &Location,
    modules: &[Module],
    functions: &[Function],
    source: &dyn SymbolSource,
) -> Option<CodeLocation> {
    let Place::Code(module, offset) = location.place else {
        return None;
    };
    let module = modules.get(module.0 as usize)?.identity;
    let covering = source.function_at(&module, offset)?;
    // Of offsets between two functions the recording knows which was meant, if nothing named it.
    let physical = location.lines.last().and_then(|line| functions.get(line.function.0 as usize));
    let numbered = physical.and_then(|function| number_of(&function.system_name));
    let function_index = numbered.unwrap_or(covering);
    let approximate = location.origin.is_some_and(|origin| origin.nearest);
    Some(CodeLocation { module, function_index, offset: Some(offset), approximate })
}

/// Reads the number of a function that has no other name.
fn number_of(name: &str) -> Option<u32> {
    name.strip_prefix("wasm-function[")?.strip_suffix(']')?.parse().ok()
}

/// Hashed with a secret: names come from modules and files that may be made to collide.
#[derive(Default)]
struct Functions(IndexSet<Function, RandomState>);

impl Functions {
    fn id(&mut self, function: Function) -> FunctionId {
        FunctionId(u32::try_from(self.0.insert_full(function).0).unwrap_or(u32::MAX))
    }

    fn line(&mut self, frame: ResolvedFrame) -> Line {
        let ResolvedFrame { name, system_name, file, start_line, line, column } = frame;
        Line { function: self.id(Function { name, system_name, file, start_line }), line, column }
    }
}

/// A source that looks nothing up, but for the names of host functions.
pub(crate) struct NotLookedUp<'s>(pub(crate) &'s mut dyn SymbolSource);

impl SymbolSource for NotLookedUp<'_> {
    fn resolve(&mut self, place: &CodeLocation) -> Resolved {
        let name = format!("wasm-function[{}]", place.function_index);
        let frame =
            ResolvedFrame { system_name: name.clone(), name, file: String::new(), start_line: 0, line: 0, column: 0 };
        Resolved {
            frames: vec![frame],
            name: NameOrigin::Unnamed(WhyUnnamed::NotLookedUp),
            line: LineOrigin::Missing(WhyNoLine::NotLookedUp),
        }
    }

    fn function_at(&self, module: &CodeIdentity, offset: CodeOffset) -> Option<u32> {
        self.0.function_at(module, offset)
    }

    fn host_call(&mut self, place: &CodeLocation) -> Option<String> {
        self.0.host_call(place)
    }
}
