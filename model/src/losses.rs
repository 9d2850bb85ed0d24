//! What a recording lost, by reason.

/// Samples that were not recorded, or only in part; each counter names its reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Losses {
    /// Dropped because the thread's ring was full.
    pub dropped_ring_full: u64,
    /// Never delivered: a second signal came while the first was pending, and the kernel merges them.
    pub merged_signals: u64,
    /// Arrived while the handler was at work on the same thread, or was writing its record.
    pub reentered_handler: u64,
    /// Signals that arrived at a thread we do not sample.
    pub unregistered_thread: u64,
    /// Recorded without their stack, because the table of stacks was full.
    pub folded_stack_table_full: u64,
    /// Cut at the depth limit; the innermost frames were kept.
    pub truncated_at_max_depth: u64,
    /// The walk ended at a frame that did not pass its checks.
    pub broken_stack: u64,
    /// Ended at an inner activation whose outer part could not be linked.
    pub outer_unknown: u64,
    /// Taken in host code under which no guest frame could be found; not part of the profile.
    pub outside_guest: u64,
    /// With frames in code that nobody described.
    pub unknown_code: u64,
    /// Threads that could not be sampled at all.
    pub threads_not_sampled: u64,
}

impl Losses {
    /// Returns every counter with its name and the words that explain it, in the order of the fields.
    pub fn entries(&self) -> [(&'static str, &'static str, u64); 11] {
        [
            ("dropped_ring_full", "dropped, a thread's ring was full", self.dropped_ring_full),
            ("merged_signals", "lost, the kernel merged two signals", self.merged_signals),
            ("reentered_handler", "lost, the signal interrupted the handler itself", self.reentered_handler),
            ("unregistered_thread", "arrived at a thread that is not sampled", self.unregistered_thread),
            ("folded_stack_table_full", "recorded without stack, the table was full", self.folded_stack_table_full),
            ("truncated_at_max_depth", "truncated at the depth limit", self.truncated_at_max_depth),
            ("broken_stack", "ended at a frame that failed its checks", self.broken_stack),
            ("outer_unknown", "end at an inner activation", self.outer_unknown),
            ("outside_guest", "outside the guest", self.outside_guest),
            ("unknown_code", "with frames in code that was never described", self.unknown_code),
            ("threads_not_sampled", "threads not sampled", self.threads_not_sampled),
        ]
    }

    /// Sets the counter called `name`, and tells whether there is one.
    pub fn set(&mut self, name: &str, value: u64) -> bool {
        let counter = match name {
            "dropped_ring_full" => &mut self.dropped_ring_full,
            "merged_signals" => &mut self.merged_signals,
            "reentered_handler" => &mut self.reentered_handler,
            "unregistered_thread" => &mut self.unregistered_thread,
            "folded_stack_table_full" => &mut self.folded_stack_table_full,
            "truncated_at_max_depth" => &mut self.truncated_at_max_depth,
            "broken_stack" => &mut self.broken_stack,
            "outer_unknown" => &mut self.outer_unknown,
            "outside_guest" => &mut self.outside_guest,
            "unknown_code" => &mut self.unknown_code,
            "threads_not_sampled" => &mut self.threads_not_sampled,
            _ => return false,
        };
        *counter = value;
        true
    }

    /// Returns how many samples should have been in the profile and are not.
    pub fn lost_samples(&self) -> u64 {
        self.dropped_ring_full.saturating_add(self.merged_signals).saturating_add(self.reentered_handler)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_counter_can_be_set_by_its_name() {
        let mut losses = Losses::default();
        for (index, (name, _, _)) in Losses::default().entries().into_iter().enumerate() {
            assert!(losses.set(name, index as u64 + 1), "{name}");
        }
        let values: Vec<u64> = losses.entries().into_iter().map(|(_, _, value)| value).collect();
        assert_eq!(values, (1..=11).collect::<Vec<u64>>());
        assert!(!losses.set("nonsense", 1));
    }
}
