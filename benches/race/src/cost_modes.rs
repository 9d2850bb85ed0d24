//! The ways of running a guest that are raced.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;
use wasmscope::{Guest, ProfileSession, SamplerConfig};
use wasmscope_testkit::cpu_clock::Stopwatch;
use wasmtime::{Config, Engine, GuestProfiler, Store, UpdateDeadline};
use wasmtime_wasi::p1::WasiP1Ctx;

use crate::command::{Command, wrapped};

/// Runs the guest with nothing of ours anywhere near.
pub struct Alone {
    engine: Engine,
    command: Command,
}

impl Alone {
    pub fn new(guest: &Guest) -> Result<Self> {
        let engine = Engine::default();
        let command = Command::compile(&engine, guest)?;
        Ok(Self { engine, command })
    }

    pub fn run(&self, args: &[String], watch: &mut Stopwatch) -> Result<()> {
        let mut ready = self.command.prepare(args, |context| Store::new(&self.engine, context))?;
        watch.measure(|| ready.call())
    }
}

/// Runs the guest in a session, sampled or not.
pub struct Wasmscope {
    session: ProfileSession,
    command: Command,
    /// Samples taken, and the CPU time of the thread that drained them, over all runs.
    pub samples: AtomicU64,
    pub drain_nanos: AtomicU64,
}

impl Wasmscope {
    pub fn new(guest: &Guest) -> Result<Self> {
        let session = ProfileSession::builder().build()?;
        let command = Command::load(&session, guest)?;
        Ok(Self { session, command, samples: AtomicU64::new(0), drain_nanos: AtomicU64::new(0) })
    }

    /// Runs the guest with a recorder at `rate_hz`, or without one at 0.
    pub fn run(&self, args: &[String], rate_hz: u32, watch: &mut Stopwatch) -> Result<()> {
        let mut ready = self.command.prepare(args, |context| self.session.new_store(context))?;
        let config = SamplerConfig { rate_hz, ..SamplerConfig::default() };
        let recorder = if rate_hz == 0 { None } else { Some(self.session.record(config)?) };
        watch.measure(|| ready.call())?;
        if let Some(run) = recorder.map(|recorder| recorder.stop()).transpose()?.and_then(|recording| recording.run) {
            self.samples.fetch_add(run.signals, Ordering::Relaxed);
            let drain = u64::try_from(run.cost.drain.as_nanos()).unwrap_or(u64::MAX);
            self.drain_nanos.fetch_add(drain, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Runs the guest under wasmtime's own profiler: code compiled with epochs, a thread that ticks, a callback that
/// samples.
pub struct UnderGuestProfiler {
    engine: Engine,
    command: Command,
}

impl UnderGuestProfiler {
    pub fn new(guest: &Guest) -> Result<Self> {
        let engine = Engine::new(Config::new().epoch_interruption(true)).map_err(wrapped)?;
        let command = Command::compile(&engine, guest)?;
        Ok(Self { engine, command })
    }

    pub fn run(&self, args: &[String], rate_hz: u32, watch: &mut Stopwatch) -> Result<()> {
        let interval = Duration::from_secs(1) / rate_hz;
        let modules = [("guest".to_owned(), self.command.module().clone())];
        let profiler = GuestProfiler::new(&self.engine, "guest", interval, modules).map_err(wrapped)?;
        let mut profiler = Some(profiler);
        let mut ready = self.command.prepare(args, |context| self.store(context))?;
        ready.store.set_epoch_deadline(1);
        ready.store.epoch_deadline_callback(move |store| {
            if let Some(profiler) = &mut profiler {
                profiler.sample(&store, interval);
            }
            Ok(UpdateDeadline::Continue(1))
        });
        let ticker = Ticker::start(self.engine.clone(), interval);
        let done = watch.measure(|| ready.call());
        ticker.stop();
        done
    }

    fn store(&self, context: WasiP1Ctx) -> Store<WasiP1Ctx> {
        let mut store = Store::new(&self.engine, context);
        // What runs while the store is set up is not sampled.
        store.set_epoch_deadline(1 << 40);
        store
    }
}

/// A thread that advances an engine's epoch.
struct Ticker {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Ticker {
    fn start(engine: Engine, interval: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                std::thread::sleep(interval);
                engine.increment_epoch();
            }
        });
        Self { stop, thread }
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        // It does nothing that could panic; if it did, the next tick would be missing, which nobody waits for.
        let _ = self.thread.join();
    }
}
