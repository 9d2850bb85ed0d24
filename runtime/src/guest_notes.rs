//! What the reader of a recording should know of a guest.

use wasmscope_profiler::export::sanitized;
use wasmscope_symbolizer::ModuleImage;

use crate::Guest;
use crate::session::Shared;

/// Notes what recordings of a guest will lack, and why.
pub(crate) fn note_what_is_missing(shared: &Shared, guest: &Guest) {
    let name = sanitized(guest.name());
    if guest.is_precompiled() {
        shared.notes.add(format!(
            "{name} is compiled already: names are those that wasmtime kept, and there are no source lines"
        ));
        return;
    }
    let own = || guest.modules().iter().filter(|image| !image.is_adapter());
    // One module with debug information is what the component was made of; interpreters and libraries come without.
    let may_have_lines = |image: &ModuleImage| {
        let looks_for_map = || shared.modules.looks_for_source_map(image);
        image.has_dwarf() || image.external_debug_info().is_some() || looks_for_map()
    };
    let lacks_lines = !own().any(may_have_lines);
    let is_looked_up_later = shared.keeps_raw || shared.modules.has_symbol_places();
    if let Some(image) = own().next().filter(|_| lacks_lines && !is_looked_up_later) {
        let instead = if image.source_map().is_some() { " (its source map is not looked for)" } else { "" };
        let names = if own().any(ModuleImage::has_names) { "" } else { " and no function names" };
        let advice = match guest.is_text() {
            true => "",
            false => "; build it with -g, or name the unstripped build by --symbols",
        };
        shared
            .notes
            .add(format!("{name} has no debug information{names}, so there are no source lines{instead}{advice}"));
    }
    if own().flat_map(ModuleImage::producers).any(|producer| producer.contains("Go cmd/compile")) {
        shared.notes.add(format!(
            "{name} was compiled by Go: goroutines that do not run keep their stacks in linear memory, so a stack \
             shows the one that runs, up to Go's scheduler"
        ));
    }
}
