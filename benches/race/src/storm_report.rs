//! What came out of a storm.

use std::fmt::Write as _;
use std::time::Duration;

use wasmscope_model::{Event, Recording};
use wasmscope_testkit::marked_modules::MarkedReport;

/// How far signals and merged ones may be from CPU time × rate: a thread's timer starts a little after its CPU time is
/// first read and stops a little before it is last read, its last period is seldom whole, and of what is missing at that
/// moment one period is taken for a signal that is still due.
const PERIODS_PER_THREAD: f64 = 3.0;
/// And besides, as a part of all: clocks are read one after the other.
const MAX_DEVIATION: f64 = 0.002;

/// Reads the note in which a timer without kernel time says how much it could not sample.
fn system_call_time(note: &str) -> Option<Duration> {
    let (amount, _) = note.split_once(" of CPU time passed in system calls")?;
    let units = [("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0)];
    let (number, unit) = units.iter().find_map(|(unit, factor)| Some((amount.strip_suffix(unit)?, factor)))?;
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * unit).ok()
}

/// The sums over all recordings of a storm.
#[derive(Debug, Default)]
pub struct Ledger {
    recordings: u32,
    timer: String,
    signals: u64,
    samples: u64,
    outside_guest: u64,
    dropped_ring_full: u64,
    merged_signals: u64,
    reentered_handler: u64,
    unregistered_thread: u64,
    threads_not_sampled: u64,
    unknown_code: u64,
    folded: u64,
    cpu: Duration,
    /// What the timer could not sample, by its own account.
    in_system_calls: Duration,
    marked: MarkedReport,
    notes: Vec<String>,
}

impl Ledger {
    /// Adds a recording.
    pub fn add(&mut self, recording: &Recording) {
        let losses = &recording.losses;
        self.recordings += 1;
        self.samples += recording.total_count(Event::Cpu);
        self.outside_guest += losses.outside_guest;
        self.dropped_ring_full += losses.dropped_ring_full;
        self.merged_signals += losses.merged_signals;
        self.reentered_handler += losses.reentered_handler;
        self.unregistered_thread += losses.unregistered_thread;
        self.threads_not_sampled += losses.threads_not_sampled;
        self.unknown_code += losses.unknown_code;
        self.folded += losses.folded_stack_table_full;
        self.marked.check(&recording.profile);
        if let Some(run) = &recording.run {
            self.signals += run.signals;
            self.cpu += run.cpu.unwrap_or_default();
            self.timer = format!("{} ({})", run.timer, run.timer_reason);
            for note in run.notes.iter().filter(|note| !note.contains("no debug information")) {
                match system_call_time(note) {
                    Some(time) => self.in_system_calls += time,
                    None => self.notes.push(note.clone()),
                }
            }
        }
    }

    /// Describes the sums; tells whether nothing was lost without being counted, and nothing mistaken.
    pub fn describe(&self, rate_hz: u32, threads: u64, body: &mut String) -> bool {
        let accounted = self.samples + self.outside_guest + self.dropped_ring_full;
        let uncounted = self.signals.abs_diff(accounted);
        let due = self.cpu.as_secs_f64() * f64::from(rate_hz);
        let unseen = self.in_system_calls.as_secs_f64() * f64::from(rate_hz);
        let deviation = (self.signals + self.merged_signals + self.reentered_handler) as f64 + unseen - due;
        let allowed = threads as f64 * PERIODS_PER_THREAD + due * MAX_DEVIATION;
        let wrong = self.marked.wrong_samples();
        let rows = [
            ("signals that reached the handler", self.signals),
            ("in the profile", self.samples),
            ("outside the guest (compiling, starting, dropping)", self.outside_guest),
            ("dropped, a ring was full", self.dropped_ring_full),
            ("**uncounted**", uncounted),
            ("merged by the kernel", self.merged_signals),
            ("arrived inside the handler", self.reentered_handler),
            ("in system calls, which this timer may not sample", unseen as u64),
            ("at a thread that is not sampled", self.unregistered_thread),
            ("threads not sampled", self.threads_not_sampled),
            ("in code that nobody described", self.unknown_code),
            ("without stack, the table was full", self.folded),
            ("stacks that say themselves that they are cut", self.marked.cut),
            ("**given to the wrong module**", wrong),
        ];
        let _ = writeln!(body, "| | |\n|---|---|");
        for (what, count) in rows {
            let _ = writeln!(body, "| {what} | {count} |");
        }
        let _ = writeln!(body, "\nTimer: {}. {} recordings, cut while it raged.", self.timer, self.recordings);
        let _ = writeln!(
            body,
            "CPU time {:.1} s × {rate_hz} Hz = {due:.0} samples due; signals, merged ones and those in system calls are \
             {deviation:+.0} from that, {:+.2} a thread ({allowed:.0} allowed).",
            self.cpu.as_secs_f64(),
            deviation / threads as f64,
        );
        let kinds: Vec<String> = self.marked.by_kind.iter().map(|(kind, count)| format!("{kind}: {count}")).collect();
        let _ = writeln!(body, "Samples by kind: {}.", kinds.join(", "));
        for (stack, count) in self.marked.wrong.iter().take(20) {
            let _ = writeln!(body, "- wrong: {count} at {stack}");
        }
        let mut notes = self.notes.clone();
        notes.sort();
        notes.dedup();
        notes.truncate(10);
        for note in notes {
            let _ = writeln!(body, "- {note}");
        }
        let nothing_missing = uncounted == 0 && self.threads_not_sampled == 0 && self.unregistered_thread == 0;
        let nothing_mistaken = wrong == 0 && self.unknown_code == 0;
        nothing_missing && nothing_mistaken && deviation.abs() <= allowed && self.samples > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_note_on_system_calls_is_read_and_others_are_not() {
        let time = |text: &str| system_call_time(&format!("{text} of CPU time passed in system calls, which …"));
        assert_eq!(time("4.5ms"), Some(Duration::from_micros(4500)));
        assert_eq!(time("300.0µs"), Some(Duration::from_micros(300)));
        assert_eq!(time("1.5s"), Some(Duration::from_millis(1500)));
        assert_eq!(time("much"), None);
        assert_eq!(system_call_time("compiled code is not kept"), None);
    }
}
