//! What the routes do: CPU work that splits by counts of equal steps, and the ways to fail.

use std::hint::black_box;
use std::sync::{Mutex, PoisonError};

/// Steps of `/cpu`, about 5 ms of a server's core: 70 % of them in `hash_part`, 30 % in `sort_part`.
const CPU_STEPS: u64 = 3_000_000;
/// Steps of the fast requests of `/bimodal/...`, about 0.1 ms; the slow ones of `/bimodal/cpu` take 20 times as many.
const FAST_STEPS: u64 = 60_000;

/// What each request to `/leak` keeps.
const LEAK_BYTES: usize = 64 * 1024;

static KEPT: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// The one loop of all the CPU work: each step costs the same, and needs the one before.
#[inline(always)]
fn mix(mut x: u64, steps: u64) -> u64 {
    for _ in 0..steps {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    x
}

/// The work of `/cpu`, and a number that depends on each of its steps.
pub fn cpu() -> u64 {
    sort_part(hash_part(0x9e37_79b9_7f4a_7c15))
}

#[inline(never)]
fn hash_part(x: u64) -> u64 {
    mix(x, CPU_STEPS / 100 * 70)
}

#[inline(never)]
fn sort_part(x: u64) -> u64 {
    mix(x, CPU_STEPS / 100 * 30)
}

#[inline(never)]
pub fn fast_path(n: u64) -> u64 {
    mix(n | 1, FAST_STEPS)
}

#[inline(never)]
pub fn slow_path(n: u64) -> u64 {
    mix(n | 1, 20 * FAST_STEPS)
}

/// Keeps more memory for ever, and says how many bytes this instance has kept so far.
#[inline(never)]
pub fn leak() -> usize {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.push(vec![0x5a; LEAK_BYTES]);
    kept.len() * LEAK_BYTES
}

/// The work of `/trap`: one of the parts does not exist.
pub fn trap() -> u64 {
    let parts = [3, 5, 7, 11];
    broken_part(black_box(&parts), black_box(4))
}

#[inline(never)]
fn broken_part(parts: &[u64], index: usize) -> u64 {
    parts[index]
}

/// The work of `/hang`, which has no end.
#[inline(never)]
pub fn hang() -> ! {
    let mut x = 1;
    loop {
        x = black_box(mix(x, FAST_STEPS));
    }
}
