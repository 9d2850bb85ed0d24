//! Model-checks the ring: `RUSTFLAGS="--cfg loom" cargo test -p wasmscope-signal --release --test loom_ring`.
#![cfg(loom)]
#![allow(missing_docs, reason = "a test binary has no readers of its documentation")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use loom::sync::atomic::AtomicU64;
use loom::thread;
use wasmscope_signal::{Dropped, Ring};

/// Writes three records of two words, and tells how many found room.
fn produce(ring: &Ring<'_>) -> usize {
    let mut written = 0;
    for record in 1..=3u64 {
        let mut writer = ring.begin().expect("there is one producer");
        match writer.push(0).and_then(|()| writer.push(record * 10)) {
            Ok(()) => {
                writer.commit(record);
                written += 1;
            }
            Err(dropped) => assert_eq!(dropped, Dropped::Full),
        }
    }
    written
}

// The consumer is the spawned thread: loom remembers one access of each atomic to decide where threads may switch, and
// the producer, which reads the positions again for every record, would hide the consumer's.
#[test]
fn the_consumer_sees_whole_records_in_order_or_nothing() {
    let amounts = Arc::new(Mutex::new(BTreeSet::new()));
    let all_amounts = amounts.clone();
    loom::model(move || {
        let memory: &'static [AtomicU64] = Box::leak(Box::new([(); 4].map(|()| AtomicU64::new(0))));
        let ring: &'static Ring<'static> = Box::leak(Box::new(Ring::new(memory)));
        let consumer = thread::spawn(move || {
            let mut seen = Vec::new();
            let amounts = [(); 2].map(|()| ring.consume(|word| seen.push(word)));
            (seen, amounts)
        });
        let written = produce(ring);
        let (mut seen, first_amounts) = consumer.join().expect("the consumer does not panic");
        ring.consume(|word| seen.push(word));
        assert_eq!(seen.len(), written * 2);
        for pair in seen.chunks(2) {
            assert_eq!(pair[1], pair[0] * 10);
        }
        assert!(seen.windows(3).step_by(2).all(|w| w[2] > w[0]));
        amounts.lock().expect("no thread panicked").insert(first_amounts);
    });
    // These interleavings were met: nothing, one record, or both that fit, then what came since. (Of those there are, only
    // 4 then 2 words is hidden from loom, by the producer's next read of its own position.)
    let amounts = all_amounts.lock().expect("no thread panicked");
    for met in [[0, 0], [0, 2], [0, 4], [2, 0], [2, 2], [2, 4], [4, 0]] {
        assert!(amounts.contains(&met), "{met:?} is not in {amounts:?}");
    }
}
