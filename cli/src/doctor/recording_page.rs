//! What resolved in a recording, as people read it.

use wasmscope_model::Event;

use super::page::{Page, percent};
use super::recording_facts::{RecordingFacts, share};

/// Modules that are told of.
const MAX_MODULES: usize = 12;

/// Writes what resolved in a recording.
pub fn write(facts: &RecordingFacts, page: &mut Page) {
    let recording = &facts.recording;
    page.heading(&facts.file);
    page.row("what", "a profile");
    let total = recording.total_count(facts.event);
    let lost = recording.losses.lost_samples();
    page.row("samples", &format!("{total} {}, {lost} lost", facts.event));
    match &recording.run {
        Some(run) => {
            let engine = format!("{}, {} ({})", run.engine.name(), run.timer, run.timer_reason);
            page.row("engine", &engine);
            run.engine.bias().iter().for_each(|bias| page.row("", bias));
        }
        None => page.row("engine", "not told: another tool made this file, or wrote it anew"),
    }
    recording.notes.iter().for_each(|note| page.row("note", note));

    page.heading("what resolved");
    let all = facts.sum(|samples| samples.samples);
    if all == 0 {
        let what = match facts.event {
            Event::Cpu if total == 0 => "there are no samples",
            _ => "no sample has a guest's frame",
        };
        page.row("functions", what);
        return;
    }
    let named = share(facts.sum(|samples| samples.named), all);
    let lines = share(facts.sum(|samples| samples.with_line), all);
    let approximate = share(facts.sum(|samples| samples.approximate), all);
    page.row("functions", &format!("{} of {all} samples in guests", percent(named)));
    let approximately = match approximate {
        0.0 => String::new(),
        share => format!(", {} by the nearest instruction", percent(share)),
    };
    page.row("file and line", &format!("{} of them{approximately}", percent(lines)));
    if facts.elsewhere > 0 {
        page.row("elsewhere", &format!("{} samples have no guest's frame", facts.elsewhere));
    }
    write_modules(facts, page);
    write_wanted(facts, page);
}

fn write_modules(facts: &RecordingFacts, page: &mut Page) {
    page.heading("by module, going by the innermost guest's frame");
    let mut rows = vec![["module", "samples", "functions", "lines"].map(str::to_owned).to_vec()];
    for (module, samples) in facts.modules.iter().take(MAX_MODULES) {
        rows.push(vec![
            module.name.chars().take(50).collect(),
            samples.samples.to_string(),
            percent(share(samples.named, samples.samples)),
            percent(share(samples.with_line, samples.samples)),
        ]);
    }
    page.table(&rows);
    for (module, samples) in facts.modules.iter().take(MAX_MODULES) {
        let name: String = module.name.chars().take(50).collect();
        for (what, reasons) in [("no function", &samples.unnamed), ("no line", &samples.without_line)] {
            for (reason, count) in reasons {
                let part = percent(share(*count, samples.samples));
                page.row(what, &format!("{part} of {name}: {reason}"));
            }
        }
    }
}

fn write_wanted(facts: &RecordingFacts, page: &mut Page) {
    let mut wanted = facts.wanted().take(MAX_MODULES).peekable();
    if wanted.peek().is_none() {
        return;
    }
    page.heading("debug files that would help");
    for (module, samples) in wanted {
        page.row("module", &module.name);
        page.row("identity", &module.identity.to_string());
        if !module.build_id.is_empty() {
            page.row("build_id", &module.build_id);
        }
        if let Some(file) = &samples.debug_file {
            page.row("found", &format!("{} has the same code, and more debug information", file.display()));
            continue;
        }
        let what = match samples.is_unknown {
            true => "the module itself: its bytes were not there when it was recorded",
            false => "a build of the same code that was not stripped; `wasmscope doctor` on the module says how",
        };
        page.row("wanted", what);
    }
}
