//! What is known of a guest.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use wasmscope_symbolizer::{
    ComponentSurface, DebugFile, DebugFiles, Fit, FoundSourceMap, FoundSplitUnits, Inspection, ModuleImage, NotFound,
    SearchResult, SplitWanted, Toolchain, Wanted, component_modules,
};

use super::input::GuestFile;
use super::prognosis::Prognosis;
use crate::symbol_options::{refuse_unfit, refuse_unfit_split};

/// Modules with less of a component's code than this share are no reason for a finding.
const IMPORTANT_SHARE: f64 = 0.05;

/// One core module of a guest.
pub struct ModuleFacts {
    /// What the module itself is.
    pub inspection: Inspection,
    /// A file that knows more of the same code, and what that is worth.
    pub debug_file: Option<FileFacts>,
    /// The source map of the module or its debug file, or why it is not read; `None` where there is DWARF.
    pub source_map: Option<Result<FoundSourceMap, NotFound>>,
    /// The files with units that were split off its DWARF.
    pub split_files: Vec<PathBuf>,
    /// What will resolve, with the debug file if there is one.
    pub prognosis: Prognosis,
    /// How much of the guest's code it is, adapters left out.
    pub weight: f64,
}

/// A file with debug information.
pub struct FileFacts {
    /// Where it lies.
    pub path: PathBuf,
    /// Why it is the module's.
    pub fit: Fit,
    /// What it and the module tell together.
    pub inspection: Inspection,
}

/// What is known of a guest.
pub struct GuestFacts {
    /// The file.
    pub file: GuestFile,
    /// What a component takes and gives; `None` for core modules.
    pub component: Option<ComponentSurface>,
    /// Its core modules, in the order of the file.
    pub modules: Vec<ModuleFacts>,
    /// What was not found of the debug files that modules name.
    pub problems: Vec<NotFound>,
}

impl ModuleFacts {
    /// Looks at a module and what was found for it; its weight is for others to say.
    fn of(image: &ModuleImage, found: Option<&DebugFile>, split: &FoundSplitUnits, files: &DebugFiles) -> Self {
        let mut inspection = Inspection::of(image);
        let found = found.filter(|file| knows_more(&file.image, &inspection));
        let map_of = |image: &ModuleImage, folder| {
            if image.has_dwarf() { None } else { files.source_map(image, folder) }
        };
        let mut source_map = map_of(image, None);
        if let Some(file) = found
            && !matches!(source_map, Some(Ok(_)))
        {
            source_map = map_of(&file.image, file.path.parent()).or(source_map);
        }
        let map = source_map.as_ref().and_then(|found| found.as_ref().ok()).map(|found| &found.map);
        if map.is_some() {
            inspection = Inspection::with_source_map(image, map);
        }
        let FoundSplitUnits { units: split, problems: no_units } = split;
        if found.is_none() && !split.is_empty() {
            inspection = Inspection::with_split_units(image, split);
        }
        let debug_file = found.map(|file| FileFacts {
            path: file.path.clone(),
            fit: file.fit,
            inspection: match file.image.defined_functions() {
                0 => Inspection::with_debug_file(image, &file.image, split),
                _ if !split.is_empty() => Inspection::with_split_units(&file.image, split),
                _ => Inspection::with_source_map(&file.image, map),
            },
        });
        let source = debug_file.as_ref().map_or(&inspection, |file| &file.inspection);
        let no_map = source_map.as_ref().and_then(|found| found.as_ref().err());
        let prognosis = Prognosis::of(source, no_map, no_units);
        let split_files = split.files().map(Path::to_owned).collect();
        Self { prognosis, weight: 0.0, source_map, split_files, debug_file, inspection }
    }

    /// Returns the inspection of what names and lines come from.
    pub fn source(&self) -> &Inspection {
        self.debug_file.as_ref().map_or(&self.inspection, |file| &file.inspection)
    }

    /// Returns what people call the module.
    pub fn name(&self, number: usize) -> String {
        self.inspection.module_name.clone().unwrap_or_else(|| format!("module {number}"))
    }
}

impl GuestFacts {
    /// Looks at each core module of a guest.
    ///
    /// # Errors
    ///
    /// When the guest cannot be read, or a file that the user named, or that is of another build.
    pub fn of(file: GuestFile, files: &DebugFiles) -> Result<Self> {
        let refused = || format!("cannot read {}", file.path);
        let images = match file.is_component {
            true => component_modules(&file.bytes).with_context(refused)?,
            false => vec![ModuleImage::parse(file.bytes.clone()).with_context(refused)?],
        };
        let component = match file.is_component {
            true => Some(ComponentSurface::of(&file.bytes).with_context(refused)?),
            false => None,
        };
        let wanted: Vec<_> = images.iter().filter(|image| !image.is_adapter()).map(Wanted::of).collect();
        let SearchResult { found, mut problems } = files.search(&wanted);
        refuse_unfit(&problems)?;
        refuse_unfit(&files.unfit_source_maps(images.iter().chain(found.iter().map(|file| &file.image))))?;
        let file_of = |image: &ModuleImage| found.iter().find(|file| file.identity == image.identity());
        let split =
            files.search_split(&images.iter().map(|image| split_wanted(image, file_of(image))).collect::<Vec<_>>());
        refuse_unfit_split(files, split.all_problems())?;
        problems.extend(split.problems);
        let facts =
            |(image, split): (&ModuleImage, &FoundSplitUnits)| ModuleFacts::of(image, file_of(image), split, files);
        let mut modules: Vec<_> = images.iter().zip(&split.found).map(facts).collect();
        let own = modules.iter().filter(|module| !module.inspection.is_adapter);
        let code = |module: &ModuleFacts| module.inspection.coverage.all.code.get();
        let all_code = own.fold(0u64, |sum, module| sum.saturating_add(code(module)));
        for module in modules.iter_mut().filter(|module| !module.inspection.is_adapter) {
            module.weight = code(module) as f64 / all_code.max(1) as f64;
        }
        Ok(Self { file, component, modules, problems })
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
        // Its runtime tells nothing of itself, and the module that joins it to others weighs little.
        if own.contains(&Toolchain::ComponentizeQjs) {
            toolchains.push(Toolchain::ComponentizeQjs);
        }
        for toolchain in own {
            if !toolchains.contains(&toolchain) {
                toolchains.push(toolchain);
            }
        }
        toolchains
    }
}

/// Tells what was split off the DWARF of a module, or of the file that knows more of it.
fn split_wanted(image: &ModuleImage, file: Option<&DebugFile>) -> SplitWanted {
    match file.filter(|_| !image.has_dwarf()) {
        Some(file) => SplitWanted::of(&file.image, Some(&file.path)),
        None => SplitWanted::of(image, None),
    }
}

/// Tells whether a debug file knows something that the module does not.
fn knows_more(file: &ModuleImage, own: &Inspection) -> bool {
    let has_names = own.names.is_none() && file.has_names();
    let has_map = own.surface.source_map.is_none() && file.source_map().is_some();
    own.dwarf.is_none() && (file.has_dwarf() || has_names || has_map)
}
