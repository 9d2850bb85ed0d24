//! A guest as people read it.

use wasmscope_model::ByteSize;
use wasmscope_symbolizer::{Allocator, DwarfFacts, Fit, FoundSourceMap, Inspection, Share, Toolchain};

use super::build_advice::advice;
use super::guest_facts::{GuestFacts, ModuleFacts};
use super::host_needs::HostNeeds;
use super::page::{Page, count, listed, percent};
use super::prognosis::Outlook;

/// Modules of a component that are told one by one; smaller ones stand in the table only.
const MAX_DETAILED: usize = 4;
/// Modules with less of the code than this share stand in the table only.
const DETAILED_SHARE: f64 = 0.05;
/// Compilers, languages and tools that are listed of a kind.
const MAX_LISTED: usize = 5;

/// Writes all that is known of a guest.
pub fn write(guest: &GuestFacts, page: &mut Page) {
    let kind = match (&guest.component, guest.file.is_text) {
        (Some(_), false) => "component",
        (Some(_), true) => "component, from its text",
        (None, false) => "core module",
        (None, true) => "core module, from its text",
    };
    page.heading(&guest.file.path);
    let modules = match guest.modules.len() {
        1 if guest.component.is_none() => String::new(),
        number => format!(" of {}", count(number, "core module")),
    };
    page.row("what", &format!("{kind}{modules}, {}", ByteSize::new(guest.file.bytes.len() as u64)));
    page.row("made by", &made_by(guest));
    write_needs(&HostNeeds::of(guest), page);
    if guest.modules.len() > 1 {
        write_table(guest, page);
    }
    let mut detailed: Vec<_> = guest.own_modules().filter(|(_, module)| module.weight >= DETAILED_SHARE).collect();
    detailed.sort_by(|(_, a), (_, b)| b.weight.total_cmp(&a.weight));
    detailed.truncate(MAX_DETAILED);
    for (number, module) in detailed {
        write_module(module, (guest.modules.len() > 1).then(|| module.name(number)), page);
    }
    guest.problems.iter().for_each(|problem| page.row("not found", &problem.to_string()));
    write_advice(guest, page);
}

fn made_by(guest: &GuestFacts) -> String {
    let toolchains = guest.toolchains();
    let toolchains = toolchains.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut tools: Vec<String> = Vec::new();
    let component = guest.component.iter().map(|surface| &surface.producers);
    let modules = guest.own_modules().map(|(_, module)| &module.inspection.producers);
    for (name, version) in component.chain(modules).flat_map(|producers| producers.tools.iter().chain(&producers.sdks))
    {
        let tool = format!("{name} {version}").trim().to_owned();
        if !tools.contains(&tool) {
            tools.push(tool);
        }
    }
    match (toolchains.is_empty(), tools.is_empty()) {
        (true, true) => "unknown: it has no producers section, and no names that tell".to_owned(),
        (true, false) => listed(tools.into_iter(), MAX_LISTED),
        (false, true) => format!("{}, going by its names and sections", toolchains.join(", ")),
        (false, false) => format!("{} ({})", toolchains.join(", "), listed(tools.into_iter(), MAX_LISTED)),
    }
}

fn write_needs(needs: &HostNeeds, page: &mut Page) {
    let mut label = "needs";
    for wasi in &needs.wasi {
        page.row(std::mem::take(&mut label), wasi);
    }
    if !needs.others.is_empty() {
        let others = listed(needs.others.iter().cloned(), MAX_LISTED);
        page.row(std::mem::take(&mut label), &format!("{others}: no WASI, so its host must offer it"));
    }
    page.row(label, if label.is_empty() { return write_verbs(needs, page) } else { "nothing of its host" });
    write_verbs(needs, page);
}

fn write_verbs(needs: &HostNeeds, page: &mut Page) {
    for (label, fit) in [("run", &needs.run), ("serve", &needs.serve)] {
        match fit {
            Ok(why) => page.row(label, &format!("yes: {why}")),
            Err(why) => page.row(label, &format!("no: {why}")),
        }
    }
}

/// Writes a line for each module of a component.
fn write_table(guest: &GuestFacts, page: &mut Page) {
    page.heading("core modules");
    let head = ["module", "code", "functions", "names", "lines", "inlined", "DWARF"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (number, module) in guest.modules.iter().enumerate() {
        let source = module.source();
        let all = &source.coverage.all;
        let share = |part: &Share| if all.functions == 0 { "-".to_owned() } else { percent(part.of_code(all)) };
        let dwarf = source.dwarf.as_ref().map_or("-".to_owned(), |dwarf| dwarf.size.to_string());
        let name: String = module.name(number).chars().take(40).collect();
        rows.push(vec![
            name,
            all.code.to_string(),
            all.functions.to_string(),
            share(&source.coverage.named),
            share(&source.coverage.lines),
            share(&source.coverage.inlined),
            dwarf,
        ]);
    }
    page.table(&rows);
    if guest.modules.iter().any(|module| module.inspection.is_adapter) {
        page.row("adapters", "modules named wit-component: join the others; what they lack is of no account");
    }
}

fn write_module(module: &ModuleFacts, name: Option<String>, page: &mut Page) {
    let inspection = &module.inspection;
    let of = name.map(|name| format!(" of {name}")).unwrap_or_default();
    page.heading(&format!("debug information{of}"));
    page.row("identity", &inspection.identity.to_string());
    let source = module.source();
    if let Some(file) = &module.debug_file {
        let why = match file.fit {
            Fit::SameCode => "the same code, and what follows is of it",
            Fit::SameBuildId => "the same build_id, and the DWARF that follows is of it",
            Fit::NamedByModule => "the module names it, and the DWARF that follows is of it",
            Fit::Forced => "another build's",
        };
        page.row("debug file", &format!("{}: {why}", file.path.display()));
    }
    page.row("names", &names(source));
    write_dwarf(source, page);
    if !module.split_files.is_empty() {
        let files = listed(module.split_files.iter().map(|file| file.display().to_string()), MAX_LISTED);
        page.row("split units", &format!("from {files}"));
    }
    match &module.source_map {
        Some(Ok(found)) => page.row("source map", &source_map(found)),
        Some(Err(problem)) => page.row("source map", &format!("not read: {problem}")),
        None => {}
    }
    page.row("elsewhere", &elsewhere(source));
    page.row("allocator", &allocator(source));

    page.heading(&format!("what will resolve{of}"));
    let prognosis = &module.prognosis;
    page.row("function names", &outlook(&prognosis.names, source));
    page.row(
        "inlined calls",
        &match &prognosis.inlines {
            Ok(calls) => {
                let inlined = &source.coverage.inlined;
                let share = percent(inlined.of_code(&source.coverage.all));
                format!(
                    "yes: {} known; {share} of the code was inlined, into {}",
                    count(*calls, "call"),
                    count(inlined.functions, "function")
                )
            }
            Err(why) => format!("no: {why}"),
        },
    );
    page.row("file and line", &outlook(&prognosis.lines, source));
    let mut label = "broken";
    for broken in &prognosis.broken {
        page.row(std::mem::take(&mut label), broken);
    }
}

fn outlook(outlook: &Outlook, source: &Inspection) -> String {
    let all = &source.coverage.all;
    let part = match (all.functions, outlook.part.functions) {
        (0, _) => return "there is no code".to_owned(),
        (_, 0) => String::new(),
        (all, functions) => {
            format!(": {} of the code, in {functions} of {}", percent(outlook.share), count(all, "function"))
        }
    };
    let separator = if part.is_empty() { ": " } else { "; " };
    let why = outlook.why.as_ref().map(|why| format!("{separator}{why}")).unwrap_or_default();
    format!("{}{part}{why}", outlook.word())
}

fn names(source: &Inspection) -> String {
    let coverage = &source.coverage;
    let mut parts = Vec::new();
    match source.names {
        None => parts.push("no name section".to_owned()),
        Some(names) => {
            let broken = if names.broken { ", and is damaged" } else { "" };
            let all = count(coverage.all.functions, "function");
            parts.push(format!("the name section has {} of {all}{broken}", names.functions));
        }
    }
    if coverage.named_by_dwarf.functions > 0 {
        parts.push(format!("DWARF has {}", coverage.named_by_dwarf.functions));
    }
    if coverage.named_by_export_only.functions > 0 {
        parts.push(format!("{} known by export only", coverage.named_by_export_only.functions));
    }
    parts.join("; ")
}

fn write_dwarf(source: &Inspection, page: &mut Page) {
    let Some(dwarf) = &source.dwarf else {
        page.row("DWARF", "none");
        return;
    };
    page.row("DWARF", &dwarf_size(dwarf));
    let sections = source.surface.custom_sections.iter().filter(|section| section.name.starts_with(".debug_"));
    let mut sections: Vec<_> = sections.collect();
    sections.sort_by_key(|section| std::cmp::Reverse(section.size));
    let sections = sections.iter().map(|section| format!("{} {}", section.name, section.size)).collect::<Vec<_>>();
    page.row("", &listed(sections.into_iter(), MAX_LISTED));
    let tables = &source.coverage.line_tables;
    let share = percent(tables.of_code(&source.coverage.all));
    page.row("line tables", &format!("{share} of the code, in {}", count(tables.functions, "function")));
    page.row("languages", &counted(&dwarf.languages));
    page.row("compilers", &counted(&dwarf.producers));
}

fn source_map(found: &FoundSourceMap) -> String {
    let mappings = count(found.map.mappings(), "mapping");
    match &found.path {
        Some(path) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            format!("{mappings} in {name}")
        }
        None => format!("{mappings} in the module itself"),
    }
}

fn dwarf_size(dwarf: &DwarfFacts) -> String {
    let versions = dwarf.versions.iter().map(|(version, units)| match dwarf.versions.len() {
        1 => format!("version {version}"),
        _ => format!("version {version} in {}", count(*units, "unit")),
    });
    let versions = versions.collect::<Vec<_>>().join(", ");
    let versions = if versions.is_empty() { String::new() } else { format!(", {versions}") };
    format!("{} in {}{versions}", dwarf.size, count(dwarf.units, "unit"))
}

/// Lists texts with their numbers of units, the most frequent first.
fn counted(texts: &std::collections::BTreeMap<String, usize>) -> String {
    let mut texts: Vec<_> = texts.iter().collect();
    texts.sort_by_key(|(_, units)| std::cmp::Reverse(**units));
    let texts = texts.iter().map(|(text, units)| format!("{text} ({})", count(**units, "unit"))).collect::<Vec<_>>();
    if texts.is_empty() { "not told".to_owned() } else { listed(texts.into_iter(), MAX_LISTED) }
}

fn elsewhere(source: &Inspection) -> String {
    let surface = &source.surface;
    let parts = [
        surface.external_debug_info.as_ref().map(|file| format!("external_debug_info {file}")),
        surface.source_map.as_ref().map(|file| format!("source map {file}")),
        surface.build_id.as_ref().map(|id| format!("build_id {id}")),
    ];
    let parts = parts.into_iter().flatten().collect::<Vec<_>>();
    if parts.is_empty() { "no external_debug_info, no source map, no build_id".to_owned() } else { parts.join(", ") }
}

fn allocator(source: &Inspection) -> String {
    if source.allocators.is_empty() {
        let why = match source.coverage.named.functions {
            0 => "no function has a name",
            _ => "no function has a name that only one allocator has",
        };
        return format!("not recognised: {why}");
    }
    let found = source.allocators.iter().map(|found| format!("{} ({})", found.allocator, found.function));
    let found = found.collect::<Vec<_>>().join(", over ");
    let carries_mimalloc = source.allocators.iter().any(|found| found.allocator == Allocator::Mimalloc);
    match carries_mimalloc && source.toolchains.contains(&Toolchain::CPython) {
        true => format!("{found}; CPython takes mimalloc only without its GIL, or with PYTHONMALLOC=mimalloc"),
        false => found,
    }
}

fn write_advice(guest: &GuestFacts, page: &mut Page) {
    page.heading("how to build it");
    for advice in advice(&guest.toolchains()) {
        page.row("toolchain", advice.says);
        advice.lines.iter().for_each(|line| page.verbatim(line));
        let mut label = "then";
        for then in advice.then {
            page.row(std::mem::take(&mut label), then);
        }
    }
}
