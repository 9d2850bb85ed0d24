//! What came out of a run of a program.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a program may run.
const LIMIT: Duration = Duration::from_secs(30);
/// How long it takes at most to notice that a program has ended that closed its streams before.
const NOTICE: Duration = Duration::from_millis(5);

/// What came out of a run of a program.
pub struct Outcome {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: String,
    /// The files in its folder, with what is in them.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Outcome {
    /// Runs a program to its end, or until it has run for too long. Its streams are those that `command` has; of those
    /// that are pipes, standard input is given `input`.
    pub fn of(command: &mut Command, input: Option<Vec<u8>>) -> Result<Self, String> {
        if input.is_some() {
            command.stdin(Stdio::piped());
        }
        let mut child = command.stderr(Stdio::piped()).spawn().map_err(|error| format!("{command:?}: {error}"))?;
        let (done, streams) = mpsc::channel();
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
            // A program that does not read it all is no failure.
            thread::spawn(move || drop(stdin.write_all(&input)));
        }
        let stdout = child.stdout.take().map(|stream| read(stream, done.clone()));
        let stderr = child.stderr.take().map(|stream| read(stream, done.clone()));
        let status = end_of(&mut child, &streams)?;
        let bytes = |reader: Option<JoinHandle<Vec<u8>>>| reader.map(JoinHandle::join).transpose();
        let read_error = |_| "a thread that reads a stream panicked".to_owned();
        let stdout = bytes(stdout).map_err(read_error)?.unwrap_or_default();
        let stderr = bytes(stderr).map_err(read_error)?.unwrap_or_default();
        let stderr = String::from_utf8_lossy(&stderr).into_owned();
        Ok(Self { status, stdout, stderr, files: BTreeMap::new() })
    }
}

/// Reads a stream to its end on a thread of its own, and tells when it has come.
fn read(mut stream: impl Read + Send + 'static, done: Sender<()>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let result = stream.read_to_end(&mut bytes);
        // The receiver is gone if the program was killed.
        let _ = done.send(());
        result.map_or_else(|error| format!("unreadable: {error}").into_bytes(), |_| bytes)
    })
}

/// Waits for a program; the ends of its streams wake it.
fn end_of(child: &mut Child, streams: &mpsc::Receiver<()>) -> Result<ExitStatus, String> {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return Ok(status);
        }
        if Instant::now() >= deadline {
            child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
            return Err(format!("it did not end within {LIMIT:?}, and was killed"));
        }
        let _ = streams.recv_timeout(NOTICE);
    }
}
