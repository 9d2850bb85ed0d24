//! SIGPROF in other hands. It is a binary of its own, since nobody gives a signal back.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::SIGPROF;
use wasmscope::{Error, ProfileSession, SamplerConfig};

#[test]
fn a_handler_of_somebody_else_is_named_and_stays() {
    let called = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGPROF, called.clone()).unwrap();
    let session = ProfileSession::builder().build().unwrap();
    for _ in 0..2 {
        let refused = session.record(SamplerConfig::default()).unwrap_err();
        let Error::Sampler(refused) = refused else { panic!("{refused}") };
        let text = refused.to_string();
        assert!(text.starts_with("SIGPROF is already handled by "), "{text}");
        let program = std::env::current_exe().unwrap();
        assert!(text.contains(program.file_name().unwrap().to_str().unwrap()), "{text}");
    }
    signal_hook::low_level::raise(SIGPROF).unwrap();
    assert!(called.load(Ordering::Relaxed), "the other handler is gone");
}
