//! The frames of one thread, with the functions, modules and strings that they name.

use std::borrow::Cow;
use std::hash::RandomState;

use indexmap::{IndexMap, IndexSet};
use rustc_hash::FxHashMap;
use serde::ser::{Serialize, SerializeMap, Serializer};
use wasmscope_model::{FunctionId, LocationId, ModuleId, Place, Recording};

use super::category_of;
use crate::export::display_name::{sanitized, shown_name};
use crate::export::frame_kind::FrameKind;
use crate::export::json_column::Column;

/// The kind of resource that is a library.
const LIBRARY: u8 = 1;

/// A frame: one line of a location.
#[derive(Clone, Copy)]
struct Frame {
    location: LocationId,
    /// A position in the location's lines, which are innermost first.
    depth: usize,
    function: usize,
    symbol: Option<usize>,
}

/// The frames of one thread, with the functions, modules and strings that they name.
pub(super) struct FrameTables<'r> {
    recording: &'r Recording,
    frames: Vec<Frame>,
    /// The outermost frame of each location; those inlined into it follow.
    first_frames: FxHashMap<LocationId, usize>,
    /// Functions by module.
    functions: IndexMap<(FunctionId, Option<ModuleId>), Names, RandomState>,
    /// Physical functions, with the lowest address seen in each: recordings do not have that of its beginning.
    symbols: IndexMap<(FunctionId, ModuleId), u32, RandomState>,
    modules: IndexMap<ModuleId, usize, RandomState>,
    strings: IndexSet<Cow<'r, str>, RandomState>,
}

/// The strings of a function.
#[derive(Clone, Copy)]
struct Names {
    name: usize,
    file: Option<usize>,
    resource: Option<usize>,
}

impl<'r> FrameTables<'r> {
    /// Makes the tables for locations without duplicates.
    pub(super) fn new(recording: &'r Recording, locations: &[LocationId]) -> Self {
        let mut tables = Self {
            recording,
            frames: Vec::new(),
            first_frames: FxHashMap::default(),
            functions: IndexMap::default(),
            symbols: IndexMap::default(),
            modules: IndexMap::default(),
            strings: IndexSet::default(),
        };
        locations.iter().for_each(|location| tables.add(*location));
        tables
    }

    /// Returns the position of a string, which is added when it is new.
    pub(super) fn string(&mut self, text: Cow<'r, str>) -> usize {
        self.strings.insert_full(text).0
    }

    /// Returns the frame of a line of a location.
    pub(super) fn frame(&self, location: LocationId, depth: usize) -> Option<usize> {
        let lines = self.recording.profile.locations.get(location.0 as usize)?.lines.len();
        Some(self.first_frames.get(&location)? + lines.checked_sub(depth + 1)?)
    }

    fn add(&mut self, id: LocationId) {
        let Some(location) = self.recording.profile.locations.get(id.0 as usize) else { return };
        let module = match location.place {
            Place::Code(module, _) | Place::Module(module) | Place::HostCall(module) => Some(module),
            Place::Marker(_) | Place::Unknown => None,
        };
        let symbol = match (location.place, location.lines.last()) {
            (Place::Code(module, offset), Some(line)) => {
                let lowest = self.symbols.entry((line.function, module));
                let index = lowest.index();
                let lowest = lowest.or_insert(offset.get());
                *lowest = offset.get().min(*lowest);
                Some(index)
            }
            _ => None,
        };
        self.first_frames.insert(id, self.frames.len());
        for (depth, line) in location.lines.iter().enumerate().rev() {
            let function = self.function(line.function, module);
            self.frames.push(Frame { location: id, depth, function, symbol });
        }
    }

    fn function(&mut self, id: FunctionId, module: Option<ModuleId>) -> usize {
        if let Some(index) = self.functions.get_index_of(&(id, module)) {
            return index;
        }
        let function = self.recording.profile.functions.get(id.0 as usize);
        let name = self.string(shown_name(function.map_or("", |function| &function.name)));
        let file = function.map(|function| &*function.file).filter(|file| !file.is_empty());
        let file = file.map(|file| self.string(sanitized(file)));
        let resource = module.map(|module| self.resource(module));
        self.functions.insert_full((id, module), Names { name, file, resource }).0
    }

    fn resource(&mut self, module: ModuleId) -> usize {
        if let Some(index) = self.modules.get_index_of(&module) {
            return index;
        }
        let name = self.recording.profile.modules.get(module.0 as usize).map_or("", |module| &module.name);
        let name = self.string(shown_name(name));
        self.modules.insert_full(module, name).0
    }

    /// Writes the tables as entries of a thread.
    pub(super) fn write_entries<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("frameTable", &FrameTable(self))?;
        map.serialize_entry("funcTable", &FunctionTable(self))?;
        map.serialize_entry("nativeSymbols", &NativeSymbols(self))?;
        map.serialize_entry("resourceTable", &ResourceTable(self))?;
        map.serialize_entry("stringArray", &Column(|| &self.strings))
    }
}

/// Returns a number that is there, or `null` for 0.
fn known(number: u32) -> Option<u32> {
    (number > 0).then_some(number)
}

struct FrameTable<'t>(&'t FrameTables<'t>);

impl Serialize for FrameTable<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tables = self.0;
        let frames = &tables.frames;
        let location = |frame: &Frame| tables.recording.profile.locations.get(frame.location.0 as usize);
        let line = |frame: &Frame| location(frame).and_then(|location| location.lines.get(frame.depth));
        let address = |frame: &Frame| match location(frame).map(|location| location.place) {
            Some(Place::Code(_, offset)) => i64::from(offset.get()),
            _ => -1,
        };
        let inline_depth = |frame: &Frame| location(frame).map_or(0, |location| location.lines.len() - 1 - frame.depth);
        let kind = |frame: &Frame| location(frame).map(|location| FrameKind::of(location, frame.depth));
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("length", &frames.len())?;
        map.serialize_entry("address", &Column(|| frames.iter().map(address)))?;
        map.serialize_entry("inlineDepth", &Column(|| frames.iter().map(inline_depth)))?;
        map.serialize_entry("category", &Column(|| frames.iter().map(|frame| kind(frame).map_or(0, category_of))))?;
        map.serialize_entry("subcategory", &Column(|| frames.iter().map(|_| 0)))?;
        map.serialize_entry("func", &Column(|| frames.iter().map(|frame| frame.function)))?;
        map.serialize_entry("nativeSymbol", &Column(|| frames.iter().map(|frame| frame.symbol)))?;
        map.serialize_entry("innerWindowID", &Column(|| frames.iter().map(|_| 0)))?;
        map.serialize_entry("line", &Column(|| frames.iter().map(|frame| line(frame).and_then(|it| known(it.line)))))?;
        let column = |frame: &Frame| line(frame).and_then(|it| known(it.column));
        map.serialize_entry("column", &Column(|| frames.iter().map(column)))?;
        map.end()
    }
}

struct FunctionTable<'t>(&'t FrameTables<'t>);

impl Serialize for FunctionTable<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let functions = &self.0.functions;
        let start_line = |(id, _): &(FunctionId, Option<ModuleId>)| {
            let function = self.0.recording.profile.functions.get(id.0 as usize);
            function.and_then(|function| known(function.start_line))
        };
        let resource = |names: &Names| names.resource.and_then(|it| i64::try_from(it).ok()).unwrap_or(-1);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("length", &functions.len())?;
        map.serialize_entry("name", &Column(|| functions.values().map(|names| names.name)))?;
        map.serialize_entry("isJS", &Column(|| functions.iter().map(|_| false)))?;
        map.serialize_entry("relevantForJS", &Column(|| functions.iter().map(|_| false)))?;
        map.serialize_entry("resource", &Column(|| functions.values().map(resource)))?;
        map.serialize_entry("fileName", &Column(|| functions.values().map(|names| names.file)))?;
        map.serialize_entry("lineNumber", &Column(|| functions.keys().map(start_line)))?;
        map.serialize_entry("columnNumber", &Column(|| functions.iter().map(|_| ())))?;
        map.end()
    }
}

struct NativeSymbols<'t>(&'t FrameTables<'t>);

impl Serialize for NativeSymbols<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let FrameTables { symbols, functions, .. } = self.0;
        let name = |(function, module): &(FunctionId, ModuleId)| {
            functions.get(&(*function, Some(*module))).map_or(0, |names| names.name)
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("length", &symbols.len())?;
        map.serialize_entry("libIndex", &Column(|| symbols.keys().map(|(_, module)| module.0)))?;
        map.serialize_entry("address", &Column(|| symbols.values()))?;
        map.serialize_entry("name", &Column(|| symbols.keys().map(name)))?;
        map.serialize_entry("functionSize", &Column(|| symbols.iter().map(|_| ())))?;
        map.end()
    }
}

struct ResourceTable<'t>(&'t FrameTables<'t>);

impl Serialize for ResourceTable<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let modules = &self.0.modules;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("length", &modules.len())?;
        map.serialize_entry("lib", &Column(|| modules.keys().map(|module| module.0)))?;
        map.serialize_entry("name", &Column(|| modules.values()))?;
        map.serialize_entry("host", &Column(|| modules.iter().map(|_| ())))?;
        map.serialize_entry("type", &Column(|| modules.iter().map(|_| LIBRARY)))?;
        map.end()
    }
}
