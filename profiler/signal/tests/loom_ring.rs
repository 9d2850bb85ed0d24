//! Model-checks the ring: `RUSTFLAGS="--cfg loom" cargo test -p wasmscope-signal --release --test loom_ring`.
#![cfg(loom)]
#![allow(missing_docs, reason = "a test binary has no readers of its documentation")]

use loom::sync::atomic::AtomicU64;
use loom::thread;
use wasmscope_signal::{Dropped, Ring};

#[test]
fn the_consumer_sees_whole_records_in_order_or_nothing() {
    loom::model(|| {
        let memory: &'static [AtomicU64] = Box::leak(Box::new([(); 4].map(|()| AtomicU64::new(0))));
        let ring: &'static Ring<'static> = Box::leak(Box::new(Ring::new(memory)));
        let producer = thread::spawn(move || {
            let mut written = 0;
            for record in 1..=3u64 {
                let mut writer = ring.begin().expect("there is one producer");
                let pushed = writer.push(0).and_then(|()| writer.push(record * 10));
                match pushed {
                    Ok(()) => {
                        writer.commit(record);
                        written += 1;
                    }
                    Err(dropped) => assert_eq!(dropped, Dropped::Full),
                }
            }
            written
        });
        let mut seen = Vec::new();
        ring.consume(|word| seen.push(word));
        let written: usize = producer.join().expect("the producer does not panic");
        ring.consume(|word| seen.push(word));
        assert_eq!(seen.len(), written * 2);
        for pair in seen.chunks(2) {
            assert_eq!(pair[1], pair[0] * 10);
        }
        assert!(seen.windows(3).step_by(2).all(|w| w[2] > w[0]));
    });
}
