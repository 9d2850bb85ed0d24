//! A recording: a symbolized profile and everything its reader is owed.

use crate::{
    ClockAnchor, Event, Function, HostCallTotals, Location, Losses, Module, Requests, RunReport, StackId, StackTable,
    Timeline,
};

/// Names a location inside one recording: its position in [`Profile::locations`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LocationId(pub u32);

/// How often one stack was seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SampleRow {
    /// The stack.
    pub stack: StackId,
    /// What is counted.
    pub event: Event,
    /// How many samples, each weighted by the periods it stands for.
    pub count: u64,
    /// The same in nanoseconds; bytes for `alloc` and `live`.
    pub amount: u64,
}

impl SampleRow {
    /// Returns how much the row weighs in reports, in the event's [`Event::weight_unit`].
    pub fn weight(&self) -> u64 {
        match self.event {
            Event::Cpu => self.count,
            Event::Wait | Event::Ready => self.amount.saturating_add(500) / 1000,
            Event::Alloc | Event::Live => self.amount,
        }
    }
}

/// Samples by stack, with the tables that give the stacks their meaning.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Modules, by [`crate::ModuleId`].
    pub modules: Vec<Module>,
    /// Functions, by [`crate::FunctionId`].
    pub functions: Vec<Function>,
    /// Locations, by [`LocationId`].
    pub locations: Vec<Location>,
    /// Stacks of locations, innermost first.
    pub stacks: StackTable<LocationId>,
    /// Samples.
    pub samples: Vec<SampleRow>,
    /// The sampling period in nanoseconds; 0 when unknown.
    pub period_nanos: u64,
}

/// A profile, how it was made, and what it lost.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The samples.
    pub profile: Profile,
    /// Calls to the host by function, those that took longest in all first.
    pub host_calls: Vec<HostCallTotals>,
    /// When the samples were taken; `None` for files that do not tell.
    pub timeline: Option<Timeline>,
    /// What was sampled for which requests; `None` when it was no service.
    pub requests: Option<Requests>,
    /// What was lost, by reason.
    pub losses: Losses,
    /// How it was made; `None` for files of other tools.
    pub run: Option<RunReport>,
    /// When it began; `None` when unknown.
    pub started: Option<ClockAnchor>,
    /// What its reader should know besides: what was taken for something else, or left out, when it was read from a file.
    pub notes: Vec<String>,
}

/// An index that points outside its table.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// A reference to something that is not there.
    #[error("{what} {index} is referred to, and there are only {len}")]
    OutOfRange {
        /// What is referred to.
        what: &'static str,
        /// The index.
        index: u32,
        /// How many there are.
        len: usize,
    },
    /// A location without any line.
    #[error("location {0} has no function")]
    EmptyLocation(u32),
}

impl Recording {
    /// Returns the total count of samples of one event.
    pub fn total_count(&self, event: Event) -> u64 {
        self.rows(event).fold(0, |sum, row| sum.saturating_add(row.count))
    }

    /// Returns the total amount (nanoseconds, or bytes) of one event.
    pub fn total_amount(&self, event: Event) -> u64 {
        self.rows(event).fold(0, |sum, row| sum.saturating_add(row.amount))
    }

    /// Returns the total weight of one event, in its [`Event::weight_unit`].
    pub fn total_weight(&self, event: Event) -> u64 {
        self.rows(event).fold(0, |sum, row| sum.saturating_add(row.weight()))
    }

    /// Iterates over the samples of one event.
    pub fn rows(&self, event: Event) -> impl Iterator<Item = &SampleRow> {
        self.profile.samples.iter().filter(move |row| row.event == event)
    }

    /// Returns the locations of a stack, innermost first.
    pub fn stack(&self, id: StackId) -> impl DoubleEndedIterator<Item = &Location> {
        let ids = self.profile.stacks.frames(id).unwrap_or_default();
        ids.iter().filter_map(|id| self.profile.locations.get(id.0 as usize))
    }

    /// Checks that every index points inside its table, so that exporters may rely on it.
    ///
    /// # Errors
    ///
    /// Names the first reference that points nowhere.
    pub fn validate(&self) -> Result<(), RecordingError> {
        let profile = &self.profile;
        let check = |what, index: u32, len: usize| {
            let inside = (index as usize) < len;
            inside.then_some(()).ok_or(RecordingError::OutOfRange { what, index, len })
        };
        for (index, location) in (0..).zip(&profile.locations) {
            if location.lines.is_empty() {
                return Err(RecordingError::EmptyLocation(index));
            }
            for line in &location.lines {
                check("function", line.function.0, profile.functions.len())?;
            }
            match location.place {
                crate::Place::Code(module, _) | crate::Place::Module(module) | crate::Place::HostCall(module) => {
                    check("module", module.0, profile.modules.len())?;
                }
                crate::Place::Marker(_) | crate::Place::Unknown => {}
            }
        }
        for (_, stack) in profile.stacks.iter() {
            for id in stack {
                check("location", id.0, profile.locations.len())?;
            }
        }
        for row in &profile.samples {
            check("stack", row.stack.0, profile.stacks.len())?;
        }
        if let Some(timeline) = &self.timeline {
            for point in &timeline.points {
                check("thread", point.thread, timeline.threads.len())?;
                check("row", point.row, profile.samples.len())?;
            }
        }
        if let Some(requests) = &self.requests {
            for sample in &requests.samples {
                check("request group", sample.group, requests.groups.len())?;
                check("row", sample.row, profile.samples.len())?;
            }
        }
        Ok(())
    }
}
