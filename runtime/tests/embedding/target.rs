//! The verbs of a target, answered for the guests of this process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use wasmscope::{InProcessTarget, ProfileSession};
use wasmscope_model::{
    ByteSize, CancelToken, CodeIdentity, EngineKind, Event, RawFrame, RawSample, SnapshotRequest, StackQuery, Target,
    TargetError,
};
use wasmscope_testkit::exclusive::exclusive;
use wasmscope_testkit::patience::{until, until_some};

use crate::guest::{Enough, MILLISECOND, assert_only, dense, export, session, spinners};

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
        until("the guest", || inside.load(Ordering::Relaxed));
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
        let recording = until_some("a recording of the guest", || {
            let answer = target.recording(Duration::from_millis(100), &[Event::Cpu, Event::Wait], &cancel).unwrap();
            assert_eq!(answer.missing.len(), 1);
            Some(answer.value).filter(|recording| recording.total_count(Event::Cpu) > 20)
        });
        assert_only(&recording, "busy", &["busy_run;busy"]);
        assert_eq!(recording.run.as_ref().unwrap().rate_hz, 4999);

        let query = StackQuery::default();
        let stacks = until_some("a stack of the guest", || {
            Some(target.stacks(&query, &cancel).unwrap().value).filter(|stacks| !stacks.is_empty())
        });
        let RawSample { context, frames, .. } = &stacks[0].sample;
        assert!(context.store != 0 && frames.iter().any(|frame| matches!(frame, RawFrame::Guest(..))), "{stacks:?}");
        let of_another_store = StackQuery { store: Some(u64::MAX), request: None };
        assert!(target.stacks(&of_another_store, &cancel).unwrap().value.is_empty());
    });
}

#[test]
fn a_thread_outside_its_guests_has_no_stack() {
    let _exclusive = exclusive();
    let (session, cancel) = (session(), CancelToken::new());
    let target = InProcessTarget::new(&session, "a service");
    let module = session.load(&spinners(&["done"])).unwrap();
    let (left, enough) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut store = session.new_store(());
            export(&mut store, &module, "done").call(&mut store, 1).unwrap();
            left.store(true, Ordering::Relaxed);
            while !enough.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        });
        let _enough = Enough(&enough);
        until("the guest's end", || left.load(Ordering::Relaxed));
        let recorder = session.record(dense()).unwrap();
        until("a sample outside", || !recorder.last_samples().is_empty());
        recorder.stop().unwrap();
        for _ in 0..10 {
            let stacks = target.stacks(&StackQuery::default(), &cancel).unwrap().value;
            assert!(stacks.is_empty(), "{stacks:?}");
        }
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
