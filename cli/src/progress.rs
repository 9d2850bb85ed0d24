//! A line on the terminal that tells what takes long. It is erased when that is over, and is never part of a log.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use wasmscope_model::sanitized;

use crate::terminal;

/// How long something may take without a word.
const PATIENCE: Duration = Duration::from_millis(500);
/// Names another time in place of [`PATIENCE`], in milliseconds.
const PATIENCE_VARIABLE: &str = "WASMSCOPE_PROGRESS_AFTER_MS";
/// How often the line tells the time that has passed.
const TICK: Duration = Duration::from_secs(1);
/// Back to the beginning of the line, and erase it.
const ERASE: &str = "\r\u{1b}[2K";

/// After how long the line shows; `None` when it never does.
static AFTER: OnceLock<Option<Duration>> = OnceLock::new();
/// What the line shows.
static SHOWN: Mutex<Option<String>> = Mutex::new(None);

/// Decides once whether anything is shown: on a terminal that can erase, where a person is likely to look at it.
pub fn set_up(quiet: bool) {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let can_erase = std::env::var_os("TERM").is_some_and(|terminal| terminal != "dumb" && !terminal.is_empty());
    let is_wanted = !quiet && !is_set("CI") && can_erase && io::stderr().is_terminal();
    let patience = std::env::var(PATIENCE_VARIABLE).ok().and_then(|millis| millis.parse().ok());
    let after = is_wanted.then(|| patience.map_or(PATIENCE, Duration::from_millis));
    AFTER.get_or_init(|| after);
}

/// Something that may take long. The line is gone when this is dropped.
#[must_use = "what is dropped at once is over at once"]
pub struct Step {
    running: Option<(Sender<()>, JoinHandle<()>)>,
}

/// Begins something that may take long, such as `reading x.pb.gz`. One such thing happens at a time.
pub fn step(what: impl Display) -> Step {
    let Some(after) = AFTER.get().copied().flatten() else {
        return Step { running: None };
    };
    let what = sanitized(&what.to_string()).into_owned();
    let (over, is_over) = mpsc::channel();
    let show = move || {
        let began = Instant::now();
        let mut wait = after;
        while is_over.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
            let seconds = began.elapsed().as_secs();
            show(if seconds == 0 { what.clone() } else { format!("{what}, {seconds} s") });
            wait = TICK;
        }
    };
    // Without a thread for it nothing is shown, which is no reason to fail.
    let thread = std::thread::Builder::new().name("progress".into()).spawn(show);
    Step { running: thread.ok().map(|thread| (over, thread)) }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some((over, thread)) = self.running.take() {
            drop(over);
            // It has nothing to tell, not even of a panic.
            let _ = thread.join();
            let mut shown = shown();
            if shown.take().is_some() {
                write(ERASE);
            }
        }
    }
}

/// Lets a message have the terminal for itself.
pub fn beside(message: impl FnOnce()) {
    let shown = shown();
    if shown.is_some() {
        write(ERASE);
    }
    message();
    if let Some(text) = &*shown {
        write(text);
    }
}

fn show(text: String) {
    // The last column is left free: a full line would go on in the next.
    let columns = terminal::columns(&io::stderr()).saturating_sub(1);
    let text: String = text.chars().take(columns).collect();
    let mut shown = shown();
    write(&format!("{ERASE}{text}"));
    *shown = Some(text);
}

fn shown() -> MutexGuard<'static, Option<String>> {
    SHOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write(text: &str) {
    let mut terminal = io::stderr().lock();
    // Nobody sees it: there is nowhere left to say so.
    let _ = terminal.write_all(text.as_bytes()).and_then(|()| terminal.flush());
}
