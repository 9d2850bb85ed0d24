//! The frames of a recording: functions at a line, as stacks show them.

use std::collections::{HashMap, HashSet};
use std::hash::RandomState;

use indexmap::{IndexMap, IndexSet};
use serde::Serialize;
use wasmscope_model::{
    CodeIdentity, FunctionId, LineOrigin, Location, Marker, Module, ModuleId, Place, Recording, sanitized,
};

/// Stands for a module, file or line that is not known.
const NONE: i64 = -1;

/// What stands in a stack whose frames were not kept.
const NO_STACK: &str = "[no stack]";

/// What a frame is, for its colour; the page has the same numbers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum FrameKind {
    Guest = 0,
    Inlined = 1,
    HostCall = 2,
    Marker = 3,
}

/// What makes functions of the page the same.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    name: String,
    /// The whole path. When two recordings are compared only the name of the file, and none where the function's name is
    /// enough.
    file: String,
    /// `None` when two recordings are compared: their modules may have other names.
    module: Option<usize>,
}

/// A function of the page.
struct PageFunction {
    file: Option<usize>,
    module: Option<usize>,
    start_line: u32,
}

/// A module of the page.
#[derive(PartialEq, Eq, Hash)]
struct PageModule {
    name: String,
    identity: CodeIdentity,
    is_adapter: bool,
}

/// What tells frames apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Frame {
    function: usize,
    line: u32,
    kind: FrameKind,
    is_approximate: bool,
}

/// The frames of recordings, with the functions, files and modules that they name.
pub(crate) struct Frames {
    frames: IndexSet<Frame, RandomState>,
    functions: IndexMap<Key, PageFunction, RandomState>,
    files: IndexSet<String, RandomState>,
    modules: IndexSet<PageModule, RandomState>,
    /// The names that one recording has in several files, when recordings are compared.
    ambiguous: Option<HashSet<String>>,
    no_stack: u32,
}

/// The frames of one recording's locations, by [`wasmscope_model::LocationId`], each outermost first.
pub(crate) type FramesByLocation = Vec<Box<[u32]>>;

/// The functions of one recording that are known, with the module that they were seen in.
type KnownFunctions = HashMap<(FunctionId, Option<ModuleId>), usize>;

impl Frames {
    /// For one recording.
    pub(crate) fn new() -> Self {
        let mut frames = Self {
            frames: IndexSet::default(),
            functions: IndexMap::default(),
            files: IndexSet::default(),
            modules: IndexSet::default(),
            ambiguous: None,
            no_stack: 0,
        };
        let key = Key { name: NO_STACK.to_owned(), file: String::new(), module: None };
        let function = frames.functions.insert_full(key, PageFunction { file: None, module: None, start_line: 0 }).0;
        frames.no_stack = frames.add(Frame { function, line: 0, kind: FrameKind::Marker, is_approximate: false });
        frames
    }

    /// For two recordings, whose functions are the same when their names are, or name and file where one of them has several
    /// of a name.
    pub(crate) fn compared(recordings: [&Recording; 2]) -> Self {
        let ambiguous = recordings.into_iter().flat_map(ambiguous_names).collect();
        Self { ambiguous: Some(ambiguous), ..Self::new() }
    }

    /// Takes the frames of all locations of a recording.
    pub(crate) fn of(&mut self, recording: &Recording) -> FramesByLocation {
        let mut known = KnownFunctions::new();
        let locations = recording.profile.locations.iter();
        locations.map(|location| self.of_location(recording, location, &mut known)).collect()
    }

    /// Returns what stands for a stack without frames.
    pub(crate) fn no_stack(&self) -> u32 {
        self.no_stack
    }

    /// Iterates over the files, as the recording names them, by their position.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    fn of_location(&mut self, recording: &Recording, location: &Location, known: &mut KnownFunctions) -> Box<[u32]> {
        let module = match location.place {
            Place::Code(module, _) | Place::Module(module) | Place::HostCall(module) => Some(module),
            Place::Marker(_) | Place::Unknown => None,
        };
        let is_approximate = location.origin.is_some_and(|origin| origin.line == LineOrigin::Approximate);
        let outermost = location.lines.len().saturating_sub(1);
        let mut frames = Vec::with_capacity(location.lines.len());
        for (depth, line) in location.lines.iter().enumerate().rev() {
            let kind = match location.place {
                Place::HostCall(_) | Place::Marker(Marker::Host) => FrameKind::HostCall,
                Place::Marker(_) => FrameKind::Marker,
                _ if depth == outermost => FrameKind::Guest,
                _ => FrameKind::Inlined,
            };
            let index = known.get(&(line.function, module)).copied();
            let function = index.unwrap_or_else(|| self.function(recording, line.function, module));
            known.insert((line.function, module), function);
            // The innermost line is of the instruction itself; those around it are of calls, which compilers keep.
            let is_approximate = is_approximate && depth == 0;
            frames.push(self.add(Frame { function, line: line.line, kind, is_approximate }));
        }
        frames.into()
    }

    fn add(&mut self, frame: Frame) -> u32 {
        u32::try_from(self.frames.insert_full(frame).0).unwrap_or(u32::MAX)
    }

    fn function(&mut self, recording: &Recording, id: FunctionId, module: Option<ModuleId>) -> usize {
        let function = recording.profile.functions.get(id.0 as usize);
        let name = function.map_or("", |function| &function.name);
        let name = if name.is_empty() { "[unnamed]".to_owned() } else { sanitized(name).into_owned() };
        let file = function.map(|function| sanitized(&function.file).into_owned()).unwrap_or_default();
        let module = module.and_then(|module| self.module(recording.profile.modules.get(module.0 as usize)?));
        let key = match &self.ambiguous {
            Some(ambiguous) => compared_key(ambiguous, name, &file),
            None => Key { name, file: file.clone(), module },
        };
        if let Some(index) = self.functions.get_index_of(&key) {
            return index;
        }
        let file = (!file.is_empty()).then(|| self.files.insert_full(file).0);
        let start_line = function.map_or(0, |function| function.start_line);
        self.functions.insert_full(key, PageFunction { file, module, start_line }).0
    }

    fn module(&mut self, module: &Module) -> Option<usize> {
        let name = if module.name.is_empty() { "[unnamed]".into() } else { sanitized(&module.name) };
        let module = PageModule { name: name.into_owned(), identity: module.identity, is_adapter: module.is_adapter };
        Some(self.modules.insert_full(module).0)
    }

    pub(crate) fn function_columns(&self) -> FunctionColumns<'_> {
        let index = |index: Option<usize>| index.and_then(|it| i64::try_from(it).ok()).unwrap_or(NONE);
        FunctionColumns {
            name: self.functions.keys().map(|key| &*key.name).collect(),
            file: self.functions.values().map(|function| index(function.file)).collect(),
            module: self.functions.values().map(|function| index(function.module)).collect(),
            line: self.functions.values().map(|function| function.start_line).collect(),
        }
    }

    pub(crate) fn frame_columns(&self) -> FrameColumns {
        FrameColumns {
            function: self.frames.iter().map(|frame| frame.function).collect(),
            line: self.frames.iter().map(|frame| frame.line).collect(),
            kind: self.frames.iter().map(|frame| frame.kind as u8).collect(),
            approximate: self.frames.iter().map(|frame| u8::from(frame.is_approximate)).collect(),
        }
    }

    pub(crate) fn module_columns(&self) -> ModuleColumns<'_> {
        ModuleColumns {
            name: self.modules.iter().map(|module| &*module.name).collect(),
            identity: self.modules.iter().map(|module| module.identity.to_string()).collect(),
            adapter: self.modules.iter().map(|module| u8::from(module.is_adapter)).collect(),
        }
    }

    /// Finds a function by its name and the name of its file, as a comparison does.
    pub(crate) fn find_compared(&self, name: &str, file: &str) -> Option<usize> {
        let ambiguous = self.ambiguous.as_ref()?;
        self.functions.get_index_of(&compared_key(ambiguous, name.to_owned(), file))
    }
}

fn compared_key(ambiguous: &HashSet<String>, name: String, file: &str) -> Key {
    let file = if ambiguous.contains(&name) { file_name(file).to_owned() } else { String::new() };
    Key { name, file, module: None }
}

fn ambiguous_names(recording: &Recording) -> impl Iterator<Item = String> {
    let mut files: HashMap<String, String> = HashMap::new();
    let mut ambiguous = HashSet::new();
    for function in &recording.profile.functions {
        let (name, file) = (sanitized(&function.name), file_name(&function.file));
        match files.get(&*name) {
            None => drop(files.insert(name.into_owned(), file.to_owned())),
            Some(known) if known == file => {}
            Some(_) => drop(ambiguous.insert(name.into_owned())),
        }
    }
    ambiguous.into_iter()
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// Functions, a column a property.
#[derive(Serialize)]
pub(crate) struct FunctionColumns<'f> {
    name: Vec<&'f str>,
    file: Vec<i64>,
    module: Vec<i64>,
    line: Vec<u32>,
}

/// Frames, a column a property.
#[derive(Serialize)]
pub(crate) struct FrameColumns {
    function: Vec<usize>,
    line: Vec<u32>,
    kind: Vec<u8>,
    approximate: Vec<u8>,
}

/// Modules, a column a property.
#[derive(Serialize)]
pub(crate) struct ModuleColumns<'f> {
    name: Vec<&'f str>,
    identity: Vec<String>,
    adapter: Vec<u8>,
}
