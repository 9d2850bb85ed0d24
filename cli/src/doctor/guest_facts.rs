//! What is known of a guest.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use wasmscope_symbolizer::{
    ComponentSurface, DebugFiles, FoundSourceMap, Inspection, ModuleImage, NotFound, SplitSearchResult, SplitUnits,
    SplitWanted, Toolchain, component_modules,
};

use super::debug_files;
use super::input::GuestFile;
use super::prognosis::Prognosis;

/// Modules with less of a component's code than this share are no reason for a finding.
const IMPORTANT_SHARE: f64 = 0.05;

/// One core module of a guest.
pub struct ModuleFacts {
    /// What the module itself is.
    pub inspection: Inspection,
    /// A file with the same code and more debug information, and what that is worth.
    pub debug_file: Option<(PathBuf, Inspection)>,
    /// The source map that the module or its debug file names, or why it is not read; `None` where there is DWARF.
    pub source_map: Option<Result<FoundSourceMap, NotFound>>,
    /// The files with units that were split off its DWARF.
    pub split_files: Vec<PathBuf>,
    /// What will resolve, with the debug file if there is one.
    pub prognosis: Prognosis,
    /// How much of the guest's code it is, adapters left out.
    pub weight: f64,
}

/// What is known of a guest.
pub struct GuestFacts {
    /// The file.
    pub file: GuestFile,
    /// What a component takes and gives; `None` for core modules.
    pub component: Option<ComponentSurface>,
    /// Its core modules, in the order of the file.
    pub modules: Vec<ModuleFacts>,
}

impl ModuleFacts {
    /// Looks at a module of the guest in `file`; its weight is for others to say.
    fn of(image: &ModuleImage, file: &Path, symbols: &[PathBuf]) -> Result<Self> {
        let folder = file.parent();
        let mut inspection = Inspection::of(image);
        let debug_file = debug_file_of(&inspection, symbols)?;
        let files = DebugFiles::new(symbols.to_vec()).beside_module(file);
        let (split, no_units) = match &debug_file {
            Some((path, image)) => split_units(&files, image, Some(path)),
            None => split_units(&files, image, None),
        };
        let named_by =
            |image: &ModuleImage, folder| if image.has_dwarf() { None } else { files.source_map(image, folder) };
        let mut source_map = named_by(image, folder);
        if let Some((path, debug_image)) = &debug_file
            && !matches!(source_map, Some(Ok(_)))
        {
            source_map = named_by(debug_image, path.parent()).or(source_map);
        }
        let map = source_map.as_ref().and_then(|found| found.as_ref().ok()).map(|found| &found.map);
        if map.is_some() {
            inspection = Inspection::with_source_map(image, map);
        }
        let with_split = |image: &ModuleImage| match split.is_empty() {
            true => Inspection::with_source_map(image, map),
            false => Inspection::with_split_units(image, &split),
        };
        if debug_file.is_none() && !split.is_empty() {
            inspection = with_split(image);
        }
        let debug_file = debug_file.map(|(path, image)| (path, with_split(&image)));
        let source = debug_file.as_ref().map_or(&inspection, |(_, source)| source);
        let no_map = source_map.as_ref().and_then(|found| found.as_ref().err());
        let prognosis = Prognosis::of(source, no_map, &no_units);
        let split_files = split.files().map(Path::to_owned).collect();
        Ok(Self { prognosis, weight: 0.0, source_map, split_files, debug_file, inspection })
    }

    /// Returns the inspection of what names and lines come from.
    pub fn source(&self) -> &Inspection {
        self.debug_file.as_ref().map_or(&self.inspection, |(_, inspection)| inspection)
    }

    /// Returns what people call the module.
    pub fn name(&self, number: usize) -> String {
        self.inspection.module_name.clone().unwrap_or_else(|| format!("module {number}"))
    }
}

impl GuestFacts {
    /// Looks at each core module of a guest.
    pub fn of(file: GuestFile, symbols: &[PathBuf]) -> Result<Self> {
        let refused = || format!("cannot read {}", file.path);
        let images = match file.is_component {
            true => component_modules(&file.bytes).with_context(refused)?,
            false => vec![ModuleImage::parse(file.bytes.clone()).with_context(refused)?],
        };
        let component = match file.is_component {
            true => Some(ComponentSurface::of(&file.bytes).with_context(refused)?),
            false => None,
        };
        let mut modules = Vec::new();
        for image in &images {
            modules.push(ModuleFacts::of(image, Path::new(&file.path), symbols)?);
        }
        let own = modules.iter().filter(|module| !module.inspection.is_adapter);
        let code = |module: &ModuleFacts| module.inspection.coverage.all.code.get();
        let all_code = own.fold(0u64, |sum, module| sum.saturating_add(code(module)));
        for module in modules.iter_mut().filter(|module| !module.inspection.is_adapter) {
            module.weight = code(module) as f64 / all_code.max(1) as f64;
        }
        Ok(Self { file, component, modules })
    }

    /// Returns the modules that are the guest's own, with their numbers, the adapters left out.
    pub fn own_modules(&self) -> impl Iterator<Item = (usize, &ModuleFacts)> {
        self.modules.iter().enumerate().filter(|(_, module)| !module.inspection.is_adapter)
    }

    /// Returns what is important and will not resolve.
    pub fn findings(&self) -> Vec<String> {
        let important = self.own_modules().filter(|(_, module)| module.weight >= IMPORTANT_SHARE);
        let of_modules = important.flat_map(|(number, module)| {
            let name = if self.modules.len() > 1 { format!("{}: ", module.name(number)) } else { String::new() };
            module.prognosis.findings().into_iter().map(move |finding| format!("{name}{finding}"))
        });
        of_modules.collect()
    }

    /// Returns the toolchains that made the guest, the one whose advice matters most first.
    pub fn toolchains(&self) -> Vec<Toolchain> {
        let whole = |tool| self.component.as_ref().is_some_and(|surface| surface.producers.tool(tool).is_some());
        let mut toolchains = Vec::new();
        if whole("ComponentizeJS") {
            toolchains.push(Toolchain::ComponentizeJs);
        }
        let mut modules: Vec<_> = self.own_modules().map(|(_, module)| module).collect();
        modules.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        let own: Vec<_> = modules.iter().flat_map(|module| module.source().toolchains.clone()).collect();
        if self.component.is_some() && (own.contains(&Toolchain::CPython) || whole("component-init-transform")) {
            toolchains.push(Toolchain::ComponentizePy);
        }
        for toolchain in own {
            if !toolchains.contains(&toolchain) {
                toolchains.push(toolchain);
            }
        }
        toolchains
    }
}

/// Finds what was split off a module's DWARF, and says what is not there.
fn split_units(files: &DebugFiles, image: &ModuleImage, path: Option<&Path>) -> (SplitUnits, Vec<NotFound>) {
    let SplitSearchResult { mut found, problems, .. } = files.search_split(&[SplitWanted::of(image, path)]);
    (found.pop().unwrap_or_default(), problems)
}

/// Finds a module with the same code that knows more of it, among files that the user names.
fn debug_file_of(inspection: &Inspection, symbols: &[PathBuf]) -> Result<Option<(PathBuf, ModuleImage)>> {
    if inspection.dwarf.is_some() {
        return Ok(None);
    }
    let names_map = inspection.surface.source_map.is_some();
    let is_better = |image: &ModuleImage| {
        let has_names = inspection.names.is_none() && image.has_names();
        image.has_dwarf() || has_names || !names_map && image.source_map().is_some()
    };
    debug_files::find(&inspection.identity, symbols, is_better)
}
