//! `storm`: sampling as fast as possible while threads, stores and modules come and go.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use clap::Parser;
use wasmscope::{Guest, ProfileSession, Recorder, SamplerConfig};
use wasmscope_model::TimerKind;
use wasmscope_testkit::marked_modules::{KINDS, module_name, module_text};
use wasmtime::{Instance, Module, Store};

use crate::command::wrapped;
use crate::results::Results;
use crate::storm_report::Ledger;

/// Modules that a thread loads, runs and drops before it ends.
const MODULES_PER_THREAD: u32 = 5;
/// What a guest is asked to do: calls of its chain, and steps at the end of each.
const WORK: (i32, i32) = (1500, 1000);
const CUT_EVERY: Duration = Duration::from_millis(500);

/// Options of `storm`.
#[derive(Parser, Debug)]
pub struct Options {
    /// How many seconds it lasts.
    #[arg(long, default_value_t = 30)]
    seconds: u64,

    /// How many threads run guests at a time.
    #[arg(long, default_value_t = 4)]
    threads: u32,

    /// Samples per second of CPU time.
    #[arg(long, default_value_t = 10_000)]
    rate: u32,

    /// What drives the signals: perf or monotonic; else the best that works.
    #[arg(long, value_name = "TIMER", value_parser = parse_timer)]
    timer: Option<TimerKind>,

    /// Write the summary to storm-LABEL.md.
    #[arg(long, value_name = "LABEL")]
    label: Option<String>,
}

fn parse_timer(name: &str) -> Result<TimerKind, String> {
    // Signals of the thread CPU timer stand for several samples each, so the ledger would not add up.
    let known = TimerKind::from_name(name).filter(|kind| *kind != TimerKind::ThreadCpu);
    known.ok_or_else(|| "there are: perf, monotonic".to_owned())
}

/// Everything that the threads of a storm share.
struct Storm {
    session: ProfileSession,
    guests: Vec<Guest>,
    over: AtomicBool,
    next_kind: AtomicU32,
    /// Which kind lay last at an address.
    last_kind: Mutex<HashMap<usize, u32>>,
    modules: AtomicU64,
    reused_addresses: AtomicU64,
    threads_born: AtomicU64,
}

/// A store with the module whose code it runs; they are dropped together, by whichever thread.
type Remains = (Store<()>, Module);

impl Storm {
    fn new() -> Result<Self> {
        let guest = |kind| Guest::from_bytes(&module_name(kind), module_text(kind).as_bytes());
        Ok(Self {
            session: ProfileSession::builder().build()?,
            guests: (1..=KINDS).map(guest).collect::<Result<_, _>>()?,
            over: AtomicBool::new(false),
            next_kind: AtomicU32::new(0),
            last_kind: Mutex::default(),
            modules: AtomicU64::new(0),
            reused_addresses: AtomicU64::new(0),
            threads_born: AtomicU64::new(0),
        })
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Loads a module, and makes sure that another kind lay there before; else it is dropped again.
    fn load(&self) -> Result<Option<Module>> {
        let kind = self.next_kind.fetch_add(1, Ordering::Relaxed) % KINDS;
        let guest = self.guests.get(kind as usize).context("there is no such kind")?;
        let module = self.session.load(guest)?;
        let address = module.text().as_ptr().addr();
        let before = self.last_kind.lock().unwrap_or_else(PoisonError::into_inner).insert(address, kind);
        self.modules.fetch_add(1, Ordering::Relaxed);
        if before == Some(kind) {
            return Ok(None);
        }
        self.reused_addresses.fetch_add(u64::from(before.is_some()), Ordering::Relaxed);
        Ok(Some(module))
    }

    /// Lives the life of one thread: loads, runs and drops a few modules.
    fn live(&self, number: u64, to_drop: &Sender<Remains>) -> Result<()> {
        self.threads_born.fetch_add(1, Ordering::Relaxed);
        for turn in 0..MODULES_PER_THREAD {
            let Some(module) = self.load()? else { continue };
            let mut store = self.session.new_store(());
            let instance = Instance::new(&mut store, &module, &[]).map_err(wrapped)?;
            let run = instance.get_typed_func::<(i32, i32), i32>(&mut store, "run").map_err(wrapped)?;
            run.call(&mut store, WORK).map_err(wrapped)?;
            match (number + u64::from(turn)) % 3 {
                0 => drop((store, module)),
                1 => drop((module, store)),
                _ => to_drop.send((store, module)).map_err(|_| anyhow!("the dropping thread is gone"))?,
            }
        }
        Ok(())
    }

    /// Keeps one thread alive after the other until the storm is over.
    fn keep_alive(&self, to_drop: &Sender<Remains>) -> Result<()> {
        for number in 0.. {
            if self.is_over() {
                break;
            }
            let life = thread::scope(|scope| scope.spawn(|| self.live(number, to_drop)).join());
            life.map_err(|_| anyhow!("a thread of the storm panicked"))??;
        }
        Ok(())
    }

    /// Cuts the recording again and again; returns what all cuts held.
    fn cut_until_over(&self, recorder: &Recorder) -> Result<Ledger> {
        let mut ledger = Ledger::default();
        while !self.is_over() {
            thread::sleep(CUT_EVERY);
            ledger.add(&recorder.cut()?);
        }
        Ok(ledger)
    }
}

/// Lets a storm rage; tells whether nothing was lost and nothing mistaken.
pub fn run(options: &Options, results: &Results) -> Result<bool> {
    let storm = Storm::new()?;
    let config = SamplerConfig { rate_hz: options.rate, timer: options.timer, ..SamplerConfig::default() };
    let recorder = storm.session.record(config)?;
    let began = Instant::now();
    let (to_drop, dropper) = mpsc::channel::<Remains>();
    let mut ledger = thread::scope(|scope| -> Result<Ledger> {
        scope.spawn(move || dropper.into_iter().for_each(drop));
        let cuts = scope.spawn(|| storm.cut_until_over(&recorder));
        let lives: Vec<_> = (0..options.threads)
            .map(|_| {
                let (storm, to_drop) = (&storm, to_drop.clone());
                scope.spawn(move || {
                    storm.keep_alive(&to_drop).inspect_err(|_| storm.over.store(true, Ordering::Relaxed))
                })
            })
            .collect();
        drop(to_drop);
        while began.elapsed().as_secs() < options.seconds && !storm.is_over() {
            thread::sleep(Duration::from_millis(50));
        }
        storm.over.store(true, Ordering::Relaxed);
        for life in lives {
            life.join().map_err(|_| anyhow!("a thread of the storm panicked"))??;
        }
        cuts.join().map_err(|_| anyhow!("the cutting thread panicked"))?
    })?;
    ledger.add(&recorder.stop()?);

    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let Options { rate, threads, .. } = options;
    let mut body = format!(
        "{rate} Hz, {threads} threads at a time for {:.1} s: {} threads born and gone, {} modules loaded and dropped, {} of \
         them where another kind had lain. Kind k has a chain of k functions in an order of its own, so a stack that was \
         resolved with another module's tables is no chain.\n\n",
        began.elapsed().as_secs_f64(),
        count(&storm.threads_born),
        count(&storm.modules),
        count(&storm.reused_addresses),
    );
    let met = ledger.describe(*rate, count(&storm.threads_born), &mut body);
    let name = options.label.as_ref().map_or_else(|| "storm.md".to_owned(), |label| format!("storm-{label}.md"));
    results.summarize(&name, "The storm", &body)?;
    Ok(met)
}
