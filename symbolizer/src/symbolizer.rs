//! From places in code to names and lines.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use std::collections::HashMap;
use wasmscope_model::{
    CodeIdentity, CodeLocation, CodeOffset, LineOrigin, NameOrigin, Resolved, ResolvedFrame, SymbolSource, WhyNoLine,
    WhyUnnamed,
};

use crate::call_site::{Callee, call_sites};
use crate::debug_files::{DebugFile, DebugFiles, Fit, NotFound, SplitWanted, Wanted};
use crate::debug_info::{Chain, DebugInfo};
use crate::demangle::demangle;
use crate::{ModuleImage, SourceMap, SplitUnits};

/// Marks names from a debug file of another build, in every format.
pub(crate) const OTHER_BUILD: &str = " [other build]";

/// When the names and paths of resolved places take more than this, the places are forgotten, to be looked up again.
const MAX_CHAIN_BYTES: usize = 64 << 20;

/// Resolves places in any number of modules. Each place is looked up once, as long as memory allows.
#[derive(Debug, Default)]
pub struct Symbolizer {
    modules: HashMap<CodeIdentity, Known>,
    /// Functions of modules whose bytes are not known.
    names: HashMap<(CodeIdentity, u32), String>,
}

#[derive(Debug)]
struct Known {
    image: Rc<ModuleImage>,
    /// Where `image` lies, if it was found as a debug file.
    path: Option<PathBuf>,
    /// A file with debug information of this code.
    debug_file: Option<KnownFile>,
    source_map: SourceMapState,
    /// What was split off the DWARF; `None` until it is looked for.
    split: Option<SplitUnits>,
    debug_info: DebugState,
    chains: HashMap<(u32, CodeOffset), Chain>,
    /// How many bytes of names and paths `chains` holds.
    chain_bytes: usize,
    /// Calling instructions by function.
    call_sites: HashMap<u32, Vec<(CodeOffset, Callee)>>,
}

/// A file with debug information.
#[derive(Debug)]
struct KnownFile {
    image: Rc<ModuleImage>,
    path: Option<PathBuf>,
    is_other_build: bool,
}

#[derive(Debug)]
enum SourceMapState {
    NotLookedFor,
    Absent,
    Present(SourceMap),
}

#[derive(Debug)]
enum DebugState {
    Unparsed,
    Parsed(DebugInfo),
    Absent,
}

impl Symbolizer {
    /// Makes a symbolizer that knows no module.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a module; of two with the same code the first stays, unless only the second has DWARF, else names, else a
    /// source map.
    pub fn add_module(&mut self, image: ModuleImage) {
        let known = self.modules.get(&image.identity());
        if known.is_none_or(|known| known.image.worth() < image.worth()) {
            self.modules.insert(image.identity(), Known::new(image));
        }
    }

    /// Takes in a file that [`crate::DebugFiles`] found.
    pub fn add_debug_file(&mut self, file: DebugFile) {
        let DebugFile { identity, image, fit, path } = file;
        let (path, is_other_build) = (Some(path), fit == Fit::Forced);
        let Some(known) = self.modules.get_mut(&identity) else {
            // Only the code of the file tells of the module, so it must be the same, or be taken for the same.
            if matches!(fit, Fit::SameCode | Fit::Forced) {
                let mut known = Known::new(image);
                let image = known.image.clone();
                known.debug_file = is_other_build.then_some(KnownFile { image, path: None, is_other_build });
                known.path = path;
                self.modules.insert(identity, known);
            }
            return;
        };
        if image.has_dwarf() && !known.image.has_dwarf() {
            known.debug_info = DebugState::Unparsed;
            known.split = None;
            known.forget_chains();
        }
        known.debug_file = Some(KnownFile { image: Rc::new(image), path, is_other_build });
    }

    /// Takes in the source maps that modules without DWARF name, or their debug files do, and returns what the user should
    /// know. Each is looked for once; DWARF that is added later counts for more.
    pub fn add_source_maps(&mut self, files: &DebugFiles) -> Vec<NotFound> {
        let mut modules: Vec<_> = self.modules.values_mut().filter(|known| known.lacks_lines()).collect();
        modules.sort_by_key(|known| known.image.identity());
        modules.into_iter().flat_map(|known| known.add_source_map(files)).collect()
    }

    /// Takes in what was split off the DWARF of modules, and returns what the user should know. It is looked for once.
    pub fn add_split_units(&mut self, files: &DebugFiles) -> Vec<NotFound> {
        let mut modules: Vec<_> = self.modules.values_mut().filter(|known| known.split.is_none()).collect();
        modules.retain(|known| known.dwarf().is_some());
        modules.sort_by_key(|known| known.image.identity());
        let wanted: Vec<_> = modules
            .iter()
            .filter_map(|known| known.dwarf())
            .map(|(dwarf, path)| SplitWanted::of(dwarf, path))
            .collect();
        let result = files.search_split(&wanted);
        let problems = result.all_problems().cloned().collect();
        for (known, found) in modules.into_iter().zip(result.found) {
            known.take_split_units(found.units);
        }
        problems
    }

    /// Tells which of the source maps that the user named serve none of the modules, and why.
    pub fn unfit_source_maps(&self, files: &DebugFiles) -> Vec<NotFound> {
        let file_of = |known: &'_ Known| known.debug_file.as_ref().map(|file| file.image.clone());
        let own = self.modules.values().map(|known| known.image.clone());
        let images: Vec<_> = own.chain(self.modules.values().filter_map(file_of)).collect();
        files.unfit_source_maps(images.iter().map(|image| &**image))
    }

    /// Tells what is missing: modules whose own bytes have no DWARF, and which have no source map.
    pub fn wanted(&self) -> Vec<Wanted> {
        let lacks = |known: &&Known| known.lacks_lines() && !known.image.is_adapter();
        let without = self.modules.values().filter(lacks);
        let mut wanted: Vec<_> = without.map(|known| Wanted::of(&known.image)).collect();
        wanted.sort_by_key(|wanted| wanted.identity);
        wanted
    }

    /// Takes in the name of a function of a module whose bytes are not known; with the bytes it would not count.
    pub fn add_name(&mut self, module: CodeIdentity, function_index: u32, name: &str) {
        self.names.insert((module, function_index), crate::names::cut(name).to_owned());
    }

    /// Returns a module that was taken in.
    pub fn module(&self, identity: &CodeIdentity) -> Option<&ModuleImage> {
        self.modules.get(identity).map(|known| &*known.image)
    }
}

impl SymbolSource for Symbolizer {
    fn resolve(&mut self, place: &CodeLocation) -> Resolved {
        let Some(known) = self.modules.get_mut(&place.module) else {
            let mut frame = unnamed(place.function_index);
            let mut name = NameOrigin::Unnamed(WhyUnnamed::NoModule);
            if let Some(known) = self.names.get(&(place.module, place.function_index)) {
                frame.name = demangle(known).into_owned();
                frame.system_name.clone_from(known);
                name = NameOrigin::NameSection;
            }
            return Resolved { frames: vec![frame], name, line: LineOrigin::Missing(WhyNoLine::NoDebugInfo) };
        };
        known.resolve(place)
    }

    fn function_at(&self, module: &CodeIdentity, offset: CodeOffset) -> Option<u32> {
        self.modules.get(module)?.image.function_at(offset)
    }

    fn host_call(&mut self, place: &CodeLocation) -> Option<String> {
        let known = self.modules.get_mut(&place.module)?;
        if place.approximate {
            return None;
        }
        known.host_call(place.function_index, place.offset?)
    }
}

impl Known {
    fn new(image: ModuleImage) -> Self {
        Self {
            debug_info: if image.has_dwarf() { DebugState::Unparsed } else { DebugState::Absent },
            image: Rc::new(image),
            path: None,
            debug_file: None,
            source_map: SourceMapState::NotLookedFor,
            split: None,
            chains: HashMap::default(),
            chain_bytes: 0,
            call_sites: HashMap::default(),
        }
    }

    fn lacks_lines(&self) -> bool {
        let has_map = matches!(self.source_map, SourceMapState::Present(_));
        !has_map && matches!(self.debug_info, DebugState::Absent)
    }

    /// Returns what the DWARF stands in, and where that lies if it is a debug file.
    fn dwarf(&self) -> Option<(&ModuleImage, Option<&Path>)> {
        let own = (&*self.image, self.path.as_deref());
        let of_file = self.debug_file.iter().map(|file| (&*file.image, file.path.as_deref()));
        [own].into_iter().chain(of_file).find(|(image, _)| image.has_dwarf())
    }

    fn take_split_units(&mut self, units: SplitUnits) {
        if !units.is_empty() {
            self.debug_info = DebugState::Unparsed;
            self.forget_chains();
        }
        self.split = Some(units);
    }

    fn add_source_map(&mut self, files: &DebugFiles) -> Vec<NotFound> {
        if !matches!(self.source_map, SourceMapState::NotLookedFor) {
            return Vec::new();
        }
        let own = (self.image.clone(), self.path.clone());
        // Offsets of a map mean something in the file with the code only.
        let fits = |file: &&KnownFile| !file.is_other_build && file.image.defined_functions() > 0;
        let of_file = self.debug_file.as_ref().filter(fits).map(|file| (file.image.clone(), file.path.clone()));
        let mut problems = Vec::new();
        for (image, path) in [own].into_iter().chain(of_file) {
            match files.source_map(&image, path.as_deref().and_then(Path::parent)) {
                Some(Ok(found)) => {
                    let problem = found.problem(&image);
                    self.source_map = SourceMapState::Present(found.map);
                    self.forget_chains();
                    return problem.into_iter().collect();
                }
                Some(Err(problem)) => {
                    self.source_map = SourceMapState::Absent;
                    problems.push(problem);
                }
                None => {}
            }
        }
        problems.dedup();
        problems
    }

    fn forget_chains(&mut self) {
        self.chains.clear();
        self.chain_bytes = 0;
    }

    fn resolve(&mut self, place: &CodeLocation) -> Resolved {
        let chain = match place.offset {
            Some(offset) => self.chain(place.function_index, offset),
            None => Ok(None),
        };
        let (physical, mut name) = self.physical(place.function_index);
        if let (NameOrigin::Unnamed(why), Err(())) = (&mut name, &chain) {
            *why = WhyUnnamed::Unreadable;
        }
        let mut frames = match &chain {
            Ok(Some(found)) if !found.frames.is_empty() => found.frames.clone(),
            _ => vec![physical.clone()],
        };
        let covered = matches!(chain, Ok(Some(_)));
        if let Some(outermost) = frames.last_mut() {
            // Assemblers of the text format describe functions without a name by their number.
            let is_named =
                !outermost.system_name.is_empty() && outermost.system_name != placeholder(place.function_index);
            if covered && is_named {
                name = NameOrigin::Dwarf;
            } else {
                outermost.name = physical.name;
                outermost.system_name = physical.system_name;
            }
        }
        for inlinee in frames.iter_mut().filter(|frame| frame.name.is_empty()) {
            inlinee.name = "[unnamed inlined function]".to_owned();
        }
        let has_line = frames.iter().any(|frame| frame.line != 0);
        let line = match (&self.debug_info, &chain) {
            _ if has_line && place.approximate => LineOrigin::Approximate,
            _ if has_line => LineOrigin::Exact,
            (DebugState::Absent, _) if self.lacks_lines() => LineOrigin::Missing(WhyNoLine::NoDebugInfo),
            (_, Err(())) => LineOrigin::Missing(WhyNoLine::Unreadable),
            _ => LineOrigin::Missing(WhyNoLine::NotCovered),
        };
        let is_other_unit = chain.is_ok_and(|found| found.is_some_and(|found| found.is_other_build));
        self.marked(Resolved { frames, name, line }, is_other_unit)
    }

    /// Marks what a debug file of another build has told, or a split unit of one.
    fn marked(&self, mut resolved: Resolved, is_other_unit: bool) -> Resolved {
        if is_other_unit {
            if resolved.name == NameOrigin::Dwarf {
                resolved.name = NameOrigin::OtherBuild;
            }
            if matches!(resolved.line, LineOrigin::Exact | LineOrigin::Approximate) {
                resolved.line = LineOrigin::OtherBuild;
            }
        }
        if let Some(KnownFile { image, is_other_build: true, .. }) = &self.debug_file {
            // Where nothing else is known of the module, every name is the other build's.
            let is_all_there_is = Rc::ptr_eq(image, &self.image);
            // A source map is of the module, and the file has no part in it.
            let has_lines_of_file = is_all_there_is || !matches!(self.debug_info, DebugState::Absent);
            let from_sections = matches!(resolved.name, NameOrigin::NameSection | NameOrigin::Export);
            if resolved.name == NameOrigin::Dwarf || (is_all_there_is && from_sections) {
                resolved.name = NameOrigin::OtherBuild;
            }
            if has_lines_of_file && matches!(resolved.line, LineOrigin::Exact | LineOrigin::Approximate) {
                resolved.line = LineOrigin::OtherBuild;
            }
        }
        if resolved.name == NameOrigin::OtherBuild || resolved.line == LineOrigin::OtherBuild {
            resolved.frames.iter_mut().for_each(|frame| frame.name.push_str(OTHER_BUILD));
        }
        resolved
    }

    fn chain(&mut self, function_index: u32, offset: CodeOffset) -> Chain {
        if let Some(chain) = self.chains.get(&(function_index, offset)) {
            return chain.clone();
        }
        if matches!(self.debug_info, DebugState::Unparsed) {
            let dwarf = self.dwarf().map_or(&*self.image, |(dwarf, _)| dwarf);
            let none = SplitUnits::default();
            let parsed = DebugInfo::parse(&self.image, dwarf, self.split.as_ref().unwrap_or(&none));
            self.debug_info = DebugState::Parsed(parsed);
        }
        let chain = match &mut self.debug_info {
            DebugState::Parsed(debug_info) => debug_info.frames_at(offset, function_index),
            DebugState::Absent | DebugState::Unparsed => match &self.source_map {
                SourceMapState::Present(map) => map.frames_at(offset, function_index, &self.image),
                SourceMapState::NotLookedFor | SourceMapState::Absent => Ok(None),
            },
        };
        let bytes = chain
            .iter()
            .flatten()
            .flat_map(|found| &found.frames)
            .map(|frame| frame.name.len().saturating_add(frame.system_name.len()).saturating_add(frame.file.len()));
        self.chain_bytes = bytes.fold(self.chain_bytes, usize::saturating_add);
        if self.chain_bytes > MAX_CHAIN_BYTES {
            self.forget_chains();
        }
        self.chains.insert((function_index, offset), chain.clone());
        chain
    }

    /// Names a function without DWARF.
    fn physical(&self, function_index: u32) -> (ResolvedFrame, NameOrigin) {
        let names = &self.image.names;
        let in_file = || {
            let file = self.debug_file.as_ref()?;
            let origin = if file.is_other_build { NameOrigin::OtherBuild } else { NameOrigin::NameSection };
            Some((file.image.name_of(function_index)?, origin))
        };
        let own = names.function(function_index).map(|name| (name, NameOrigin::NameSection));
        let export = || Some((self.image.export_of(function_index)?, NameOrigin::Export));
        let (system_name, origin) = match own.or_else(in_file).or_else(export) {
            Some(found) => found,
            None => {
                let has_dwarf = !matches!(self.debug_info, DebugState::Absent);
                let why = match (names.unreadable, names.present || has_dwarf) {
                    (true, _) => WhyUnnamed::Unreadable,
                    (false, true) => WhyUnnamed::NotListed,
                    (false, false) => WhyUnnamed::NoNames,
                };
                return (unnamed(function_index), NameOrigin::Unnamed(why));
            }
        };
        let frame = ResolvedFrame {
            name: demangle(system_name).into_owned(),
            system_name: system_name.to_owned(),
            ..unnamed(function_index)
        };
        (frame, origin)
    }

    fn host_call(&mut self, function_index: u32, offset: CodeOffset) -> Option<String> {
        let image = &self.image;
        let sites = self
            .call_sites
            .entry(function_index)
            .or_insert_with(|| image.body(function_index).map(|body| call_sites(image, body)).unwrap_or_default());
        let index = sites.binary_search_by_key(&offset, |(offset, _)| *offset).ok()?;
        match &sites.get(index)?.1 {
            Callee::Function(callee) => image.function_imports().get(*callee as usize).cloned(),
            Callee::Runtime(name) => Some((*name).to_owned()),
            Callee::Indirect => self.image.is_adapter().then(|| lowered_name(self.image.name_of(function_index)?))?,
        }
    }
}

/// Reads which host function a component's shim calls, from the shim's own name: `indirect-PACKAGE@VERSION-FUNCTION`.
fn lowered_name(shim: &str) -> Option<String> {
    let (package, rest) = shim.strip_prefix("indirect-")?.split_once('@')?;
    let (version, function) = rest.split_once('-')?;
    Some(format!("{package}@{version}.{function}"))
}

fn placeholder(function_index: u32) -> String {
    format!("wasm-function[{function_index}]")
}

fn unnamed(function_index: u32) -> ResolvedFrame {
    let name = placeholder(function_index);
    ResolvedFrame { system_name: name.clone(), name, file: String::new(), start_line: 0, line: 0, column: 0 }
}
