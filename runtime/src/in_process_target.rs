//! The guests of this process, as a target.

use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use wasmscope_model::{
    Answer, CancelToken, CodeIdentity, Counter, EngineKind, Event, InstanceInfo, LoadedModule, Recording, RequestInfo,
    SnapshotRequest, StackEnd, StackQuery, Target, TargetError, TargetInfo, ThreadStack, Timestamp,
};
use wasmscope_profiler::{SamplerConfig, defaults, monotonic_now};

use crate::session::Shared;
use crate::{ProfileSession, Recorder};

/// How long one look at the present stacks samples.
const STACKS_WINDOW: Duration = Duration::from_millis(50);
const STACKS_RATE_HZ: u32 = 997;
/// How often a wait looks at its cancel token.
const CANCEL_EVERY: Duration = Duration::from_millis(10);

/// Answers for the guests of a session. It samples while it is asked to record, and not otherwise.
#[derive(Debug)]
pub struct InProcessTarget {
    shared: std::sync::Arc<Shared>,
    name: String,
    started: Timestamp,
    rate_hz: AtomicU32,
    /// How many calls are sampling at this moment.
    sampling: AtomicU32,
}

impl InProcessTarget {
    /// Makes a target of the guests of `session`.
    pub fn new(session: &ProfileSession, name: impl Into<String>) -> Self {
        Self {
            shared: session.shared().clone(),
            name: name.into(),
            started: monotonic_now(),
            rate_hz: AtomicU32::new(defaults::RATE_HZ),
            sampling: AtomicU32::new(0),
        }
    }

    fn record(&self, verb: &'static str, rate_hz: u32) -> Result<Recorder, TargetError> {
        let config = SamplerConfig { rate_hz, ..SamplerConfig::default() };
        Recorder::start(self.shared.clone(), config)
            .map_err(|error| TargetError::Unsupported { verb, why: error.to_string() })
    }

    /// Lets a recorder work for so long, or until cancelled.
    fn wait(&self, window: Duration, cancel: &CancelToken) {
        self.sampling.fetch_add(1, Ordering::Relaxed);
        let began = Instant::now();
        while !cancel.is_cancelled() && began.elapsed() < window {
            std::thread::sleep(CANCEL_EVERY.min(window.saturating_sub(began.elapsed())));
        }
        self.sampling.fetch_sub(1, Ordering::Relaxed);
    }
}

fn unsupported<T>(verb: &'static str, why: &str) -> Result<Answer<T>, TargetError> {
    Err(TargetError::Unsupported { verb, why: why.to_owned() })
}

impl Target for InProcessTarget {
    fn info(&self, _: &CancelToken) -> Result<Answer<TargetInfo>, TargetError> {
        let is_sampling = self.sampling.load(Ordering::Relaxed) > 0;
        Ok(Answer::whole(TargetInfo {
            name: self.name.clone(),
            pid: std::process::id(),
            runtime: format!("wasmtime {}", wasmtime_environ::VERSION),
            started: self.started,
            rate_hz: if is_sampling { self.rate_hz.load(Ordering::Relaxed) } else { 0 },
        }))
    }

    fn modules(&self, _: &CancelToken) -> Result<Answer<Vec<LoadedModule>>, TargetError> {
        Ok(Answer::whole(self.shared.modules.list()))
    }

    fn instances(&self, _: &CancelToken) -> Result<Answer<Vec<InstanceInfo>>, TargetError> {
        unsupported("instances", "wasmtime keeps no list of the instances in a store, and the host made them itself")
    }

    fn requests(&self, _: &CancelToken) -> Result<Answer<Vec<RequestInfo>>, TargetError> {
        unsupported("requests", "the guests of this process were called by their host, not by requests")
    }

    fn stacks(&self, query: &StackQuery, cancel: &CancelToken) -> Result<Answer<Vec<ThreadStack>>, TargetError> {
        let recorder = self.record("stacks", STACKS_RATE_HZ)?;
        self.wait(STACKS_WINDOW, cancel);
        // A thread that was outside its guests at its last sample has no guest's stack, though it may have had one before.
        let in_guests = recorder.last_samples().into_iter().filter(|sample| sample.end != StackEnd::NoGuest);
        let samples = in_guests.filter(|sample| {
            query.store.is_none_or(|store| sample.context.store == store)
                && query.request.is_none_or(|request| sample.context.request == request)
        });
        let stacks = samples.map(|sample| ThreadStack { thread: sample.thread, sample }).collect();
        let why = format!("a thread is seen when it uses CPU within {} ms", STACKS_WINDOW.as_millis());
        Ok(Answer::whole(stacks).without("threads that wait", why))
    }

    fn recording(
        &self,
        window: Duration,
        events: &[Event],
        cancel: &CancelToken,
    ) -> Result<Answer<Recording>, TargetError> {
        let (seen, unseen): (Vec<Event>, Vec<Event>) = events.iter().partition(|event| **event == Event::Cpu);
        if seen.is_empty() {
            return unsupported("recording", "only the event cpu is recorded");
        }
        let recorder = self.record("recording", self.rate_hz.load(Ordering::Relaxed))?;
        self.wait(window, cancel);
        let recording = recorder.stop().map_err(|error| TargetError::Unreachable(error.to_string()))?;
        let answer = Answer::whole(recording);
        Ok(unseen
            .iter()
            .fold(answer, |answer, event| answer.without(format!("event {event}"), "only the event cpu is recorded")))
    }

    fn counters(&self, cursor: u64, _: &CancelToken) -> Result<Answer<(u64, Vec<Counter>)>, TargetError> {
        let modules = self.shared.modules.list();
        let code: u64 = modules.iter().map(|module| module.machine_code.get()).sum();
        let counters = vec![
            Counter { name: "modules_loaded", value: modules.len() as u64 },
            Counter { name: "machine_code_bytes", value: code },
        ];
        Ok(Answer::whole((cursor.saturating_add(1), counters)))
    }

    fn module_bytes(
        &self,
        identity: &CodeIdentity,
        out: &mut dyn Write,
        _: &CancelToken,
    ) -> Result<Answer<()>, TargetError> {
        let image = self.shared.modules.find(identity);
        let image = image.ok_or_else(|| TargetError::NotFound { what: "module", name: identity.to_string() })?;
        out.write_all(image.bytes()).map_err(|error| TargetError::Output(error.to_string()))?;
        Ok(Answer::whole(()))
    }

    fn snapshot(&self, _: &SnapshotRequest, _: &mut dyn Write, _: &CancelToken) -> Result<Answer<()>, TargetError> {
        unsupported("snapshot", "memory is reached through the store, which its host holds while the guest runs")
    }

    fn set(&self, rate_hz: u32, engine: EngineKind, _: &CancelToken) -> Result<Answer<()>, TargetError> {
        let own = if self.shared.by_epochs.is_some() { EngineKind::Epoch } else { EngineKind::Signal };
        if engine != own {
            return unsupported("set", "what takes the samples is chosen when the session is made");
        }
        let config = SamplerConfig { rate_hz, ..SamplerConfig::default() };
        config.period().map_err(|error| TargetError::Unsupported { verb: "set", why: error.to_string() })?;
        self.rate_hz.store(rate_hz, Ordering::Relaxed);
        Ok(Answer::whole(()))
    }
}
