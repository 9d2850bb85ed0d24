//! Guests on several threads, and on threads that come and go.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use wasmscope_testkit::exclusive::exclusive;
use wasmscope_testkit::patience::until;

use crate::guest::{
    Enough, MILLISECOND, assert_all_counted, assert_only, count_of, counter, dense, export, session, spinners,
};

#[test]
fn guests_on_several_threads_have_their_own_stacks() {
    let _exclusive = exclusive();
    let session = session();
    let names = ["first", "second", "third"];
    let module = session.load(&spinners(&names)).unwrap();
    let recorder = session.record(dense()).unwrap();
    let enough = AtomicBool::new(false);
    thread::scope(|scope| {
        for name in names {
            let (session, module, enough) = (&session, &module, &enough);
            scope.spawn(move || {
                let mut store = session.new_store(());
                let work = export(&mut store, module, name);
                while !enough.load(Ordering::Relaxed) {
                    work.call(&mut store, MILLISECOND).unwrap();
                }
            });
        }
        let _enough = Enough(&enough);
        until("samples of each thread", || {
            counter(&recorder, "samples") >= 1000 && recorder.last_samples().len() == names.len()
        });
    });
    let recording = recorder.stop().unwrap();
    for name in names {
        assert_only(&recording, name, &[&format!("{name}_run;{name}")]);
    }
    assert_eq!(recording.run.as_ref().unwrap().threads, 3);
    assert_all_counted(&[&recording]);
}

#[test]
fn threads_that_come_and_go_while_sampled_lose_nothing() {
    const THREADS: u32 = 60;
    let _exclusive = exclusive();
    let session = session();
    let module = session.load(&spinners(&["brief", "steady"])).unwrap();
    let recorder = session.record(dense()).unwrap();
    let mut cuts = Vec::new();
    let mut store = session.new_store(());
    let steady = export(&mut store, &module, "steady");
    for wave in 0..THREADS / 3 {
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut store = session.new_store(());
                    export(&mut store, &module, "brief").call(&mut store, 10 * MILLISECOND).unwrap();
                });
            }
            steady.call(&mut store, MILLISECOND).unwrap();
        });
        if wave % 5 == 4 {
            cuts.push(recorder.cut().unwrap());
        }
    }
    let last = recorder.stop().unwrap();
    let all: Vec<_> = cuts.iter().chain([&last]).collect();
    let brief: u64 = all.iter().map(|recording| count_of(recording, "brief_run;brief")).sum();
    assert!(brief > u64::from(THREADS), "{brief} samples");
    for recording in &all {
        assert_eq!(recording.losses.threads_not_sampled, 0);
    }
    assert_all_counted(&all);
}

#[test]
fn a_thread_that_is_inside_a_guest_when_sampling_starts_is_sampled() {
    let _exclusive = exclusive();
    let session = session();
    let module = session.load(&spinners(&["early"])).unwrap();
    let (inside, enough) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut store = session.new_store(());
            let work = export(&mut store, &module, "early");
            while !enough.load(Ordering::Relaxed) {
                work.call(&mut store, MILLISECOND).unwrap();
                inside.store(true, Ordering::Relaxed);
            }
        });
        let _enough = Enough(&enough);
        until("the guest", || inside.load(Ordering::Relaxed));
        let recorder = session.record(dense()).unwrap();
        until("samples", || counter(&recorder, "samples") >= 50);
        let recording = recorder.stop().unwrap();
        assert_only(&recording, "early", &["early_run;early"]);
    });
}
