//! From the tables of a pprof message to those of a recording, trusting no index.

use std::cell::Cell;

use wasmscope_model::{
    ByteSize, CodeIdentity, CodeOffset, Event, Function, FunctionId, Line, Location, LocationId, Marker, Module,
    ModuleId, Place, Profile, SampleRow, StackTable,
};

use super::pprof::{ImportError, event_of_column};
use crate::export::extension::{Extension, place, unpack_origin};
use crate::export::messages as pprof;

/// Frames of all samples together, inlined ones too: a few bytes can refer to one long location again and again, and outputs
/// take four bytes a frame.
const MAX_FRAMES: u64 = 1 << 27;

/// Converts the tables, with at most `text_limit` bytes of names; what is taken for something it does not say is noted.
pub(super) fn convert(
    profile: &pprof::Profile,
    text_limit: u64,
    notes: &mut Vec<String>,
) -> Result<Profile, ImportError> {
    let strings = Strings { table: &profile.string_table, limit: text_limit, copied: Cell::new(0) };
    let extension = profile.extension.as_ref();
    let mappings = Ids::of("mapping", profile.mapping.iter().map(|mapping| mapping.id))?;
    let functions = Ids::of("function", profile.function.iter().map(|function| function.id))?;
    let locations = Ids::of("location", profile.location.iter().map(|location| location.id))?;
    let mut converted = Profile {
        modules: modules(profile, extension, &strings)?,
        functions: functions_of(profile, &strings)?,
        locations: Vec::with_capacity(profile.location.len()),
        stacks: StackTable::with_max_stacks(u32::MAX as usize),
        samples: Vec::new(),
        period_nanos: u64::try_from(profile.period).unwrap_or(0),
    };
    for (index, location) in profile.location.iter().enumerate() {
        let location = Locator { profile, extension, mappings: &mappings, functions: &functions }.location(
            index,
            location,
            &mut converted.functions,
        )?;
        converted.locations.push(location);
    }
    let columns = columns(profile, &strings, notes)?;
    let mut frames = 0u64;
    let mut totals = vec![(0u64, 0u64); columns.len()];
    let mut stack = Vec::new();
    for (number, sample) in profile.sample.iter().enumerate() {
        let expected = profile.sample_type.len();
        if sample.value.len() != expected {
            return Err(ImportError::ValueCount { sample: number, found: sample.value.len(), expected });
        }
        stack.clear();
        for id in &sample.location_id {
            let what = || format!("sample {number}");
            let location = locations.find(*id, "location", what)?;
            let lines = converted.locations.get(location as usize).map_or(0, |location| location.lines.len());
            frames = frames.saturating_add(lines as u64);
            stack.push(LocationId(location));
        }
        if frames > MAX_FRAMES {
            return Err(ImportError::TooManyFrames { limit: MAX_FRAMES });
        }
        for (column, total) in columns.iter().zip(&mut totals) {
            let value = |index: usize| {
                let value = sample.value.get(index).copied().unwrap_or(0);
                u64::try_from(value).map_err(|_| ImportError::Negative { sample: number, value })
            };
            let (count, amount) = (value(column.count)?, value(column.amount)?);
            total.0 = column.add(total.0, count)?;
            total.1 = column.add(total.1, amount)?;
            if (count, amount) != (0, 0)
                && let Some(stack) = converted.stacks.intern(&stack)
            {
                converted.samples.push(SampleRow { stack, event: column.event, count, amount });
            }
        }
    }
    Ok(converted)
}

struct Strings<'a> {
    table: &'a [String],
    limit: u64,
    /// Bytes handed out so far: each is copied.
    copied: Cell<u64>,
}

impl Strings<'_> {
    fn get(&self, index: i64, what: impl FnOnce() -> String) -> Result<&str, ImportError> {
        let found = usize::try_from(index).ok().and_then(|index| self.table.get(index));
        self.copied.set(self.copied.get().saturating_add(found.map_or(0, String::len) as u64));
        if self.copied.get() > self.limit {
            return Err(ImportError::TooLarge { what: "its names take", limit: self.limit });
        }
        match found {
            Some(text) => Ok(text),
            // A file without any string table is allowed to refer to the empty string.
            None if index == 0 => Ok(""),
            None => Err(ImportError::Dangling { what: what(), target: "string", index: i128::from(index) }),
        }
    }
}

/// Where each id of a table stands in it.
enum Ids {
    /// Ids count up from 1, as most writers have them: so many.
    Counted(u64),
    /// Any ids with their positions, sorted. No hash table: a file could be made so that all its ids collide.
    Sorted(Vec<(u64, u32)>),
}

impl Ids {
    fn of(target: &'static str, ids: impl Iterator<Item = u64> + Clone) -> Result<Self, ImportError> {
        if (1..).zip(ids.clone()).all(|(expected, id)| expected == id) {
            return Ok(Ids::Counted(ids.count() as u64));
        }
        let mut sorted: Vec<(u64, u32)> = ids.zip(0..).collect();
        sorted.sort_unstable();
        let twice = sorted.windows(2).find_map(|pair| match pair {
            [(one, _), (other, _)] if one == other => Some(*one),
            _ => None,
        });
        let zero = sorted.first().map(|(id, _)| *id).filter(|id| *id == 0);
        match zero.or(twice) {
            Some(id) => Err(ImportError::BadId { target, id }),
            None => Ok(Ids::Sorted(sorted)),
        }
    }

    fn find(&self, id: u64, target: &'static str, what: impl FnOnce() -> String) -> Result<u32, ImportError> {
        let found = match self {
            Ids::Counted(count) => {
                id.checked_sub(1).filter(|index| index < count).and_then(|index| index.try_into().ok())
            }
            Ids::Sorted(sorted) => {
                let index = sorted.binary_search_by_key(&id, |(id, _)| *id).ok();
                index.and_then(|index| sorted.get(index)).map(|(_, position)| *position)
            }
        };
        found.ok_or_else(|| ImportError::Dangling { what: what(), target, index: i128::from(id) })
    }
}

fn modules(
    profile: &pprof::Profile,
    extension: Option<&Extension>,
    strings: &Strings<'_>,
) -> Result<Vec<Module>, ImportError> {
    let modules = profile.mapping.iter().enumerate().map(|(index, mapping)| {
        let info = extension.and_then(|extension| extension.modules.get(index));
        let identity = info.and_then(|info| info.identity.parse().ok());
        let build_id = strings.get(mapping.build_id, || format!("mapping {}", mapping.id))?;
        Ok(Module {
            name: strings.get(mapping.filename, || format!("mapping {}", mapping.id))?.to_owned(),
            identity: identity.unwrap_or(CodeIdentity::from_digest([0; 32])),
            code_section_start: ByteSize::new(mapping.file_offset),
            code_section_size: ByteSize::new(mapping.memory_limit.saturating_sub(mapping.memory_start)),
            file_hash: info.map(|info| info.file_hash.clone()).unwrap_or_default(),
            build_id: info.map_or_else(|| build_id.to_owned(), |info| info.build_id.clone()),
            is_adapter: info.is_some_and(|info| info.is_adapter),
        })
    });
    modules.collect()
}

fn functions_of(profile: &pprof::Profile, strings: &Strings<'_>) -> Result<Vec<Function>, ImportError> {
    let functions = profile.function.iter().map(|function| {
        let text = |index| strings.get(index, || format!("function {}", function.id)).map(str::to_owned);
        Ok(Function {
            name: text(function.name)?,
            system_name: text(function.system_name)?,
            file: text(function.filename)?,
            start_line: u32::try_from(function.start_line).unwrap_or(0),
        })
    });
    functions.collect()
}

struct Locator<'a> {
    profile: &'a pprof::Profile,
    extension: Option<&'a Extension>,
    mappings: &'a Ids,
    functions: &'a Ids,
}

impl Locator<'_> {
    fn location(
        &self,
        index: usize,
        location: &pprof::Location,
        functions: &mut Vec<Function>,
    ) -> Result<Location, ImportError> {
        let what = || format!("location {}", location.id);
        let module = match location.mapping_id {
            0 => None,
            id => Some(self.mappings.find(id, "mapping", what)?),
        };
        let mut lines = Vec::with_capacity(location.line.len());
        for line in &location.line {
            lines.push(Line {
                function: FunctionId(self.functions.find(line.function_id, "function", what)?),
                line: u32::try_from(line.line).unwrap_or(0),
                column: u32::try_from(line.column).unwrap_or(0),
            });
        }
        if lines.is_empty() {
            // Other tools leave symbolizing to the viewer; the address is then all there is.
            let name = format!("{:#x}", location.address);
            let function = FunctionId(u32::try_from(functions.len()).unwrap_or(u32::MAX));
            functions.push(Function { system_name: name.clone(), name, file: String::new(), start_line: 0 });
            lines.push(Line { function, line: 0, column: 0 });
        }
        let origin = self.extension.and_then(|extension| extension.origins.get(index)).copied();
        Ok(Location {
            place: self.place(index, location, module, &lines, functions),
            origin: origin.and_then(unpack_origin),
            lines,
        })
    }

    fn place(
        &self,
        index: usize,
        location: &pprof::Location,
        module: Option<u32>,
        lines: &[Line],
        functions: &[Function],
    ) -> Place {
        let kind = self.extension.and_then(|extension| extension.place_kinds.get(index)).copied();
        let name = lines.first().and_then(|line| functions.get(line.function.0 as usize)).map(|f| f.name.as_str());
        match (kind.unwrap_or(place::UNKNOWN), module) {
            (place::CODE, Some(module)) => {
                let start = self.profile.mapping.get(module as usize).map_or(0, |mapping| mapping.memory_start);
                let offset = location.address.checked_sub(start).and_then(|offset| u32::try_from(offset).ok());
                let module = ModuleId(module);
                offset.map_or(Place::Module(module), |offset| Place::Code(module, CodeOffset::new(offset)))
            }
            (place::HOST_CALL, Some(module)) => Place::HostCall(ModuleId(module)),
            (place::MARKER, _) => name.and_then(Marker::from_label).map_or(Place::Unknown, Place::Marker),
            (_, Some(module)) => Place::Module(ModuleId(module)),
            (_, None) => Place::Unknown,
        }
    }
}

/// Which columns of the values hold an event.
struct Column {
    event: Event,
    name: String,
    count: usize,
    amount: usize,
}

impl Column {
    /// Adds to the sum of a column. Sums that fit here fit everywhere: none of a part is larger than that of the whole.
    fn add(&self, total: u64, value: u64) -> Result<u64, ImportError> {
        let sum = total.checked_add(value).filter(|sum| i64::try_from(*sum).is_ok());
        sum.ok_or_else(|| ImportError::TotalTooLarge { column: self.name.clone() })
    }
}

/// Finds pairs of columns (a count, and what it amounts to) by their names. A profile of another kind shows its default
/// column, or its last, as CPU time.
fn columns(
    profile: &pprof::Profile,
    strings: &Strings<'_>,
    notes: &mut Vec<String>,
) -> Result<Vec<Column>, ImportError> {
    let mut names = Vec::new();
    let mut counts = Vec::new();
    for ty in &profile.sample_type {
        names.push(strings.get(ty.r#type, || "a sample type".to_owned())?);
        counts.push(strings.get(ty.unit, || "a sample type".to_owned())? == "count");
    }
    let column = |event, amount: usize| {
        // The column before holds the number of samples, if it holds a number at all.
        let before = amount.checked_sub(1).filter(|before| counts.get(*before) == Some(&true));
        let name = names.get(amount).copied().unwrap_or_default().to_owned();
        Column { event, name, count: before.unwrap_or(amount), amount }
    };
    let mut known: Vec<Column> = Vec::new();
    for (amount, name) in names.iter().enumerate() {
        let event = event_of_column(name).filter(|event| known.iter().all(|other| other.event != *event));
        known.extend(event.map(|event| column(event, amount)));
    }
    if known.is_empty() {
        let default = strings.get(profile.default_sample_type, || "the default sample type".to_owned())?;
        let shown = names.iter().position(|name| *name == default).unwrap_or(names.len().saturating_sub(1));
        known.push(column(Event::Cpu, shown));
        notes.push(format!("the column {:?} is shown as cpu", names.get(shown).copied().unwrap_or_default()));
    }
    let used = |index: usize| known.iter().any(|column| column.count == index || column.amount == index);
    let unused: Vec<&str> = (0..).zip(&names).filter(|(index, _)| !used(*index)).map(|(_, name)| *name).collect();
    if !unused.is_empty() {
        notes.push(format!("not shown: the columns {}", unused.join(", ")));
    }
    Ok(known)
}
