//! Waiting for what comes first: the guest's end, a signal, or the end of the time.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use wasmscope::{GuestEnd, ReadyGuest};

/// The guest's thread gets what the main thread of a process usually has.
const STACK_BYTES: usize = 8 << 20;

/// Why a run is over.
#[derive(Debug)]
pub enum Event {
    /// The guest ended.
    Guest(GuestEnd),
    /// The system gave no threads.
    NotStarted(std::io::Error),
    /// The service's listener failed.
    ServiceFailed,
    /// The guest's thread panicked, which is a defect of the runtime; the panic has been printed.
    Panicked,
    /// SIGINT, SIGTERM or SIGHUP came.
    Signal(i32),
    /// The time is over.
    TimeOver,
}

/// Makes the first SIGINT, SIGTERM or SIGHUP an event and the second one end the process at once.
pub struct EventLoop {
    sender: Sender<Event>,
    receiver: Receiver<Event>,
}

impl EventLoop {
    /// Takes over the signals; SIGHUP stays ignored where it is, as under nohup.
    pub fn new() -> Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let once = Arc::new(AtomicBool::new(false));
        let wanted = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| *signal != SIGHUP || !is_ignored(SIGHUP));
        let wanted: Vec<i32> = wanted.collect();
        for signal in wanted.iter().copied() {
            // In this order: the first signal finds the flag unset, and sets it for the second.
            flag::register_conditional_shutdown(signal, exit_code_of(signal), once.clone())?;
            flag::register(signal, once.clone())?;
        }
        let mut signals = Signals::new(wanted).context("failed to take over the signals that end a run")?;
        let of_signals = sender.clone();
        let wait_for_signals = move || {
            if let Some(signal) = signals.forever().next() {
                // After the end nobody listens any more.
                let _ = of_signals.send(Event::Signal(signal));
            }
        };
        std::thread::Builder::new().name("wasmscope-signals".into()).spawn(wait_for_signals)?;
        Ok(Self { sender, receiver })
    }

    /// Returns what makes the failure of a service an event.
    pub fn service_failed(&self) -> impl FnOnce() + Send + 'static {
        let of_service = self.sender.clone();
        move || {
            // After the end nobody listens any more.
            let _ = of_service.send(Event::ServiceFailed);
        }
    }

    /// Waits for the first event.
    pub fn wait(&self) -> Result<Event> {
        self.receiver.recv().context("the service's threads are gone")
    }

    /// Runs the guest on a thread of its own, and waits for the first event.
    pub fn run(&self, guest: ReadyGuest, window: Option<Duration>) -> Result<Event> {
        let of_guest = self.sender.clone();
        let run = move || {
            let event = match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| guest.run())) {
                Ok(Ok(end)) => Event::Guest(end),
                Ok(Err(error)) => Event::NotStarted(error),
                Err(_) => Event::Panicked,
            };
            // When the time is over nobody listens any more.
            let _ = of_guest.send(event);
        };
        std::thread::Builder::new()
            .name("guest".into())
            .stack_size(STACK_BYTES)
            .spawn(run)
            .context("failed to start the guest's thread")?;
        let event = match window {
            Some(window) => match self.receiver.recv_timeout(window) {
                Err(RecvTimeoutError::Timeout) => return Ok(Event::TimeOver),
                Ok(event) => Ok(event),
                Err(RecvTimeoutError::Disconnected) => Err(mpsc::RecvError),
            },
            None => self.receiver.recv(),
        };
        event.context("the guest's thread is gone")
    }
}

/// Returns what a process exits with that a signal ends.
pub fn exit_code_of(signal: i32) -> i32 {
    128 + signal
}

/// Tells whether the process was started with a signal ignored; where that cannot be told, it was not.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    // The lowest bit is that of signal 1.
    mask.checked_shr(signal.unsigned_abs().saturating_sub(1)).unwrap_or(0) & 1 == 1
}
