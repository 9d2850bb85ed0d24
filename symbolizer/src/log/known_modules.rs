//! Which module and function of those known a place in a log means.

use std::collections::HashMap;
use std::sync::Arc;

use wasmscope_model::{CodeIdentity, CodeLocation, CodeOffset, NameOrigin, Resolved, SymbolSource};

use super::mention::{LogFormat, Mention, Position, ShownFunction};
use crate::symbolizer::OTHER_BUILD;
use crate::{DebugFile, DebugFiles, Error, ModuleImage, NotFound, Symbolizer, component_modules, demangle};

/// The modules that a log may speak of.
#[derive(Debug, Default)]
pub struct KnownModules {
    modules: Vec<KnownModule>,
    symbolizer: Symbolizer,
}

/// A module where it lies in its file.
#[derive(Debug)]
struct KnownModule {
    identity: CodeIdentity,
    /// The file's name, and what the `name` section calls the module; without `.wasm`.
    names: Vec<String>,
    /// Where the code section's contents begin in the file.
    code_section_start: u64,
    /// Functions by demangled name, once one was looked for; `None` where several have it.
    by_name: Option<HashMap<String, Option<u32>>>,
}

/// A place that was found, and what is known of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundPlace {
    /// The place. Without an offset only the function is meant.
    pub place: CodeLocation,
    /// What the module tells. Without an offset: of the function's first instruction.
    pub resolved: Resolved,
}

/// Why a place means nothing in the modules that are known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum WhyNotFound {
    /// The offset lies in no function.
    NotInCode,
    /// Another function lies there than the one that is shown.
    OtherFunction,
    /// Several modules have a function there, and nothing tells which is meant.
    Ambiguous,
}

impl KnownModules {
    /// Makes a set of no modules.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a module or component that runs: offsets in logs count in this file.
    ///
    /// # Errors
    ///
    /// When the bytes are not WebAssembly, break off or go wrong somewhere.
    pub fn add_guest(&mut self, name: &str, bytes: &Arc<[u8]>) -> Result<(), Error> {
        for image in read(bytes)? {
            self.add(name, image);
        }
        Ok(())
    }

    /// Takes in a module or component with debug information. It lends that to a guest of the same code, and is itself a
    /// guest when there is none.
    ///
    /// # Errors
    ///
    /// As [`KnownModules::add_guest`].
    pub fn add_symbols(&mut self, name: &str, bytes: &Arc<[u8]>) -> Result<(), Error> {
        for image in read(bytes)? {
            if self.modules.iter().any(|known| known.identity == image.identity()) {
                self.symbolizer.add_module(image);
            } else {
                self.add(name, image);
            }
        }
        Ok(())
    }

    /// Takes in a file that [`DebugFiles`] found for a guest.
    pub fn add_debug_file(&mut self, file: DebugFile) {
        self.symbolizer.add_debug_file(file);
    }

    /// Tells which of the source maps that the user named serve none of the modules, and why.
    pub fn unfit_source_maps(&self, files: &DebugFiles) -> Vec<NotFound> {
        self.symbolizer.unfit_source_maps(files)
    }

    /// Takes in the source maps of modules without DWARF, and returns what the user should know. Each is looked for once.
    pub fn add_source_maps(&mut self, files: &DebugFiles) -> Vec<NotFound> {
        self.symbolizer.add_source_maps(files)
    }

    /// Takes in what was split off the DWARF of modules, and returns what the user should know. It is looked for once.
    pub fn add_split_units(&mut self, files: &DebugFiles) -> Vec<NotFound> {
        self.symbolizer.add_split_units(files)
    }

    /// Tells whether no module is known.
    pub fn is_empty(&self) -> bool {
        self.modules.is_empty()
    }

    fn add(&mut self, file: &str, image: ModuleImage) {
        let names = [Some(file), image.module_name()].into_iter().flatten().map(|name| without_ending(name).to_owned());
        self.modules.push(KnownModule {
            identity: image.identity(),
            names: names.collect(),
            code_section_start: image.code_section_start().get(),
            by_name: None,
        });
        self.symbolizer.add_module(image);
    }

    /// Looks up a bare position.
    ///
    /// # Errors
    ///
    /// When it lies in no function of a module, or in one of several.
    pub fn find_position(&mut self, position: Position) -> Result<FoundPlace, WhyNotFound> {
        self.find_place(LogFormat::Wasmscope, None, ShownFunction::Unknown, Some(position))
    }

    /// Looks up what a log mentions.
    ///
    /// A module is taken by its name: that of its file or of its `name` section, or the last part of its URL. Where the log
    /// has no name for it, or one that is not known, every module counts in which the function shown lies at the offset.
    ///
    /// # Errors
    ///
    /// When no known module has that place, or several have.
    pub fn find(&mut self, mention: &Mention<'_>) -> Result<FoundPlace, WhyNotFound> {
        self.find_place(mention.format, mention.module, mention.function, mention.position)
    }

    fn find_place(
        &mut self,
        format: LogFormat,
        module: Option<&[u8]>,
        function: ShownFunction<'_>,
        position: Option<Position>,
    ) -> Result<FoundPlace, WhyNotFound> {
        let (mut found, mut why): (Option<FoundPlace>, _) = (None, WhyNotFound::NotInCode);
        for index in self.candidates(module) {
            match self.check(index, format, function, position) {
                Ok(place) if found.as_ref().is_some_and(|other| other.place != place.place) => {
                    return Err(WhyNotFound::Ambiguous);
                }
                Ok(place) => found = Some(place),
                Err(other) => why = why.max(other),
            }
        }
        found.ok_or(why)
    }

    /// Lists the modules that may be meant.
    fn candidates(&self, module: Option<&[u8]>) -> Vec<usize> {
        let all = 0..self.modules.len();
        let Some(name) = module.and_then(meaningful_name) else {
            return all.collect();
        };
        let is_called = |index: &usize| {
            self.modules.get(*index).is_some_and(|known| known.names.iter().any(|known| known.as_bytes() == name))
        };
        let called: Vec<usize> = all.clone().filter(is_called).collect();
        if called.is_empty() { all.collect() } else { called }
    }

    /// Looks a place up in one module.
    fn check(
        &mut self,
        index: usize,
        format: LogFormat,
        function: ShownFunction<'_>,
        position: Option<Position>,
    ) -> Result<FoundPlace, WhyNotFound> {
        let known = self.modules.get_mut(index).ok_or(WhyNotFound::NotInCode)?;
        let image = self.symbolizer.module(&known.identity).ok_or(WhyNotFound::NotInCode)?;
        let offset = position.and_then(|position| position.code_offset(known.code_section_start));
        let there = offset.and_then(|offset| image.function_at(offset));
        let (function_index, offset) = match (function, offset) {
            (ShownFunction::Index(shown), Some(_)) if there == Some(shown) => (shown, offset),
            // The offsets of the fast interpreter are its own.
            (ShownFunction::Index(shown), _) if position.is_none() || format == LogFormat::Wamr => {
                image.body(shown).ok_or(WhyNotFound::NotInCode)?;
                (shown, None)
            }
            (ShownFunction::Index(_), _) if there.is_some() => return Err(WhyNotFound::OtherFunction),
            (ShownFunction::Name(shown), _) if position.is_none() => {
                let by_name = known.by_name.get_or_insert_with(|| functions_by_name(image));
                let function = by_name.get(&demangled(shown)).ok_or(WhyNotFound::OtherFunction)?;
                (function.ok_or(WhyNotFound::Ambiguous)?, None)
            }
            _ => (there.ok_or(WhyNotFound::NotInCode)?, offset),
        };
        let place = CodeLocation { module: known.identity, function_index, offset, approximate: false };
        let resolved = self.resolve(place);
        match function {
            ShownFunction::Name(shown) if !self.is_called(&place, &resolved, shown) => Err(WhyNotFound::OtherFunction),
            _ => Ok(FoundPlace { place, resolved }),
        }
    }

    fn resolve(&mut self, place: CodeLocation) -> Resolved {
        if place.offset.is_some() {
            return self.symbolizer.resolve(&place);
        }
        let image = self.symbolizer.module(&place.module);
        let first = image.and_then(|image| image.first_instruction(place.function_index)).map(CodeOffset::new);
        let mut resolved = self.symbolizer.resolve(&CodeLocation { offset: first, ..place });
        // Only the function is meant, not what is inlined at its beginning.
        let inlined = resolved.frames.len().saturating_sub(1);
        resolved.frames.drain(..inlined);
        resolved
    }

    /// Tells whether a function is called that way somewhere; one without any name may be.
    fn is_called(&self, place: &CodeLocation, resolved: &Resolved, shown: &[u8]) -> bool {
        let shown = demangled(shown);
        let index = place.function_index;
        let image = self.symbolizer.module(&place.module);
        let names = image.into_iter().flat_map(|image| [image.name_of(index), image.export_of(index)]).flatten();
        let frames = resolved.frames.iter().flat_map(|frame| [&frame.name, &frame.system_name]);
        matches!(resolved.name, NameOrigin::Unnamed(_))
            || names.map(demangle).any(|name| name == shown)
            || frames.into_iter().any(|name| name.strip_suffix(OTHER_BUILD).unwrap_or(name) == shown)
    }
}

fn read(bytes: &Arc<[u8]>) -> Result<Vec<ModuleImage>, Error> {
    match ModuleImage::parse(bytes.clone()) {
        Ok(image) => Ok(vec![image]),
        Err(Error::Component) => component_modules(bytes),
        Err(error) => Err(error),
    }
}

fn demangled(name: &[u8]) -> String {
    demangle(&String::from_utf8_lossy(name)).into_owned()
}

fn functions_by_name(image: &ModuleImage) -> HashMap<String, Option<u32>> {
    let mut functions = HashMap::new();
    for (index, _) in image.bodies() {
        if let Some(name) = image.name_of(index).or_else(|| image.export_of(index)) {
            functions.entry(demangle(name).into_owned()).and_modify(|known| *known = None).or_insert(Some(index));
        }
    }
    functions
}

/// Returns what a log calls a module, without what surrounds the name; `None` for what stands for no name.
fn meaningful_name(shown: &[u8]) -> Option<&[u8]> {
    let end = shown.iter().position(|byte| matches!(byte, b'?' | b'#')).filter(|_| shown.contains(&b'/'));
    let path = shown.get(..end.unwrap_or(shown.len()))?;
    let name = path.rsplit(|byte| *byte == b'/').next()?;
    let name = without_hash(name);
    let name = name.strip_suffix(b".wasm").unwrap_or(name);
    // `<unknown>`, `<module>`, `<?>`, and wasm3's `.unnamed`.
    (!name.is_empty() && !name.starts_with(b"<") && name != b".unnamed").then_some(name)
}

/// Cuts off the hash that V8 puts behind the name of a module, or in its place.
fn without_hash(name: &[u8]) -> &[u8] {
    let Some(start) = name.len().checked_sub(8) else {
        return name;
    };
    match name.split_at_checked(start) {
        Some((before, hash)) if hash.iter().all(u8::is_ascii_hexdigit) => match before.strip_suffix(b"-") {
            Some(before) => before,
            None if before.is_empty() => before,
            None => name,
        },
        _ => name,
    }
}

fn without_ending(name: &str) -> &str {
    name.strip_suffix(".wasm").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_known_by_the_name_inside_what_is_shown() {
        let name =
            |shown: &str| meaningful_name(shown.as_bytes()).map(|name| String::from_utf8(name.to_vec()).unwrap());
        assert_eq!(name("wasm://wasm/trap.wasm-00034e3a").unwrap(), "trap");
        assert_eq!(name("https://host/pkg/app_bg.wasm?v=3").unwrap(), "app_bg");
        assert_eq!(name("trap.wasm").unwrap(), "trap");
        for nameless in ["wasm://wasm/00034e3a", "<unknown>", "<module>", "<?>", ".unnamed", ""] {
            assert_eq!(name(nameless), None, "{nameless}");
        }
    }
}
