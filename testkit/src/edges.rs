//! Stacks held against the module's own instructions.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use wasmscope_model::{CodeIdentity, Location, Marker, Module, Place, Profile};
use wasmscope_symbolizer::{CallGraph, ModuleImage};

/// Checks that every caller in a profile can call what it is said to have called, and that every stack begins where the
/// host entered the guest.
///
/// # Accuracy
///
/// An edge is impossible when the caller holds neither a direct call to the callee nor any indirect call; a wrong frame
/// above an indirect call is not noticed. Edges between a guest and a host that calls it again are not checked.
#[derive(Debug, Default)]
pub struct StackCheck {
    modules: FxHashMap<CodeIdentity, Known>,
    report: StackReport,
}

#[derive(Debug)]
struct Known {
    image: ModuleImage,
    calls: CallGraph,
    entries: Vec<String>,
    by_name: FxHashMap<String, Option<u32>>,
}

/// What the stacks of a profile looked like.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StackReport {
    /// Samples.
    pub samples: u64,
    /// Samples without any guest frame: glue, or nothing but a marker.
    pub without_guest: u64,
    /// Samples with guest frames whose outermost one is an entry of the guest.
    pub rooted: u64,
    /// Other samples with guest frames that say themselves that their outer part is missing.
    pub marked: u64,
    /// The rest, by outermost function.
    pub unrooted: BTreeMap<String, u64>,
    /// Edges between guest functions, weighted by samples.
    pub edges: u64,
    /// Those that the guest's instructions do not permit, by caller and callee.
    pub impossible: BTreeMap<String, u64>,
    /// Frames whose function could not be told, weighted by samples.
    pub unplaced: u64,
}

impl StackReport {
    /// Returns which part of the samples with guest frames is rooted, or marked as cut.
    pub fn rooted_share(&self) -> f64 {
        let guest = self.samples - self.without_guest;
        if guest == 0 { 1.0 } else { (self.rooted + self.marked) as f64 / guest as f64 }
    }

    /// Returns how many samples have an impossible edge, counted once for each such edge.
    pub fn impossible_edges(&self) -> u64 {
        self.impossible.values().sum()
    }
}

/// A guest frame: which module, which function.
type GuestFunction = (CodeIdentity, u32);

impl StackCheck {
    /// Makes a check that knows no module; frames of unknown modules count as unplaced.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a module, with the exports through which its host enters it.
    pub fn add_module(&mut self, image: &ModuleImage, entries: &[&str]) {
        let mut by_name = FxHashMap::default();
        for (function, _) in image.bodies() {
            if let Some(name) = image.name_of(function).or(image.export_of(function)) {
                by_name.entry(name.to_owned()).and_modify(|known| *known = None).or_insert(Some(function));
            }
        }
        let known = Known {
            image: image.clone(),
            calls: CallGraph::of(image),
            entries: entries.iter().map(|&entry| entry.to_owned()).collect(),
            by_name,
        };
        self.modules.insert(image.identity(), known);
    }

    /// Checks every stack of a profile, and adds up what it finds.
    pub fn check(&mut self, profile: &Profile) {
        for row in &profile.samples {
            let ids = profile.stacks.frames(row.stack).unwrap_or_default();
            let stack: Vec<&Location> = ids.iter().filter_map(|id| profile.locations.get(id.0 as usize)).collect();
            self.check_stack(profile, &stack, row.count);
        }
    }

    /// Returns what was found so far.
    pub fn report(&self) -> &StackReport {
        &self.report
    }

    /// Checks a stack, innermost frame first.
    fn check_stack(&mut self, profile: &Profile, stack: &[&Location], count: u64) {
        self.report.samples += count;
        let mut callee: Option<GuestFunction> = None;
        let mut outermost: Option<(&Location, Option<GuestFunction>)> = None;
        let mut cut = false;
        for location in stack {
            match location.place {
                Place::Code(..) | Place::Module(_) => {
                    let function = self.function_of(profile, location);
                    match (function, callee) {
                        (Some(caller), Some(callee)) => self.check_edge(caller, callee, count),
                        (None, _) => self.report.unplaced += count,
                        (Some(_), None) => {}
                    }
                    callee = function;
                    outermost = Some((location, function));
                }
                Place::Marker(Marker::Trampoline | Marker::Host) | Place::HostCall(_) => callee = None,
                Place::Marker(_) | Place::Unknown => {
                    callee = None;
                    cut = true;
                }
            }
        }
        match outermost {
            None => self.report.without_guest += count,
            Some((_, Some(function))) if self.is_entry(function) => self.report.rooted += count,
            Some(_) if cut => self.report.marked += count,
            Some((location, _)) => *self.report.unrooted.entry(name_of(profile, location)).or_default() += count,
        }
    }

    fn check_edge(&mut self, caller: GuestFunction, callee: GuestFunction, count: u64) {
        self.report.edges += count;
        let known = self.modules.get(&caller.0).filter(|_| caller.0 == callee.0);
        if known.is_none_or(|known| !known.calls.permits(caller.1, callee.1)) {
            let edge = format!("{} -> {}", self.function_name(caller), self.function_name(callee));
            *self.report.impossible.entry(edge).or_default() += count;
        }
    }

    fn function_name(&self, (module, function): GuestFunction) -> String {
        let name = self.modules.get(&module).and_then(|known| known.image.name_of(function));
        name.map_or_else(|| format!("wasm-function[{function}]"), str::to_owned)
    }

    fn is_entry(&self, (module, function): GuestFunction) -> bool {
        self.modules.get(&module).is_some_and(|known| {
            let export = known.image.export_of(function);
            export.is_some_and(|export| known.entries.iter().any(|entry| entry == export))
        })
    }

    fn function_of(&self, profile: &Profile, location: &Location) -> Option<GuestFunction> {
        let module = |id: wasmscope_model::ModuleId| -> Option<&Module> { profile.modules.get(id.0 as usize) };
        match location.place {
            Place::Code(id, offset) => {
                let identity = module(id)?.identity;
                Some((identity, self.modules.get(&identity)?.image.function_at(offset)?))
            }
            Place::Module(id) => {
                let identity = module(id)?.identity;
                let function = profile.functions.get(location.lines.last()?.function.0 as usize)?;
                Some((identity, (*self.modules.get(&identity)?.by_name.get(&function.system_name)?)?))
            }
            _ => None,
        }
    }
}

fn name_of(profile: &Profile, location: &Location) -> String {
    let function = location.lines.last().and_then(|line| profile.functions.get(line.function.0 as usize));
    function.map_or_else(String::new, |function| function.name.clone())
}

#[cfg(test)]
mod tests;
