//! From counted stacks of code offsets to a profile with names and lines.

use std::collections::BTreeMap;
use std::hash::RandomState;
use std::sync::Arc;

use indexmap::IndexSet;
use rustc_hash::FxHashMap;
use wasmscope_model::{
    CodeLocation, Event, FrameOrigin, Function, FunctionId, HostCallTotals, Line, LineOrigin, Location, LocationId,
    Marker, Module, ModuleId, NameOrigin, PcKind, Place, Profile, RequestGroup, RequestSample, Requests, Resolved,
    SampleRow, StackId, StackTable, SymbolSource, Timeline, TimelinePoint, TimelineThread, WhyNoLine,
};

use crate::aggregate::{Aggregate, GuestFrame, StackFrame, Sums};
use crate::host_calls::CallSite;
use crate::requests::{GroupKey, RequestSamples};
use crate::timeline::{Point, TimelineBuilder};

/// Hashed with a secret: names come from modules and files that may be made to collide.
type Ordered<T> = IndexSet<T, RandomState>;

/// What samples turned out to be.
pub(crate) struct Symbolized {
    pub(crate) profile: Profile,
    pub(crate) timeline: Timeline,
    /// `None` where no request has ended.
    pub(crate) requests: Option<Requests>,
}

/// Builds a profile: each distinct place is looked up once.
pub(crate) fn symbolized(aggregate: Aggregate, period_nanos: u64, source: &mut dyn SymbolSource) -> Symbolized {
    let Aggregate { modules, stacks, sums, timeline, requests, .. } = aggregate;
    let mut tables = Tables {
        modules: &modules,
        source,
        functions: Ordered::default(),
        locations: Ordered::default(),
        known: FxHashMap::default(),
    };
    let mut by_location = StackTable::with_max_stacks(u32::MAX as usize);
    let mut by_stack: Vec<Sums> = Vec::new();
    let mut ids = Vec::new();
    let mut located: FxHashMap<StackId, StackId> = FxHashMap::default();
    for ((raw, frames), sums) in stacks.iter().zip(sums).filter(|(_, sums)| !sums.is_empty()) {
        ids.clear();
        ids.extend(frames.iter().map(|frame| tables.location(*frame)));
        // Different calls to one host function may share a location, so stacks may meet here.
        if let Some(stack) = by_location.intern(&ids) {
            by_stack.resize(by_location.len(), Sums::default());
            by_stack[stack.0 as usize].merge(&sums);
            located.insert(raw, stack);
        }
    }
    let samples = by_location.iter().zip(by_stack).flat_map(|((stack, _), Sums { cpu, wait, ready })| {
        let row = |event, count, amount| SampleRow { stack, event, count, amount };
        [
            row(Event::Cpu, cpu, cpu.saturating_mul(period_nanos)),
            row(Event::Wait, wait.count, wait.nanos),
            row(Event::Ready, ready.count, ready.nanos),
        ]
    });
    let samples: Vec<SampleRow> = samples.filter(|row| row.count > 0).collect();
    let rows = Rows::new(&located, &samples, period_nanos);
    let (timeline, requests) = (timeline_of(timeline, &rows), requests_of(requests, &rows));
    let Tables { functions, locations, .. } = tables;
    let profile = Profile {
        functions: functions.into_iter().collect(),
        locations: locations.into_iter().collect(),
        stacks: by_location,
        samples,
        period_nanos,
        modules,
    };
    Symbolized { profile, timeline, requests }
}

/// The rows of samples, by what they were before they were symbolized.
struct Rows<'r> {
    located: &'r FxHashMap<StackId, StackId>,
    rows: FxHashMap<(StackId, Event), u32>,
    period_nanos: u64,
}

impl<'r> Rows<'r> {
    fn new(located: &'r FxHashMap<StackId, StackId>, samples: &[SampleRow], period_nanos: u64) -> Self {
        let rows = (0..).zip(samples).map(|(index, row)| ((row.stack, row.event), index)).collect();
        Self { located, rows, period_nanos }
    }

    fn find(&self, stack: StackId, event: Event) -> Option<u32> {
        self.rows.get(&(*self.located.get(&stack)?, event)).copied()
    }

    fn amount(&self, event: Event, count: u64, nanos: u64) -> u64 {
        if event == Event::Cpu { count.saturating_mul(self.period_nanos) } else { nanos }
    }
}

/// Gives what was sampled for requests the rows it belongs to.
fn requests_of(collected: RequestSamples, rows: &Rows<'_>) -> Option<Requests> {
    if collected.groups.is_empty() {
        return None;
    }
    let mut requests = Requests::default();
    for (index, (key, group)) in (0..).zip(collected.groups) {
        let GroupKey { route, status_class, bucket } = key;
        let (count, latency_nanos) = (group.count, group.latency_nanos);
        requests.groups.push(RequestGroup { route: route.to_string(), status_class, bucket, count, latency_nanos });
        // Different stacks of code offsets may be one of locations.
        let mut sums: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        for ((stack, event), (count, nanos)) in group.samples {
            let Some(row) = rows.find(stack, event) else { continue };
            let sum = sums.entry(row).or_default();
            *sum = (sum.0.saturating_add(count), sum.1.saturating_add(rows.amount(event, count, nanos)));
        }
        let sample = |(row, (count, amount))| RequestSample { group: index, row, count, amount };
        requests.samples.extend(sums.into_iter().map(sample));
    }
    Some(requests)
}

/// Gives the points of a timeline the rows they belong to.
fn timeline_of(timeline: TimelineBuilder, rows: &Rows<'_>) -> Timeline {
    let (bucket_nanos, threads, points) = timeline.finish();
    let point = |point: Point| {
        let Point { key, count, nanos } = point;
        let row = rows.find(key.stack, key.event)?;
        let count = u64::from(count);
        let amount = rows.amount(key.event, count, nanos);
        Some(TimelinePoint { bucket: key.bucket, thread: u32::from(key.thread), row, count, amount })
    };
    let mut points: Vec<TimelinePoint> = points.into_iter().filter_map(point).collect();
    points.sort_unstable_by_key(|point| (point.bucket, point.thread, point.row));
    points.dedup_by(|later, kept| {
        let same = (later.bucket, later.thread, later.row) == (kept.bucket, kept.thread, kept.row);
        if same {
            kept.count = kept.count.saturating_add(later.count);
            kept.amount = kept.amount.saturating_add(later.amount);
        }
        same
    });
    let thread = |(name, tid): (Arc<str>, u32)| TimelineThread { name: name.to_string(), tid };
    Timeline { bucket_nanos, threads: threads.into_iter().map(thread).collect(), points }
}

/// Names the host functions that were called, and puts those first that took longest in all.
pub(crate) fn named_host_calls(
    modules: &[Module],
    sites: Vec<(Option<GuestFrame>, CallSite)>,
    source: &mut dyn SymbolSource,
) -> Vec<HostCallTotals> {
    let mut by_name: BTreeMap<String, CallSite> = BTreeMap::new();
    for (guest, site) in sites {
        let place = guest.and_then(|guest| {
            let GuestFrame { module, function_index, offset, approximate } = guest;
            let module = modules.get(module as usize)?.identity;
            Some(CodeLocation { module, function_index, offset, approximate })
        });
        let name = place.and_then(|place| source.host_call(&place));
        let name = name.unwrap_or_else(|| Marker::Host.label().to_owned());
        by_name.entry(name).or_insert_with(|| CallSite::new(site.since)).merge(&site);
    }
    let totals = by_name.into_iter().map(|(name, site)| HostCallTotals {
        name,
        count: site.count,
        total: site.total,
        max: site.max,
        p99: site.p99(),
    });
    let mut totals: Vec<_> = totals.collect();
    totals.sort_by(|a, b| (b.total, &a.name).cmp(&(a.total, &b.name)));
    totals
}

struct Tables<'a> {
    modules: &'a [Module],
    source: &'a mut dyn SymbolSource,
    functions: Ordered<Function>,
    locations: Ordered<Location>,
    known: FxHashMap<StackFrame, LocationId>,
}

impl Tables<'_> {
    fn location(&mut self, frame: StackFrame) -> LocationId {
        if let Some(known) = self.known.get(&frame) {
            return *known;
        }
        let location = match frame {
            StackFrame::Code(guest, pc) => self.guest(guest, pc),
            StackFrame::HostCall(guest) => self.host_call(guest),
            StackFrame::Marker(marker) => self.marker(marker),
        };
        let id = LocationId(index(self.locations.insert_full(location).0));
        self.known.insert(frame, id);
        id
    }

    fn code_location(&self, guest: GuestFrame) -> Option<CodeLocation> {
        let GuestFrame { module, function_index, offset, approximate } = guest;
        let module = self.modules.get(module as usize)?.identity;
        Some(CodeLocation { module, function_index, offset, approximate })
    }

    fn guest(&mut self, guest: GuestFrame, pc: PcKind) -> Location {
        let Some(place) = self.code_location(guest) else {
            return self.marker(Marker::UnknownCode);
        };
        let Resolved { frames, name, line } = self.source.resolve(&place);
        let lines = frames.into_iter().map(|frame| Line {
            function: self.function(Function {
                name: frame.name,
                system_name: frame.system_name,
                file: frame.file,
                start_line: frame.start_line,
            }),
            line: frame.line,
            column: frame.column,
        });
        let lines = lines.collect();
        let module = ModuleId(guest.module);
        let place = guest.offset.map_or(Place::Module(module), |offset| Place::Code(module, offset));
        Location { place, origin: Some(FrameOrigin { pc, line, name, nearest: guest.approximate }), lines }
    }

    fn host_call(&mut self, guest: GuestFrame) -> Location {
        let called = self.code_location(guest).and_then(|place| self.source.host_call(&place));
        match called {
            None => self.marker(Marker::Host),
            Some(name) => {
                let place = Place::HostCall(ModuleId(guest.module));
                self.without_code(place, name, NameOrigin::Import)
            }
        }
    }

    fn marker(&mut self, marker: Marker) -> Location {
        self.without_code(Place::Marker(marker), marker.label().to_owned(), NameOrigin::Marker)
    }

    fn without_code(&mut self, place: Place, name: String, origin: NameOrigin) -> Location {
        let system_name = name.clone();
        let function = self.function(Function { name, system_name, file: String::new(), start_line: 0 });
        let line = LineOrigin::Missing(WhyNoLine::NotGuestCode);
        let origin = FrameOrigin { pc: PcKind::Interrupted, line, name: origin, nearest: false };
        Location { place, origin: Some(origin), lines: vec![Line { function, line: 0, column: 0 }] }
    }

    fn function(&mut self, function: Function) -> FunctionId {
        FunctionId(index(self.functions.insert_full(function).0))
    }
}

/// Table sizes are bounded by the limit on stacks times the depth limit, which fits.
fn index(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
