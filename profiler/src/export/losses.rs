//! How many samples there are, and whether so many are missing that a reader must know.

use wasmscope_model::{EngineKind, Event, Recording, TimerKind};

/// A share of samples from which on a loss is worth a warning.
const WARN_FROM: f64 = 0.01;

/// Returns a share in percent.
pub(super) fn percent(part: u64, whole: u64) -> String {
    match part as f64 * 100.0 / whole.max(1) as f64 {
        little if part > 0 && little < 0.05 => "<0.1%".to_owned(),
        share => format!("{share:.1}%"),
    }
}

/// Says how many samples there are and how many are lost: `140 cpu, 3 lost (2.1%)`, or `37 signals for
/// 140 cpu periods, 3 lost (2.1%)`.
///
/// Where one may stand for several periods of CPU time, both numbers are told: the shares are as exact as the number of
/// those that were taken makes them.
pub(super) fn samples_text(recording: &Recording) -> String {
    let (cpu, lost) = (format!("{} {}", recording.total_count(Event::Cpu), Event::Cpu), lost_text(recording));
    match weighed(recording) {
        Some(taken) => format!("{taken} for {cpu} periods, {lost}"),
        None => format!("{cpu}, {lost}"),
    }
}

/// Says how many samples were taken where one may stand for several periods of CPU time: `37 signals`.
pub(super) fn weighed(recording: &Recording) -> Option<String> {
    let run = recording.run.as_ref()?;
    let one = match (run.engine, run.timer) {
        (EngineKind::Epoch, _) => "check",
        (EngineKind::Signal, TimerKind::ThreadCpu) => "signal",
        (EngineKind::Signal, _) => return None,
    };
    let plural = if run.signals == 1 { "" } else { "s" };
    Some(format!("{} {one}{plural}", run.signals))
}

/// Says how many samples are lost, and what share of all that is: `3 lost (2.1%)`.
pub(super) fn lost_text(recording: &Recording) -> String {
    match recording.losses.lost_samples() {
        0 => "0 lost".to_owned(),
        lost => format!("{lost} lost ({})", percent(lost, all_due(recording))),
    }
}

/// Returns how many samples there would be if none were lost.
fn all_due(recording: &Recording) -> u64 {
    let losses = &recording.losses;
    recording.total_count(Event::Cpu).saturating_add(losses.outside_guest).saturating_add(losses.lost_samples())
}

/// Says which losses are so large that the reader must know, what they do to the result, and what to do.
pub(super) fn warnings(recording: &Recording) -> Vec<String> {
    let losses = &recording.losses;
    let (kept, due) = (recording.total_count(Event::Cpu), all_due(recording));
    let told = [
        (losses.lost_samples(), due, "are lost, and shares may be off by as much; a lower --rate loses fewer"),
        (
            losses.truncated_at_max_depth,
            kept,
            "are cut at the depth limit, and their outermost callers are missing; a higher --max-depth keeps them",
        ),
        (
            losses.folded_stack_table_full,
            kept,
            "have no stack, since there were too many different ones; a lower --rate or a shorter time makes fewer",
        ),
    ];
    let large =
        told.into_iter().filter(|(count, of, _)| *count > 0 && *of > 0 && *count as f64 >= *of as f64 * WARN_FROM);
    large.map(|(count, of, words)| format!("{} of the samples {words}", percent(count, of))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_shares_are_not_shown_as_none() {
        let shares = [(0, 5), (1, 3000), (1, 2000), (3, 143), (5, 5), (0, 0)].map(|(part, all)| percent(part, all));
        assert_eq!(shares, ["0.0%", "<0.1%", "0.1%", "2.1%", "100.0%", "0.0%"]);
    }
}
