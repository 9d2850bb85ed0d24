//! What will resolve in a module, and why the rest will not.

use wasmscope_symbolizer::{Coverage, DwarfFacts, Inspection, NotFound, Share};

use super::page::{count, listed, percent};

/// Below this share of the code something important is missing.
const IMPORTANT_NAMES: f64 = 0.9;
/// As [`IMPORTANT_NAMES`], for lines: C libraries come without any, and are no finding.
const IMPORTANT_LINES: f64 = 0.5;

/// How much of a module's code will resolve to one kind of thing.
#[derive(Clone, PartialEq, Debug)]
pub struct Outlook {
    /// The share of the code, from 0 to 1.
    pub share: f64,
    /// What part of the module that is.
    pub part: Share,
    /// Why it is not all.
    pub why: Option<String>,
}

impl Outlook {
    fn of(part: Share, all: &Share, why: impl FnOnce() -> String) -> Self {
        let share = part.of_code(all);
        Self { share, part, why: (share < 1.0).then(why) }
    }

    /// Returns the answer in a word.
    pub fn word(&self) -> &'static str {
        match self.share {
            share if share >= 0.99 => "yes",
            share if share >= 0.8 => "mostly",
            share if share > 0.0 => "partly",
            _ => "no",
        }
    }
}

/// What will resolve in a module.
#[derive(Clone, PartialEq, Debug)]
pub struct Prognosis {
    /// Names of functions.
    pub names: Outlook,
    /// How many calls are known to be inlined, or why none are.
    pub inlines: Result<usize, String>,
    /// Files and lines.
    pub lines: Outlook,
    /// What is broken, in the order of its weight.
    pub broken: Vec<String>,
}

impl Prognosis {
    /// Judges a module by what its debug information covers, why its source map is not read, and which of its split units
    /// are not.
    pub fn of(inspection: &Inspection, no_map: Option<&NotFound>, no_units: &[NotFound]) -> Self {
        let coverage = &inspection.coverage;
        let has_dwarf = inspection.surface.section(".debug_info").is_some();
        let names = Outlook::of(coverage.named, &coverage.all, || match (&inspection.names, has_dwarf) {
            (None, false) => "there is neither a name section nor DWARF".to_owned(),
            (Some(names), _) if names.broken => "the name section is damaged".to_owned(),
            (Some(_), _) => "the name section does not list the other functions".to_owned(),
            (None, true) if is_left_behind(inspection) => format!("there is no name section, and {LEFT_BEHIND}"),
            (None, true) => "there is no name section, and the DWARF does not describe the other functions".to_owned(),
        });
        let lines = Outlook::of(coverage.lines, &coverage.all, || match has_dwarf {
            false => match (inspection.source_map, no_map) {
                (Some(_), _) => "there is no DWARF, and the source map has no line for the rest".to_owned(),
                (None, Some(problem)) => format!("there is no DWARF, and {problem}"),
                (None, None) => "there is no DWARF".to_owned(),
            },
            true if is_left_behind(inspection) => LEFT_BEHIND.to_owned(),
            true if coverage.lines.code.get() == 0 => "the DWARF has no lines for this code".to_owned(),
            true => gaps(coverage),
        });
        let inlines = match &inspection.dwarf {
            Some(dwarf) if coverage.inlined.functions > 0 => Ok(dwarf.inlined_calls),
            Some(_) if is_left_behind(inspection) => Err(LEFT_BEHIND.to_owned()),
            Some(dwarf) if dwarf.missing_split_units > 0 => {
                Err("what was split off the DWARF is missing, and tells of them".to_owned())
            }
            Some(_) if has_dwarf => Err("the DWARF knows of no inlined call".to_owned()),
            _ => Err("there is no DWARF".to_owned()),
        };
        Self { names, inlines, lines, broken: broken(inspection, no_units) }
    }

    /// Returns what is important and will not resolve.
    pub fn findings(&self) -> Vec<String> {
        let mut findings = self.broken.clone();
        for (outlook, important, what) in
            [(&self.names, IMPORTANT_NAMES, "names"), (&self.lines, IMPORTANT_LINES, "lines")]
        {
            if outlook.share < important {
                let why = outlook.why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
                findings.push(format!("{} of the code has {what}{why}", percent(outlook.share)));
            }
        }
        findings
    }
}

const LEFT_BEHIND: &str = "the DWARF describes no code that is there: most likely a tool rewrote the code after the compiler, and \
                           not the addresses in the DWARF";

/// Tells whether there is DWARF which could be read and fits no function.
fn is_left_behind(inspection: &Inspection) -> bool {
    let coverage = &inspection.coverage;
    let fits = [coverage.lines, coverage.named_by_dwarf, coverage.inlined].iter().any(|part| part.functions > 0);
    let is_empty = |dwarf: &DwarfFacts| dwarf.units > 1 && !dwarf.incomplete && !fits;
    inspection.dwarf.as_ref().is_some_and(|dwarf| is_empty(dwarf) || dwarf.left_behind)
}

/// Tells apart code of functions without any line, and code without one in the other functions.
fn gaps(coverage: &Coverage) -> String {
    let all = &coverage.all;
    let without = all.functions.saturating_sub(coverage.lines.functions);
    let within = coverage.in_functions_with_lines.of_code(all) - coverage.lines.of_code(all);
    let within = format!("{} is code to which the compiler gave no line", percent(within));
    if without == 0 {
        return within;
    }
    let whole = percent(1.0 - coverage.in_functions_with_lines.of_code(all));
    let functions = format!("{whole} is in {} without any line", count(without, "function"));
    format!("{functions}, {within}")
}

/// Tells what is there and cannot be used.
fn broken(inspection: &Inspection, no_units: &[NotFound]) -> Vec<String> {
    let mut broken = Vec::new();
    let surface = &inspection.surface;
    if surface.compressed_debug_sections().next().is_some() {
        broken.push("DWARF is compressed (.zdebug_*), which no reader of WebAssembly understands".to_owned());
    }
    let missing = surface.missing_debug_sections();
    if !missing.is_empty() {
        broken.push(format!("parts of the DWARF are missing: {}", missing.join(", ")));
    }
    if let Some(map) = inspection.source_map.filter(|map| !map.faults.is_empty()) {
        broken.push(format!("parts of the source map are left out: {}", map.faults));
    }
    let Some(dwarf) = &inspection.dwarf else {
        return broken;
    };
    if dwarf.incomplete && missing.is_empty() {
        broken.push("some units of the DWARF cannot be read at all".to_owned());
    }
    if dwarf.broken_units > 0 {
        broken.push(format!("{} of the DWARF can be read in part only", count(dwarf.broken_units, "unit")));
    }
    broken.extend(no_units.iter().map(ToString::to_string));
    if dwarf.missing_split_units > 0 && no_units.is_empty() {
        let names = listed(dwarf.missing_split_names.iter().cloned(), 2);
        let units = count(dwarf.missing_split_units, "unit");
        broken.push(format!("what was split off {units} of the DWARF cannot be read ({names})"));
    }
    if dwarf.units_without_text > 0 {
        let units = count(dwarf.units_without_text, "unit");
        broken.push(format!("names in {units} of the DWARF point to a section that is missing or damaged"));
    }
    broken
}
