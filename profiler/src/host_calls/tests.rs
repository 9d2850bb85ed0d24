//! Host calls of a thread that is sampled, at exits made up.

use std::time::Instant;

use super::*;

const EXIT: ExitPoint = ExitPoint { exit_fp: 16, exit_pc: 1, entry_fp: 32 };

/// A clock that counts, alone in this process, until it is dropped.
struct Counting {
    clock: HostCallClock,
    _alone: MutexGuard<'static, ()>,
}

impl Counting {
    fn new(waits: bool) -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = lock(&ALONE);
        ticks::choose_clock();
        threads::guest_entered(None, 1);
        begin(waits);
        Self { clock: HostCallClock::new(1, Arc::default()), _alone: alone }
    }

    /// Takes what was counted: the calls, the longest of them, and whether any call shows as open.
    fn take(&self, is_last: bool) -> (u64, Duration, bool) {
        let mut taken = Taken::default();
        self.clock.calls.take(&mut taken, is_last);
        let sites = taken.sites.iter().filter_map(|sites| sites.get(&EXIT.exit_pc));
        let (count, max) =
            sites.fold((0, Duration::ZERO), |(count, max), site| (count + site.count, max.max(site.max)));
        (count, max, !taken.open.is_empty())
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        end();
        threads::guest_left(1);
    }
}

#[test]
fn a_short_call_that_is_measured_shows_as_well_while_it_hangs() {
    let mut counting = Counting::new(true);
    let is_chosen = |clock: &HostCallClock| clock.open.iter().any(|call| call.measured.is_some());
    let is_known_short = |clock: &HostCallClock| clock.strides.values().any(|stride| !stride.may_be_long());
    counting.clock.calling(EXIT);
    while !is_chosen(&counting.clock) || !is_known_short(&counting.clock) {
        counting.clock.returning(EXIT);
        counting.clock.calling(EXIT);
    }
    let shown = (0..1000).any(|_| {
        std::thread::sleep(Duration::from_millis(1));
        counting.take(false).2
    });
    assert!(shown, "{:?}", counting.clock.open);
    counting.clock.returning(EXIT);
    assert!(lock(&counting.clock.calls.inner).long.is_empty());
}

#[test]
fn a_call_that_is_open_at_the_end_counts_with_its_time_until_then() {
    // The first call of a place is expected to be long, others of such a place not.
    for (waits, before) in [(true, 0), (true, 200), (false, 0), (false, 200)] {
        let mut counting = Counting::new(waits);
        for _ in 0..before {
            counting.clock.calling(EXIT);
            counting.clock.returning(EXIT);
        }
        let at_most = Instant::now();
        counting.clock.calling(EXIT);
        let at_least = Instant::now();
        std::thread::sleep(Duration::from_millis(2));
        let at_least = at_least.elapsed();
        assert_eq!(counting.take(false).0, before, "it may return yet");
        let (count, longest, _) = counting.take(true);
        assert!(count == 1 && longest >= at_least.mul_f64(0.99), "{count} {longest:?} {at_least:?}");
        assert!(longest <= at_most.elapsed().mul_f64(1.01), "{longest:?}");
    }
}

#[test]
fn of_a_call_that_began_before_the_recording_only_the_time_in_it_counts() {
    let mut counting = Counting::new(true);
    counting.clock.calling(EXIT);
    std::thread::sleep(Duration::from_millis(5));
    let at_most = Instant::now();
    begin(true);
    counting.clock.returning(EXIT);
    let (count, longest, _) = counting.take(false);
    assert!(count == 1 && longest <= at_most.elapsed().mul_f64(1.01), "{count} {longest:?}");
}
