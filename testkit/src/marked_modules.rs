//! Modules whose stacks give themselves away when they are resolved with another module's tables.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use wasmscope_model::{Location, Marker, Place, Profile};

/// How many kinds there are, numbered from 1.
pub const KINDS: u32 = 16;

/// Returns the name of the modules of a kind.
pub fn module_name(kind: u32) -> String {
    format!("k{kind:02}")
}

/// Returns a module of a kind, as text.
///
/// Kind k exports `run(rounds, steps)`, which calls a chain of exactly k functions, `kNN_f1` to `kNN_fk`, the last of
/// which loops. The order of the functions in the module and the length of each differ from kind to kind, so addresses
/// of one kind, looked up in the tables of another, do not give a chain.
pub fn module_text(kind: u32) -> String {
    let name = module_name(kind);
    let mut functions: Vec<(u64, String)> =
        (1..=kind).map(|step| (mixed(kind, step), link(&name, kind, step))).collect();
    functions.push((mixed(kind, 0), entry(&name)));
    functions.extend((100..104).map(|number| (mixed(kind, number), filler(&name, kind, number))));
    functions.sort();
    let mut text = format!("(module ${name}\n");
    for (_, function) in functions {
        text.push_str(&function);
    }
    text.push(')');
    text
}

fn entry(name: &str) -> String {
    format!(
        "(func ${name}_run (export \"run\") (param $rounds i32) (param $steps i32) (result i32) (local $x i32)
           (loop $again
             (local.set $x (i32.add (local.get $x) (call ${name}_f1 (local.get $x) (local.get $steps))))
             (br_if $again (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))
           (local.get $x))\n"
    )
}

/// Makes the function that is `step` deep in the chain. It works before and after its call, which is no tail call.
fn link(name: &str, kind: u32, step: u32) -> String {
    let inner = if step == kind {
        "(loop $spin
           (local.set $x (i32.mul (i32.xor (local.get $x) (local.get $steps)) (i32.const 16777619)))
           (br_if $spin (local.tee $steps (i32.sub (local.get $steps) (i32.const 1)))))"
            .to_owned()
    } else {
        format!("(local.set $x (call ${name}_f{} (local.get $x) (local.get $steps)))", step + 1)
    };
    let work = work(mixed(kind, step) % 23 + 1);
    format!(
        "(func ${name}_f{step} (param $x i32) (param $steps i32) (result i32)\n{work}{inner}\n{work}(local.get $x))\n"
    )
}

/// Makes a function that nobody calls, only to move the others.
fn filler(name: &str, kind: u32, number: u32) -> String {
    let work = work(mixed(kind, number) % 61);
    format!("(func ${name}_filler{number} (param $x i32) (result i32)\n{work}(local.get $x))\n")
}

fn work(amount: u64) -> String {
    let mut text = String::new();
    for step in 0..amount {
        // Writing to a String does not fail.
        let _ = writeln!(text, "(local.set $x (i32.mul (i32.xor (local.get $x) (i32.const {step})) (i32.const 31)))");
    }
    text
}

/// Returns a number that kind and place decide, and that looks random.
fn mixed(kind: u32, place: u32) -> u64 {
    let x = (u64::from(kind) << 32 | u64::from(place)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32
}

/// What the stacks of marked modules told.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MarkedReport {
    /// Samples with frames of marked modules, by kind.
    pub by_kind: BTreeMap<u32, u64>,
    /// Samples without a guest frame.
    pub without_guest: u64,
    /// Samples with code that nobody described.
    pub unknown_code: u64,
    /// Samples that say themselves that their outer part is missing.
    pub cut: u64,
    /// Samples that cannot be true, by their stack, outermost function first.
    pub wrong: BTreeMap<String, u64>,
}

impl MarkedReport {
    /// Checks every stack of a profile, and adds up what it finds.
    pub fn check(&mut self, profile: &Profile) {
        for row in &profile.samples {
            let ids = profile.stacks.frames(row.stack).unwrap_or_default();
            let stack: Vec<&Location> = ids.iter().filter_map(|id| profile.locations.get(id.0 as usize)).collect();
            self.check_stack(profile, &stack, row.count);
        }
    }

    fn check_stack(&mut self, profile: &Profile, stack: &[&Location], count: u64) {
        let has = |wanted: &[Marker]| {
            stack.iter().any(|location| matches!(location.place, Place::Marker(m) if wanted.contains(&m)))
        };
        let frames: Vec<(&str, &str)> = stack.iter().rev().filter_map(|location| frame(profile, location)).collect();
        let unknown = has(&[Marker::UnknownCode]);
        let cut = has(&[Marker::OuterUnknown, Marker::Truncated, Marker::Broken, Marker::Folded]);
        self.unknown_code += if unknown { count } else { 0 };
        self.cut += if cut { count } else { 0 };
        let Some((_, outermost)) = frames.first() else {
            self.without_guest += count;
            return;
        };
        match kind_of_chain(&frames) {
            Some(kind) if cut || unknown || outermost.ends_with("_run") => {
                *self.by_kind.entry(kind).or_default() += count
            }
            _ => {
                let shown: Vec<String> = frames.iter().map(|(module, name)| format!("{module}!{name}")).collect();
                *self.wrong.entry(shown.join(";")).or_default() += count;
            }
        }
    }

    /// Returns how many samples cannot be true.
    pub fn wrong_samples(&self) -> u64 {
        self.wrong.values().sum()
    }
}

/// Returns the names of a guest frame's module and function.
fn frame<'p>(profile: &'p Profile, location: &Location) -> Option<(&'p str, &'p str)> {
    let (Place::Code(module, _) | Place::Module(module)) = location.place else {
        return None;
    };
    let module = profile.modules.get(module.0 as usize)?;
    let function = profile.functions.get(location.lines.last()?.function.0 as usize)?;
    Some((&module.name, &function.name))
}

/// Returns the kind of frames, outermost first, that are all of one kind and each call the next; else `None`.
fn kind_of_chain(frames: &[(&str, &str)]) -> Option<u32> {
    let parsed: Option<Vec<(u32, u32)>> = frames.iter().map(|(module, name)| step_of(module, name)).collect();
    let parsed = parsed?;
    let (kind, _) = *parsed.first()?;
    let chained = parsed.windows(2).all(|pair| pair[1] == (kind, pair[0].1 + 1));
    (chained && parsed.iter().all(|(_, step)| *step <= kind)).then_some(kind)
}

/// Returns the kind of a frame, and how deep in the chain it is: `run` is 0.
fn step_of(module: &str, function: &str) -> Option<(u32, u32)> {
    let (of_function, step) = function.split_once('_')?;
    let kind = of_function.strip_prefix('k')?.parse().ok()?;
    let step = if step == "run" { 0 } else { step.strip_prefix('f')?.parse().ok()? };
    (module == of_function).then_some((kind, step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_a_module_and_no_two_have_their_functions_in_the_same_order() {
        let mut orders = std::collections::BTreeSet::new();
        for kind in 1..=KINDS {
            let text = module_text(kind);
            wat::parse_str(&text).unwrap();
            let order = text.split("(func $").skip(1).filter_map(|rest| rest.get(4..8).map(str::to_owned));
            assert!(orders.insert(order.collect::<Vec<_>>()), "kind {kind}");
        }
    }

    #[test]
    fn only_an_unbroken_chain_of_one_kind_passes() {
        let frames = |names: &[&'static str]| -> Vec<(&'static str, &'static str)> {
            names.iter().map(|name| (&name[..3], *name)).collect()
        };
        assert_eq!(kind_of_chain(&frames(&["k02_run", "k02_f1", "k02_f2"])), Some(2));
        assert_eq!(kind_of_chain(&frames(&["k02_f1", "k02_f2"])), Some(2));
        assert_eq!(kind_of_chain(&frames(&["k02_run", "k02_f2"])), None);
        assert_eq!(kind_of_chain(&frames(&["k02_run", "k03_f1"])), None);
        assert_eq!(kind_of_chain(&frames(&["k01_run", "k01_f1", "k01_f2"])), None);
        assert_eq!(kind_of_chain(&frames(&["k01_run", "k01_fil"])), None);
        assert_eq!(kind_of_chain(&[("k02", "k01_run")]), None);
    }
}
