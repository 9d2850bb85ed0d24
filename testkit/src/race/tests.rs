use std::convert::Infallible;

use super::*;

fn times(rounds: &[&[u64]]) -> RaceTimes {
    let modes = (0..rounds[0].len()).map(|mode| format!("m{mode}")).collect();
    let rounds = rounds.iter().map(|round| round.iter().map(|micros| Duration::from_micros(*micros)).collect());
    RaceTimes { modes, rounds: rounds.collect() }
}

#[test]
fn every_mode_runs_once_a_round_and_begins_about_as_often_as_any_other() {
    let mut begins = [0; 3];
    for round in 1..=6 {
        let mut order = order(round, 3);
        begins[order[0]] += 1;
        order.sort_unstable();
        assert_eq!(order, [0, 1, 2]);
    }
    assert_eq!(begins, [2, 2, 2]);
}

#[test]
fn a_race_keeps_all_rounds_but_the_first() {
    let runs = std::cell::RefCell::new(Vec::new());
    let mode = |name: &'static str| {
        let runs = &runs;
        Mode::new(name, move |_: &mut Stopwatch| -> Result<(), Infallible> {
            runs.borrow_mut().push(name);
            Ok(())
        })
    };
    let times = race(&mut [mode("a"), mode("b")], 3, |_| {}).unwrap();
    assert_eq!((times.rounds.len(), runs.borrow().len()), (3, 8));
    assert_eq!((times.mode("b"), times.mode("c")), (Some(1), None));
}

#[test]
fn costs_are_compared_within_a_round() {
    let times = times(&[&[100, 110], &[1000, 1100], &[10, 11], &[100, 110], &[50, 55], &[20, 22]]);
    let cost = times.cost(1, 0).unwrap();
    for value in [cost.value, cost.low, cost.high] {
        assert!((value - 0.1).abs() < 1e-12);
    }
}

#[test]
fn the_slope_is_the_cost_of_a_sample_however_much_of_the_time_sampling_takes() {
    // Each sample costs 20 µs: at 1000 Hz 2 % of all time, at 10 000 Hz 20 %, by which the base is divided.
    let round = |scale: u64| [980_000 * scale, 980_000 * scale, 1_000_000 * scale, 1_225_000 * scale];
    let rounds = [round(1), round(2), round(3)];
    let times = times(&rounds.each_ref().map(|round| &round[..]));
    let slope = times.slope(&[(1, 0.0), (2, 1000.0), (3, 10_000.0)], 0).unwrap();
    for value in [slope.value, slope.low, slope.high] {
        assert!((value - 20e-6).abs() < 1e-12, "{value}");
    }
}

#[test]
fn noise_of_single_rounds_widens_the_bounds_around_the_slope() {
    // At 1000 Hz sampling takes 0.8 % of the time in one half of the rounds, 1.2 % in the other.
    let rounds: Vec<[u64; 2]> =
        (0..10).map(|i| if i % 2 == 0 { [992_000, 1_000_000] } else { [988_000, 1_000_000] }).collect();
    let rounds: Vec<&[u64]> = rounds.iter().map(|round| &round[..]).collect();
    // A mode at rate zero that is as fast as the base stands for the base itself.
    let slope = times(&rounds).slope(&[(0, 0.0), (1, 1000.0)], 0).unwrap();
    // Standard deviation 2.108 µs, t of nine degrees of freedom 2.262: the bounds are 1.508 µs away.
    assert!((slope.value - 10e-6).abs() < 1e-12);
    assert!((slope.high - 11.508e-6).abs() < 1e-9 && (slope.low - 8.492e-6).abs() < 1e-9, "{slope:?}");
}

#[test]
fn raw_times_read_back_as_columns() {
    assert_eq!(times(&[&[1, 2], &[3, 4]]).to_csv(), "round,m0,m1\n1,1,2\n2,3,4\n");
}
