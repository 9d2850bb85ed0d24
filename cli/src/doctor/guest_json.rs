//! A guest as programs read it.

use serde_json::{Value, json};
use wasmscope_symbolizer::{Coverage, DwarfFacts, FoundSourceMap, Inspection, NotFound, Producers, Share};

use super::build_advice::advice;
use super::guest_facts::{GuestFacts, ModuleFacts};
use super::host_needs::HostNeeds;
use super::prognosis::Outlook;

/// Returns all that is known of a guest.
pub fn of(guest: &GuestFacts) -> Value {
    let needs = HostNeeds::of(guest);
    let fit = |fit: &Result<String, String>| {
        let (fits, why) = match fit {
            Ok(why) => (true, why),
            Err(why) => (false, why),
        };
        json!({ "fits": fits, "why": why })
    };
    let toolchains = guest.toolchains();
    let build = advice(&toolchains);
    let build = build.iter().map(|advice| json!({ "says": advice.says, "lines": advice.lines, "then": advice.then }));
    json!({
        "file": guest.file.path,
        "kind": if guest.component.is_some() { "component" } else { "module" },
        "size": guest.file.bytes.len(),
        "toolchains": toolchains.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "producers": guest.component.as_ref().map(|surface| producers(&surface.producers)),
        "needs": { "wasi": needs.wasi, "others": needs.others },
        "run": fit(&needs.run),
        "serve": fit(&needs.serve),
        "modules": guest.modules.iter().enumerate().map(module).collect::<Vec<_>>(),
        "problems": guest.problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "build": build.collect::<Vec<_>>(),
    })
}

fn module((number, module): (usize, &ModuleFacts)) -> Value {
    let prognosis = &module.prognosis;
    json!({
        "name": module.name(number),
        "adapter": module.inspection.is_adapter,
        "weight": module.weight,
        "producers": producers(&module.inspection.producers),
        "source_map": module.source_map.as_ref().map(source_map),
        "debug_file": module.debug_file.as_ref().map(|file| file.path.to_string_lossy()),
        "split_files": module.split_files.iter().map(|file| file.to_string_lossy()).collect::<Vec<_>>(),
        "debug_information": inspection(module.source()),
        "resolves": {
            "names": outlook(&prognosis.names),
            "lines": outlook(&prognosis.lines),
            "inlined_calls": prognosis.inlines.as_ref().ok(),
        },
        "broken": prognosis.broken,
    })
}

fn source_map(source_map: &Result<FoundSourceMap, NotFound>) -> Value {
    match source_map {
        Ok(found) => json!({
            "file": found.path.as_ref().map(|path| path.to_string_lossy()),
            "mappings": found.map.mappings(),
        }),
        Err(problem) => json!({ "not_read": problem.to_string() }),
    }
}

fn inspection(inspection: &Inspection) -> Value {
    let surface = &inspection.surface;
    let allocators = inspection.allocators.iter();
    let allocators =
        allocators.map(|found| json!({ "allocator": found.allocator.to_string(), "function": found.function }));
    let sections =
        surface.custom_sections.iter().map(|section| json!({ "name": section.name, "size": section.size.get() }));
    json!({
        "identity": inspection.identity.to_string(),
        "size": inspection.size.get(),
        "toolchains": inspection.toolchains.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "custom_sections": sections.collect::<Vec<_>>(),
        "external_debug_info": surface.external_debug_info,
        "source_map": surface.source_map,
        "build_id": surface.build_id,
        "name_section": inspection.names.map(|names| json!({ "functions": names.functions, "broken": names.broken })),
        "dwarf": inspection.dwarf.as_ref().map(dwarf),
        "coverage": coverage(&inspection.coverage),
        "allocators": allocators.collect::<Vec<_>>(),
    })
}

fn dwarf(dwarf: &DwarfFacts) -> Value {
    let versions = dwarf.versions.iter().map(|(version, units)| (version.to_string(), json!(units)));
    json!({
        "size": dwarf.size.get(),
        "units": dwarf.units,
        "broken_units": dwarf.broken_units,
        "incomplete": dwarf.incomplete,
        "versions": Value::Object(versions.collect()),
        "languages": dwarf.languages,
        "producers": dwarf.producers,
        "split_units": dwarf.split_units,
        "split_names": dwarf.split_names,
        "missing_split_units": dwarf.missing_split_units,
        "missing_split_names": dwarf.missing_split_names,
        "left_behind": dwarf.left_behind,
        "units_without_text": dwarf.units_without_text,
        "inlined_calls": dwarf.inlined_calls,
    })
}

fn coverage(coverage: &Coverage) -> Value {
    json!({
        "all": share(&coverage.all),
        "named": share(&coverage.named),
        "named_by_section": share(&coverage.named_by_section),
        "named_by_export_only": share(&coverage.named_by_export_only),
        "named_by_dwarf": share(&coverage.named_by_dwarf),
        "line_tables": share(&coverage.line_tables),
        "lines": share(&coverage.lines),
        "in_functions_with_lines": share(&coverage.in_functions_with_lines),
        "inlined": share(&coverage.inlined),
    })
}

fn share(share: &Share) -> Value {
    json!({ "code": share.code.get(), "functions": share.functions })
}

fn outlook(outlook: &Outlook) -> Value {
    json!({ "share": outlook.share, "functions": outlook.part.functions, "why_not_all": outlook.why })
}

fn producers(producers: &Producers) -> Value {
    let pairs = |pairs: &[(String, String)]| -> Vec<Value> {
        pairs.iter().map(|(name, version)| json!({ "name": name, "version": version })).collect()
    };
    json!({
        "languages": pairs(&producers.languages),
        "tools": pairs(&producers.tools),
        "sdks": pairs(&producers.sdks),
    })
}
