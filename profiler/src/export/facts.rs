//! What every output owes its reader, as labels and words.

use wasmscope_model::{EngineKind, Recording, RunReport};

use super::display_name::sanitized;
use super::footer::SORTING;
use super::losses::{samples_text, warnings};

/// Says how the recording was made, what it lost, and what it cost. No label repeats.
pub(super) fn facts(recording: &Recording) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    facts.push(("samples", samples_text(recording)));
    facts.extend(joined("warning", warnings(recording).into_iter()));
    let losses = recording.losses.entries().into_iter().filter(|(_, _, count)| *count > 0);
    facts.extend(joined("losses", losses.map(|(_, words, count)| format!("{count} {words}"))));
    if recording.timeline.is_none() {
        facts.push(("times", "unknown: samples are laid out side by side, in no order".to_owned()));
    }
    if let Some(run) = &recording.run {
        facts.extend(facts_of_run(run));
    }
    let notes = recording.run.iter().flat_map(|run| &run.notes).chain(&recording.notes);
    facts.extend(joined("notes", notes.map(|note| sanitized(note).into_owned())));
    facts
}

fn joined(label: &'static str, texts: impl Iterator<Item = String>) -> Option<(&'static str, String)> {
    let texts: Vec<String> = texts.collect();
    (!texts.is_empty()).then(|| (label, texts.join("; ")))
}

fn facts_of_run(run: &RunReport) -> Vec<(&'static str, String)> {
    let achieved = run.achieved_hz().map_or(String::new(), |hz| format!(", {hz:.0} per second of CPU time achieved"));
    let cpu = run.cpu.map_or(String::new(), |cpu| format!(", {:.2} s CPU", cpu.as_secs_f64()));
    let [handler, drain] = [run.cost.handler, run.cost.drain].map(|cost| cost.as_secs_f64() * 1e3);
    let taking = match run.engine {
        EngineKind::Signal => "in the signal handler",
        EngineKind::Epoch => "taking samples",
    };
    let mut facts = vec![
        ("rate", format!("{} Hz asked for{achieved}", run.rate_hz)),
        ("engine", format!("{}, {} ({})", run.engine.name(), run.timer, sanitized(&run.timer_reason))),
        ("time", format!("{:.2} s wall{cpu}", run.duration.as_secs_f64())),
        ("own cost", format!("{handler:.3} ms {taking}, {drain:.3} ms {SORTING}")),
    ];
    facts.extend(run.engine.bias().map(|bias| ("accuracy", bias.to_owned())));
    facts
}
