//! One command line to run, with all that belongs to it.
//!
//! ```text
//! === trap-while-writing             begins a case; its name is that of the file and this one
//! run: --env A='b c' guest.wat x     what follows `wasmtime run`; quotes as in a shell
//! exit: 134                          what wasmtime exits with; 0 without this line
//! says: wasm trap: unreachable       what wasmtime must say, on either stream; may be repeated
//! -- guest.wat --                    begins a file, up to the next such line
//! (module)
//! ```
//!
//! `exit` and `says` keep the case honest: two programs that both fail to parse a guest would be equal, too. Further
//! lines are:
//!
//! ```text
//! own-failure: WORD WORD     the program under test exits with 125, and says these words
//! refused-ok: WORD WORD      it may do so, or else behave as wasmtime does
//! env: NAME=VALUE            set for the program; its environment is empty otherwise
//! stdin: FILE                standard input is this file; without this line it is empty
//! stdout: closed             nobody reads standard output
//! stdout: with more lines    the program under test may write further lines: its wasmtime may be a later one
//! before: compile a b        wasmtime does this first
//! writes: FILE               both programs must write it; what is in it may differ
//! ```
//!
//! A file named `stdin` is not written but piped to the program. After a file's name `(binary)` translates its text to
//! the binary format, `(first N)` cuts it after so many bytes, and `(times N)` repeats it. A file of `guests/` is there
//! if a word of the command line is its name, or ends in `=` and its name.

use std::ffi::OsString;

use crate::words;

/// One command line to run, with all that belongs to it.
#[derive(Default)]
pub struct Case {
    pub name: String,
    /// What follows `wasmtime run`.
    pub args: Vec<OsString>,
    /// What wasmtime exits with.
    pub exit: i32,
    /// What wasmtime says, on either stream.
    pub says: Vec<String>,
    pub expectation: Expectation,
    pub env: Vec<(String, String)>,
    pub stdin: Stdin,
    pub stdout: Stdout,
    /// What wasmtime is run with first.
    pub before: Option<Vec<OsString>>,
    /// Files that both programs write, each in its own way.
    pub writes: Vec<String>,
    pub files: Vec<(String, Vec<u8>)>,
}

/// What the program under test is to do.
#[derive(Default)]
pub enum Expectation {
    /// What wasmtime does.
    #[default]
    Same,
    /// Fail by itself before the guest starts, and say these words.
    OwnFailure(Vec<String>),
    /// Either.
    SameOrOwnFailure(Vec<String>),
}

/// What the programs read.
#[derive(Default)]
pub enum Stdin {
    #[default]
    Nothing,
    Piped(Vec<u8>),
    File(String),
}

/// What becomes of standard output.
#[derive(Default, PartialEq, Eq)]
pub enum Stdout {
    /// It is compared byte by byte.
    #[default]
    Same,
    /// Each line of wasmtime's must be there; a later wasmtime may have more to say.
    MoreLines,
    /// Nobody reads it.
    Closed,
}

/// Reads the cases of a file; an error begins with the number of its line.
pub fn parse(topic: &str, text: &str) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let at_line = |error: String| format!("{}: {error}", number + 1);
        if let Some(name) = line.strip_prefix("=== ") {
            cases.push(Case { name: format!("{topic}::{name}"), ..Case::default() });
        } else if let (Some(head), Some(case)) = (file_head(line), cases.last_mut()) {
            let mut content = String::new();
            while let Some((_, line)) = lines.next_if(|(_, line)| file_head(line).is_none() && !is_case_head(line)) {
                content.push_str(line);
                content.push('\n');
            }
            case.add_file(head, content.trim_end_matches('\n')).map_err(at_line)?;
        } else if line.is_empty() || line.starts_with("# ") {
            continue;
        } else if let (Some((key, value)), Some(case)) = (line.split_once(": "), cases.last_mut()) {
            case.set(key, value).map_err(at_line)?;
        } else {
            return Err(at_line(format!("it is unclear what is meant by {line:?}")));
        }
    }
    cases.iter().try_for_each(Case::check)?;
    Ok(cases)
}

fn is_case_head(line: &str) -> bool {
    line.starts_with("=== ")
}

fn file_head(line: &str) -> Option<&str> {
    line.strip_prefix("-- ")?.strip_suffix(" --")
}

impl Case {
    fn check(&self) -> Result<(), String> {
        let wrong = if self.args.is_empty() {
            "nothing is run"
        } else if matches!(self.expectation, Expectation::OwnFailure(_)) && self.says.is_empty() {
            "it must be told by `says` why wasmtime fails"
        } else {
            return Ok(());
        };
        Err(format!(" in {}: {wrong}", self.name))
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "run" => self.args = words::split(value)?,
            "exit" => self.exit = value.parse().map_err(|error| format!("{value}: {error}"))?,
            "says" => self.says.push(value.to_owned()),
            "own-failure" => self.expectation = Expectation::OwnFailure(strings(value)?),
            "refused-ok" => self.expectation = Expectation::SameOrOwnFailure(strings(value)?),
            "env" => {
                let (name, value) = value.split_once('=').ok_or("it is NAME=VALUE")?;
                self.env.push((name.to_owned(), value.to_owned()));
            }
            "stdin" => self.stdin = Stdin::File(value.to_owned()),
            "stdout" if value == "closed" => self.stdout = Stdout::Closed,
            "stdout" if value == "with more lines" => self.stdout = Stdout::MoreLines,
            "before" => self.before = Some(words::split(value)?),
            "writes" => self.writes.push(value.to_owned()),
            _ => return Err(format!("there is no line `{key}: {value}`")),
        }
        Ok(())
    }

    fn add_file(&mut self, head: &str, text: &str) -> Result<(), String> {
        let (name, how) = head.split_once(" (").unwrap_or((head, ")"));
        let mut bytes = if text.is_empty() { Vec::new() } else { format!("{text}\n").into_bytes() };
        for step in how.trim_end_matches(')').split(", ").filter(|step| !step.is_empty()) {
            match step.split_once(' ') {
                None if step == "binary" => bytes = wat::parse_bytes(&bytes).map_err(|e| e.to_string())?.into_owned(),
                Some(("first", count)) => bytes.truncate(number(count)?),
                Some(("times", count)) => bytes = bytes.repeat(number(count)?),
                _ => return Err(format!("a file cannot be made by {step:?}")),
            }
        }
        if name == "stdin" {
            self.stdin = Stdin::Piped(bytes);
        } else {
            self.files.push((name.to_owned(), bytes));
        }
        Ok(())
    }
}

fn strings(value: &str) -> Result<Vec<String>, String> {
    Ok(words::split(value)?.into_iter().map(|word| word.to_string_lossy().into_owned()).collect())
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|error| format!("{text}: {error}"))
}
