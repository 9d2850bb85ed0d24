//! What resolved in a recording.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Value, json};
use wasmscope_model::{Event, LineOrigin, Location, Module, ModuleId, NameOrigin, Place, Recording, WhyUnnamed};
use wasmscope_symbolizer::{DebugFiles, SearchResult};

use super::page::percent;
use crate::symbol_options::{refuse_unfit, wanted_for};

/// As the prognosis of a guest: below these shares something important is missing.
const IMPORTANT_NAMES: f64 = 0.9;
const IMPORTANT_LINES: f64 = 0.5;

/// What became of the samples whose innermost guest frame lies in one module.
#[derive(Default)]
pub struct ModuleSamples {
    /// All of them.
    pub samples: u64,
    /// With the name of a function.
    pub named: u64,
    /// With a line, an approximate one included.
    pub with_line: u64,
    /// With an approximate line.
    pub approximate: u64,
    /// Why others have no name.
    pub unnamed: BTreeMap<String, u64>,
    /// Why others have no line.
    pub without_line: BTreeMap<String, u64>,
    /// Whether the module's bytes were missing when it was recorded.
    pub is_unknown: bool,
    /// A file with the same code and debug information, if something is missing and such a file was named.
    pub debug_file: Option<PathBuf>,
}

/// What resolved in a recording.
pub struct RecordingFacts {
    /// The file.
    pub file: String,
    /// The recording.
    pub recording: Recording,
    /// Samples on the CPU, or of the first event that there is.
    pub event: Event,
    /// Samples by module, the one with the most first.
    pub modules: Vec<(Module, ModuleSamples)>,
    /// Samples without any guest frame of a known module.
    pub elsewhere: u64,
}

impl RecordingFacts {
    /// Looks at the innermost guest frame of each sample.
    ///
    /// # Errors
    ///
    /// When a file that the user named is of another build or cannot be read.
    pub fn of(recording: Recording, file: &Path, files: &DebugFiles) -> Result<Self> {
        let events = [Event::Cpu, Event::Wait, Event::Ready, Event::Alloc, Event::Live];
        let event = events.into_iter().find(|event| recording.rows(*event).next().is_some()).unwrap_or(Event::Cpu);
        let mut by_module: BTreeMap<ModuleId, ModuleSamples> = BTreeMap::new();
        let mut elsewhere = 0u64;
        for row in recording.rows(event) {
            let frame = recording.stack(row.stack).find_map(|location| match location.place {
                Place::Code(module, _) | Place::Module(module) => Some((module, location)),
                Place::HostCall(_) | Place::Marker(_) | Place::Unknown => None,
            });
            match frame {
                Some((module, location)) => {
                    by_module.entry(module).or_default().take(&recording, location, row.count);
                }
                None => elsewhere = elsewhere.saturating_add(row.count),
            }
        }
        let mut modules: Vec<_> = by_module
            .into_iter()
            .filter_map(|(id, samples)| Some((recording.profile.modules.get(id.0 as usize)?.clone(), samples)))
            .collect();
        modules.sort_by_key(|(_, samples)| std::cmp::Reverse(samples.samples));
        let SearchResult { found, problems } = files.search(&wanted_for(&recording));
        refuse_unfit(&problems)?;
        refuse_unfit(&files.unfit_source_maps(found.iter().map(|file| &file.image)))?;
        for (module, samples) in modules.iter_mut().filter(|(_, samples)| samples.lacks_something()) {
            let found = found.iter().find(|file| file.identity == module.identity);
            samples.debug_file = found.map(|file| file.path.clone());
        }
        Ok(Self { file: file.to_string_lossy().into_owned(), event, modules, elsewhere, recording })
    }

    /// Returns the sum of a number over all modules.
    pub fn sum(&self, number: impl Fn(&ModuleSamples) -> u64) -> u64 {
        self.modules.iter().fold(0, |sum, (_, samples)| sum.saturating_add(number(samples)))
    }

    /// Returns modules of which names or lines are missing that a debug file would give.
    pub fn wanted(&self) -> impl Iterator<Item = (&Module, &ModuleSamples)> {
        let own = self.modules.iter().filter(|(module, _)| !module.is_adapter);
        own.filter(|(_, samples)| samples.lacks_something()).map(|(module, samples)| (module, samples))
    }

    /// Returns what is important and did not resolve.
    pub fn findings(&self) -> Vec<String> {
        let all = self.sum(|samples| samples.samples);
        let named = share(self.sum(|samples| samples.named), all);
        let lines = share(self.sum(|samples| samples.with_line), all);
        let mut findings = Vec::new();
        if named < IMPORTANT_NAMES {
            findings.push(format!("{} of the samples in guests have a function", percent(named)));
        }
        if lines < IMPORTANT_LINES {
            findings.push(format!("{} of the samples in guests have a line", percent(lines)));
        }
        findings
    }

    /// Returns it for programs.
    pub fn to_json(&self) -> Value {
        let modules = self.modules.iter().map(|(module, samples)| {
            json!({
                "name": module.name,
                "identity": module.identity.to_string(),
                "build_id": module.build_id,
                "file_hash": module.file_hash,
                "adapter": module.is_adapter,
                "samples": samples.samples,
                "named": samples.named,
                "with_line": samples.with_line,
                "approximate_line": samples.approximate,
                "unnamed": samples.unnamed,
                "without_line": samples.without_line,
                "debug_file": samples.debug_file.as_ref().map(|file| file.to_string_lossy()),
            })
        });
        let run = self.recording.run.as_ref();
        json!({
            "file": self.file,
            "event": self.event.to_string(),
            "samples": self.recording.total_count(self.event),
            "lost": self.recording.losses.lost_samples(),
            "without_guest_frame": self.elsewhere,
            "modules": modules.collect::<Vec<_>>(),
            "wanted": self.wanted().map(|(module, _)| module.identity.to_string()).collect::<Vec<_>>(),
            "engine": run.map(|run| run.engine.name()),
            "timer": run.map(|run| run.timer.name()),
            "timer_reason": run.map(|run| run.timer_reason.clone()),
        })
    }
}

/// Returns a part of a whole, from 0 to 1; 1 when there is nothing.
pub fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

impl ModuleSamples {
    /// Tells whether something important did not resolve.
    pub fn lacks_something(&self) -> bool {
        share(self.named, self.samples) < IMPORTANT_NAMES || share(self.with_line, self.samples) < IMPORTANT_LINES
    }

    fn take(&mut self, recording: &Recording, location: &Location, count: u64) {
        let add = |sum: &mut u64| *sum = sum.saturating_add(count);
        add(&mut self.samples);
        let function = location.lines.last().and_then(|line| recording.profile.functions.get(line.function.0 as usize));
        let has_name = function.is_some_and(|function| !function.name.is_empty());
        match location.origin.map(|origin| origin.name) {
            Some(NameOrigin::Unnamed(why)) => {
                self.is_unknown |= why == WhyUnnamed::NoModule;
                add(self.unnamed.entry(why.to_string()).or_default());
            }
            Some(_) => add(&mut self.named),
            None if has_name => add(&mut self.named),
            None => add(self.unnamed.entry("the file does not say why".to_owned()).or_default()),
        }
        match location.origin.map(|origin| origin.line) {
            Some(LineOrigin::Missing(why)) => add(self.without_line.entry(why.to_string()).or_default()),
            Some(origin) => {
                add(&mut self.with_line);
                if origin == LineOrigin::Approximate {
                    add(&mut self.approximate);
                }
            }
            None if location.lines.iter().any(|line| line.line != 0) => add(&mut self.with_line),
            None => add(self.without_line.entry("the file does not say why".to_owned()).or_default()),
        }
    }
}
