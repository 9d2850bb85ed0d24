//! The verbs of a target, answered for the guests of this process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use wasmscope::{InProcessTarget, ProfileSession};
use wasmscope_model::{
    ByteSize, CancelToken, CodeIdentity, EngineKind, Event, SnapshotRequest, StackQuery, Target, TargetError,
};
use wasmscope_testkit::exclusive::exclusive;

use crate::guest::{MILLISECOND, assert_only, export, session, spinners};

/// Says that it is enough when dropped: also when an assertion failed, else the guest would spin on.
struct Enough<'a>(&'a AtomicBool);

impl Drop for Enough<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `ask` while a guest spins on another thread.
fn beside_a_guest(session: &ProfileSession, ask: impl FnOnce()) {
    let module = session.load(&spinners(&["busy"])).unwrap();
    let (inside, enough) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut store = session.new_store(());
            let work = export(&mut store, &module, "busy");
            while !enough.load(Ordering::Relaxed) {
                work.call(&mut store, MILLISECOND).unwrap();
                inside.store(true, Ordering::Relaxed);
            }
        });
        let _enough = Enough(&enough);
        while !inside.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        ask();
    });
}

fn unsupported<T>(answer: Result<T, TargetError>, wanted: &str) {
    match answer {
        Err(TargetError::Unsupported { verb, why }) => assert!(verb == wanted && !why.is_empty()),
        Err(other) => panic!("{wanted}: {other}"),
        Ok(_) => panic!("{wanted} was answered"),
    }
}

#[test]
fn a_target_tells_what_it_is_and_what_is_loaded() {
    let (session, cancel) = (session(), CancelToken::new());
    let guest = spinners(&["known"]);
    let module = session.load(&guest).unwrap();
    let target = InProcessTarget::new(&session, "a service");

    let info = target.info(&cancel).unwrap().value;
    assert_eq!((info.name.as_str(), info.pid), ("a service", std::process::id()));
    assert!(info.runtime.starts_with("wasmtime 48."), "{}", info.runtime);

    let modules = target.modules(&cancel).unwrap().value;
    assert_eq!(modules.len(), 1);
    assert_eq!(modules[0].module.identity, guest.image().unwrap().identity());
    assert_eq!(modules[0].machine_code, ByteSize::new(module.text().len() as u64));

    let mut bytes = Vec::new();
    target.module_bytes(&guest.image().unwrap().identity(), &mut bytes, &cancel).unwrap();
    assert_eq!(bytes, **guest.bytes());
    let nobody = CodeIdentity::from_digest([7; 32]);
    let refused = target.module_bytes(&nobody, &mut bytes, &cancel).unwrap_err();
    assert!(matches!(refused, TargetError::NotFound { what: "module", .. }), "{refused}");

    let (cursor, counters) = target.counters(0, &cancel).unwrap().value;
    assert!(cursor > 0);
    assert_eq!(counters.iter().find(|counter| counter.name == "modules_loaded").unwrap().value, 1);
}

#[test]
fn what_a_process_cannot_tell_of_itself_is_refused_by_name() {
    let (session, cancel) = (session(), CancelToken::new());
    let target = InProcessTarget::new(&session, "a service");
    unsupported(target.instances(&cancel), "instances");
    unsupported(target.requests(&cancel), "requests");
    unsupported(target.recording(Duration::ZERO, &[Event::Wait], &cancel), "recording");
    unsupported(target.set(0, EngineKind::Signal, &cancel), "set");
    let request = SnapshotRequest { store: 1, max_pause: Duration::from_secs(1) };
    unsupported(target.snapshot(&request, &mut Vec::new(), &cancel), "snapshot");
}

#[test]
fn recordings_and_stacks_are_taken_while_guests_run() {
    let _exclusive = exclusive();
    let (session, cancel) = (session(), CancelToken::new());
    let target = InProcessTarget::new(&session, "a service");
    target.set(4999, EngineKind::Signal, &cancel).unwrap();
    assert_eq!(target.info(&cancel).unwrap().value.rate_hz, 0, "nothing is sampled at this moment");
    beside_a_guest(&session, || {
        // On a busy machine a window may pass without the guest having run.
        let recording = loop {
            let answer = target.recording(Duration::from_millis(100), &[Event::Cpu, Event::Wait], &cancel).unwrap();
            assert_eq!(answer.missing.len(), 1);
            if answer.value.total_count(Event::Cpu) > 20 {
                break answer.value;
            }
        };
        assert_only(&recording, "busy", &["busy_run;busy"]);
        assert_eq!(recording.run.as_ref().unwrap().rate_hz, 4999);

        let query = StackQuery::default();
        let stacks = loop {
            let stacks = target.stacks(&query, &cancel).unwrap().value;
            if !stacks.is_empty() {
                break stacks;
            }
        };
        assert!(stacks[0].sample.context.store != 0 && stacks[0].sample.frames.len() >= 2, "{stacks:?}");
        let of_another_store = StackQuery { store: Some(u64::MAX), request: None };
        assert!(target.stacks(&of_another_store, &cancel).unwrap().value.is_empty());
    });
}

#[test]
fn a_cancelled_recording_comes_back_with_what_it_has() {
    let _exclusive = exclusive();
    let (session, cancel) = (session(), CancelToken::new());
    let target = InProcessTarget::new(&session, "a service");
    cancel.cancel();
    // An hour, were it not cancelled.
    let recording = target.recording(Duration::from_secs(3600), &[Event::Cpu], &cancel).unwrap().value;
    assert_eq!(recording.total_count(Event::Cpu), 0);
}

#[test]
fn two_recordings_at_a_time_are_refused_and_the_first_goes_on() {
    let _exclusive = exclusive();
    let session = session();
    let target = InProcessTarget::new(&session, "a service");
    let recorder = session.record(wasmscope::SamplerConfig::default()).unwrap();
    unsupported(target.recording(Duration::ZERO, &[Event::Cpu], &CancelToken::new()), "recording");
    assert_eq!(recorder.rate_hz(), 99);
    recorder.stop().unwrap();
}
