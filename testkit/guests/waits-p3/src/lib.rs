//! A WASI 0.3 command of three tasks at once: `wait_short` waits 40 times 5 ms and `wait_long` 10 times 40 ms, while
//! `burn_task` burns about 300 ms of CPU in slices, between which the others run. A task that waits has no frames on the
//! stack. Last it prints words, each followed by its number; times are in microseconds.

use futures_util::future::join3;
use wasip3::clocks::monotonic_clock;
use wasip3::wit_bindgen;

const SHORT_NAPS: u64 = 40;
const SHORT_US: u64 = 5_000;
const LONG_NAPS: u64 = 10;
const LONG_US: u64 = 40_000;
const SLICES: u64 = 300;
const SLICE_STEPS: u32 = 600_000;

fn now_us() -> u64 {
    monotonic_clock::now() / 1000
}

/// Naps, and says how long they took together.
async fn wait_short() -> u64 {
    let mut measured = 0;
    for _ in 0..SHORT_NAPS {
        let began = now_us();
        monotonic_clock::wait_for(SHORT_US * 1000).await;
        measured += now_us() - began;
    }
    measured
}

async fn wait_long() -> u64 {
    let mut measured = 0;
    for _ in 0..LONG_NAPS {
        let began = now_us();
        monotonic_clock::wait_for(LONG_US * 1000).await;
        measured += now_us() - began;
    }
    measured
}

#[inline(never)]
fn burn(mut x: u64) -> u64 {
    for _ in 0..SLICE_STEPS {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    x
}

/// The time its slices took, and a number that depends on each of their steps.
async fn burn_task() -> (u64, u64) {
    let (mut measured, mut x) = (0, 0x9e37_79b9_7f4a_7c15);
    for _ in 0..SLICES {
        let began = now_us();
        x = burn(x);
        measured += now_us() - began;
        wit_bindgen::yield_async().await;
    }
    (measured, x)
}

struct Waits;

impl wasip3::exports::cli::run::Guest for Waits {
    async fn run() -> Result<(), ()> {
        let began = now_us();
        let (measured_short, measured_long, (burned, x)) = join3(wait_short(), wait_long(), burn_task()).await;
        println!(
            "asked_short_us {} asked_long_us {} measured_short_us {measured_short} measured_long_us {measured_long} \
             burn_us {burned} wall_us {}",
            SHORT_NAPS * SHORT_US,
            LONG_NAPS * LONG_US,
            now_us() - began
        );
        if x == 0 { Err(()) } else { Ok(()) }
    }
}

wasip3::cli::command::export!(Waits);
