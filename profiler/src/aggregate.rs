//! Samples, counted by stack.

use rustc_hash::FxHashMap;
use wasmscope_model::{
    CodeId, CodeIdentity, CodeOffset, Event, Marker, Module, NativeAddress, PcKind, RawFrame, RawSample, StackEnd,
    StackId, StackTable, Timestamp,
};

use crate::code_registry::Lookup;
use crate::off_cpu::OffCpuTotals;
use crate::requests::RequestSamples;
use crate::timeline::TimelineBuilder;

/// Resolved addresses kept between samples; beyond this many the cache starts anew.
const MAX_CACHED_PLACES: usize = 1 << 20;

/// A frame with the meaning that the compiler gave it, before any symbol is looked up.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum StackFrame {
    Code(GuestFrame, PcKind),
    /// The host function, or service of the runtime, that this place calls.
    HostCall(GuestFrame),
    Marker(Marker),
}

/// A place in guest code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct GuestFrame {
    /// Index into the modules of the aggregate.
    pub(crate) module: u32,
    pub(crate) function_index: u32,
    pub(crate) offset: Option<CodeOffset>,
    pub(crate) approximate: bool,
}

/// What an address in guest code turned out to be.
#[derive(Clone, Copy, Debug)]
enum Resolved {
    Guest(GuestFrame),
    Trampoline,
}

/// What was counted of one stack.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    /// Periods on a CPU.
    pub(crate) cpu: u64,
    pub(crate) wait: OffCpuTotals,
    pub(crate) ready: OffCpuTotals,
}

impl Sums {
    pub(crate) fn is_empty(&self) -> bool {
        self.cpu == 0 && self.wait.count == 0 && self.ready.count == 0
    }

    pub(crate) fn merge(&mut self, other: &Sums) {
        self.cpu += other.cpu;
        self.wait.merge(other.wait);
        self.ready.merge(other.ready);
    }
}

/// Samples by stack, and what was lost on the way here.
#[derive(Debug)]
pub(crate) struct Aggregate {
    pub(crate) modules: Vec<Module>,
    module_index: FxHashMap<CodeIdentity, u32>,
    pub(crate) stacks: StackTable<StackFrame>,
    /// What was counted of each stack.
    pub(crate) sums: Vec<Sums>,
    /// When it was counted.
    pub(crate) timeline: TimelineBuilder,
    /// For which requests it was counted.
    pub(crate) requests: RequestSamples,
    pub(crate) outside_guest: u64,
    pub(crate) truncated: u64,
    pub(crate) broken: u64,
    pub(crate) outer_unknown: u64,
    pub(crate) unknown_code: u64,
    pub(crate) folded: u64,
    places: FxHashMap<(CodeId, u32), Resolved>,
    stack: Vec<StackFrame>,
}

impl Aggregate {
    pub(crate) fn new(max_stacks: usize, started: Timestamp) -> Self {
        let mut aggregate = Self {
            modules: Vec::new(),
            module_index: FxHashMap::default(),
            // One more for the stack that stands for all that did not fit.
            stacks: StackTable::with_max_stacks(max_stacks.saturating_add(1)),
            sums: Vec::new(),
            timeline: TimelineBuilder::new(started),
            requests: RequestSamples::default(),
            outside_guest: 0,
            truncated: 0,
            broken: 0,
            outer_unknown: 0,
            unknown_code: 0,
            folded: 0,
            places: FxHashMap::default(),
            stack: Vec::new(),
        };
        aggregate.stacks.intern(&[StackFrame::Marker(Marker::Folded)]);
        aggregate
    }

    /// Counts one sample. Losses are told in samples of CPU time alone.
    pub(crate) fn add(&mut self, sample: &RawSample, lookup: &Lookup<'_>) {
        let weight = if sample.event == Event::Cpu { u64::from(sample.weight) } else { 0 };
        let end = match sample.end {
            StackEnd::NoGuest => {
                self.outside_guest += weight;
                return;
            }
            StackEnd::Entry => None,
            StackEnd::OuterUnknown => {
                self.outer_unknown += weight;
                Some(Marker::OuterUnknown)
            }
            StackEnd::Truncated => {
                self.truncated += weight;
                Some(Marker::Truncated)
            }
            StackEnd::Broken => {
                self.broken += weight;
                Some(Marker::Broken)
            }
        };
        let mut stack = std::mem::take(&mut self.stack);
        stack.clear();
        self.resolve(sample, lookup, &mut stack);
        stack.extend(end.map(StackFrame::Marker));
        let Self { stacks, sums, folded, timeline, requests, .. } = self;
        let id = stacks.intern(&stack).unwrap_or_else(|| {
            *folded += weight;
            ALL_OTHERS
        });
        let sum = sums_of(sums, id);
        let (counts, nanos) = match sample.event {
            Event::Wait | Event::Ready => (sample.nanos > 0, sample.nanos),
            _ => (true, 0),
        };
        if counts && sample.context.request != 0 {
            requests.add(sample.context.request, id, sample.event, u64::from(sample.weight), nanos);
        }
        if counts {
            timeline.add(sample.at, sample.thread, sample.event, id, sample.weight, nanos);
        }
        match sample.event {
            Event::Wait => sum.wait.add(u64::from(sample.weight), sample.nanos),
            Event::Ready => sum.ready.add(u64::from(sample.weight), sample.nanos),
            _ => sum.cpu += weight,
        }
        self.stack = stack;
    }

    fn resolve(&mut self, sample: &RawSample, lookup: &Lookup<'_>, stack: &mut Vec<StackFrame>) {
        let mut called_host = false;
        let mut in_unknown_code = false;
        for frame in &sample.frames {
            let (address, pc) = match frame {
                RawFrame::Guest(address, pc) => (*address, *pc),
                // An outer activation begins, like a host call, with the guest frame that called the host.
                RawFrame::Host(_) | RawFrame::Reentry => {
                    called_host = true;
                    continue;
                }
            };
            match self.place(address.lookup_offset(pc), sample.at, lookup) {
                Some(Resolved::Guest(guest)) => {
                    if std::mem::take(&mut called_host) {
                        stack.push(StackFrame::HostCall(guest));
                    }
                    stack.push(StackFrame::Code(guest, pc));
                }
                // Glue between guest and host is of interest only when it is what runs.
                Some(Resolved::Trampoline) if stack.is_empty() && pc == PcKind::Interrupted => {
                    stack.push(StackFrame::Marker(Marker::Trampoline));
                }
                Some(Resolved::Trampoline) => {}
                None => {
                    in_unknown_code = true;
                    stack.push(StackFrame::Marker(Marker::UnknownCode));
                }
            }
        }
        let weight = if sample.event == Event::Cpu { u64::from(sample.weight) } else { 0 };
        self.unknown_code += if in_unknown_code { weight } else { 0 };
        if called_host || stack.is_empty() {
            stack.push(StackFrame::Marker(if called_host { Marker::Host } else { Marker::Trampoline }));
        }
    }

    /// Finds the guest's place that a call to the host returns to.
    pub(crate) fn call_site(
        &mut self,
        address: NativeAddress,
        at: Timestamp,
        lookup: &Lookup<'_>,
    ) -> Option<GuestFrame> {
        match self.place(address.lookup_offset(PcKind::ReturnAddress), at, lookup)? {
            Resolved::Guest(guest) => Some(guest),
            Resolved::Trampoline => None,
        }
    }

    fn place(&mut self, address: NativeAddress, at: Timestamp, lookup: &Lookup<'_>) -> Option<Resolved> {
        let (code, described, offset) = lookup.find(address, at)?;
        if let Some(place) = self.places.get(&(code, offset)) {
            return Some(*place);
        }
        let described = described?;
        let place = match described.place_at(offset) {
            None => Resolved::Trampoline,
            Some(place) => Resolved::Guest(GuestFrame {
                module: self.module(described.modules().get(place.module as usize)?),
                function_index: place.function_index,
                offset: place.offset,
                approximate: place.approximate,
            }),
        };
        if self.places.len() >= MAX_CACHED_PLACES {
            self.places.clear();
        }
        self.places.insert((code, offset), place);
        Some(place)
    }

    fn module(&mut self, module: &Module) -> u32 {
        *self.module_index.entry(module.identity).or_insert_with(|| {
            self.modules.push(module.clone());
            self.modules.len() as u32 - 1
        })
    }

    /// Counts time off the CPU for which there is no stack.
    pub(crate) fn add_off_cpu(&mut self, marker: Marker, wait: OffCpuTotals, ready: OffCpuTotals) {
        if wait.nanos == 0 && ready.nanos == 0 {
            return;
        }
        let id = self.stacks.intern(&[StackFrame::Marker(marker)]).unwrap_or(ALL_OTHERS);
        let sum = sums_of(&mut self.sums, id);
        sum.wait.merge(wait);
        sum.ready.merge(ready);
    }

    /// Returns how many samples of CPU time there are.
    pub(crate) fn cpu_samples(&self) -> u64 {
        self.sums.iter().map(|sums| sums.cpu).sum()
    }

    /// Forgets what was cached about code that is gone.
    pub(crate) fn forget(&mut self, gone: &[CodeId]) {
        if !gone.is_empty() {
            let gone: rustc_hash::FxHashSet<CodeId> = gone.iter().copied().collect();
            self.places.retain(|(code, _), _| !gone.contains(code));
        }
    }
}

/// Stands for all stacks that do not fit.
const ALL_OTHERS: StackId = StackId(0);

/// Returns the sums of a stack.
fn sums_of(sums: &mut Vec<Sums>, stack: StackId) -> &mut Sums {
    let index = stack.0 as usize;
    if sums.len() <= index {
        sums.resize(index + 1, Sums::default());
    }
    &mut sums[index]
}
