//! What was recorded, before any symbol is looked up.

use std::time::Duration;

use wasmscope_model::{ClockAnchor, EngineKind, Losses, OwnCost, Recording, RunReport, SymbolSource};
use wasmscope_signal::HANDLER_BUCKETS;

use crate::aggregate::{Aggregate, GuestFrame};
use crate::host_calls::CallSite;
use crate::resolve_again::NotLookedUp;
use crate::session::{Drained, Session};
use crate::symbolize::{Symbolized, named_host_calls, symbolized};
use crate::sys;

/// Width of the buckets in which handler times are counted.
const HANDLER_BUCKET: Duration = Duration::from_nanos(20);

/// Samples by stack of code offsets, with what was lost and what it cost.
#[derive(Debug)]
pub struct RawRecording {
    aggregate: Aggregate,
    host_calls: Vec<(Option<GuestFrame>, CallSite)>,
    handler_histogram: [u64; HANDLER_BUCKETS],
    /// What was lost, by reason.
    pub losses: Losses,
    /// How it was made.
    pub run: RunReport,
    /// When it began.
    pub started: ClockAnchor,
}

impl RawRecording {
    pub(crate) fn new(session: &Session, drained: Drained) -> Self {
        let Drained { aggregate, totals, started, drain_cpu, unregistered_before, garbled, host_calls, .. } = drained;
        let choice = &session.choice;
        let mut notes = Vec::new();
        let (merged, unseen) = choice.split_missing(totals.missing);
        if unseen > 0 {
            let unseen = choice.period.saturating_mul(u32::try_from(unseen).unwrap_or(u32::MAX));
            notes.push(match choice.engine() {
                EngineKind::Epoch => format!("{unseen:.1?} of CPU time passed after the last check of a guest"),
                EngineKind::Signal => format!(
                "{unseen:.1?} of CPU time passed in system calls, which this timer may not sample, or while a signal was \
                 pending, with which the kernel merges the next"
            )});
        }
        if totals.foreign > 0 {
            notes.push(format!("{} SIGPROF signals came from elsewhere and were not counted", totals.foreign));
        }
        if aggregate.requests.folded > 0 {
            notes.push(format!(
                "{} samples are not told by request: too many different ones",
                aggregate.requests.folded
            ));
        }
        if garbled > 0 {
            notes.push(format!("{garbled} batches of samples could not be read back; this is a defect of wasmscope"));
        }
        let losses = Losses {
            dropped_ring_full: totals.dropped_full,
            merged_signals: merged,
            reentered_handler: totals.reentered,
            unregistered_thread: wasmscope_signal::unregistered_signals().saturating_sub(unregistered_before),
            folded_stack_table_full: aggregate.folded,
            truncated_at_max_depth: aggregate.truncated,
            broken_stack: aggregate.broken,
            outer_unknown: aggregate.outer_unknown,
            outside_guest: aggregate.outside_guest,
            unknown_code: aggregate.unknown_code,
            threads_not_sampled: session.take_threads_not_sampled(),
        };
        let run = RunReport {
            engine: choice.engine(),
            timer: choice.kind,
            timer_reason: choice.reason.clone(),
            rate_hz: session.config.rate_hz,
            duration: sys::now().since(started.monotonic),
            cpu: Some(totals.cpu),
            signals: totals.ticks,
            threads: totals.threads,
            cost: OwnCost { handler: totals.handler, drain: drain_cpu },
            notes,
        };
        Self { aggregate, host_calls, handler_histogram: totals.histogram, losses, run, started }
    }

    /// Returns how many samples of CPU time the profile holds.
    pub fn samples(&self) -> u64 {
        self.aggregate.cpu_samples()
    }

    /// Returns the time that a share `quantile` (0 to 1) of all runs of the handler stayed below; `None` without runs.
    ///
    /// # Accuracy
    ///
    /// The upper end of a bucket 20 ns wide; times above 2.5 µs are reported as that.
    pub fn handler_time(&self, quantile: f64) -> Option<Duration> {
        let total: u64 = self.handler_histogram.iter().sum();
        let wanted = (total as f64 * quantile).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in (1..).zip(self.handler_histogram) {
            seen += count;
            if total > 0 && seen >= wanted.max(1) {
                return Some(HANDLER_BUCKET * bucket);
            }
        }
        None
    }

    /// Returns the finished recording without names and lines, for [`crate::resolve_again`] elsewhere. Host functions have
    /// their names: those are the modules' own.
    pub fn kept_raw(self, source: &mut dyn SymbolSource) -> Recording {
        self.symbolize(&mut NotLookedUp(source))
    }

    /// Looks up every place once, and returns the finished recording.
    ///
    /// # Accuracy
    ///
    /// Functions are exact. Lines of instructions whose origin the compiler dropped are those of the nearest
    /// instruction, and say so.
    pub fn symbolize(self, source: &mut dyn SymbolSource) -> Recording {
        let Self { aggregate, host_calls, losses, run, started, .. } = self;
        let host_calls = named_host_calls(&aggregate.modules, host_calls, source);
        let period_nanos = 1_000_000_000 / u64::from(run.rate_hz.max(1));
        let Symbolized { profile, timeline, requests } = symbolized(aggregate, period_nanos, source);
        let (run, started, timeline) = (Some(run), Some(started), Some(timeline));
        Recording { profile, host_calls, timeline, requests, losses, run, started, notes: Vec::new() }
    }
}
