//! Runs the command as the files in `tests/cli` say, and compares what it prints with the files beside them.
//!
//! A case is a `.wat` file; it is the guest too. Its first lines say what is run:
//!
//! ```text
//! ;; RUN: profile --invoke spin %     `%` is the guest's file; arguments are split at spaces
//! ;; EXIT: 134                        without it the command must exit with 0
//! ```
//!
//! Standard output is compared with `.stdout` beside the case, standard error with `.stderr`; a missing file stands for
//! no output. What differs from run to run is replaced first: see [`settled`]. `BLESS=1` writes the files anew.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the folder of cases is there")
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wat"))
        .collect();
    cases.sort();
    let trials = cases.into_iter().map(|case| {
        let name = case.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Trial::test(name, move || run(&case))
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}

/// What the head of a case asks for.
struct Case {
    args: Vec<String>,
    exit: i32,
}

fn parse(case: &Path) -> Result<Case, Failed> {
    let text = std::fs::read_to_string(case)?;
    let head = text.lines().map_while(|line| line.strip_prefix(";; "));
    let mut parsed = Case { args: Vec::new(), exit: 0 };
    for line in head {
        if let Some(args) = line.strip_prefix("RUN: ") {
            parsed.args = args.split_whitespace().map(str::to_owned).collect();
        } else if let Some(exit) = line.strip_prefix("EXIT: ") {
            parsed.exit = exit.trim().parse()?;
        }
    }
    if parsed.args.is_empty() { Err("the case has no line `;; RUN: …`".into()) } else { Ok(parsed) }
}

fn run(case: &Path) -> Result<(), Failed> {
    let Case { args, exit } = parse(case)?;
    let folder = tempfile::tempdir()?;
    let name = case.file_name().unwrap_or_default();
    std::fs::copy(case, folder.path().join(name))?;
    let args = args.iter().map(|arg| if arg == "%" { name.to_string_lossy().into_owned() } else { arg.clone() });
    let output = Command::new(env!("CARGO_BIN_EXE_wasmscope"))
        .args(args)
        .current_dir(folder.path())
        .env_remove("NO_COLOR")
        .env("COLUMNS", "100")
        .stdin(Stdio::null())
        .output()?;
    let stderr = settled(&String::from_utf8_lossy(&output.stderr));
    if output.status.code() != Some(exit) {
        return Err(format!("it exited with {:?}, not {exit}; standard error:\n{stderr}", output.status.code()).into());
    }
    compare(&case.with_extension("stdout"), &settled(&String::from_utf8_lossy(&output.stdout)))?;
    compare(&case.with_extension("stderr"), &stderr)
}

fn compare(file: &Path, found: &str) -> Result<(), Failed> {
    let expected = std::fs::read_to_string(file).unwrap_or_default();
    if expected == found {
        return Ok(());
    }
    if std::env::var_os("BLESS").is_some() {
        match found.is_empty() {
            true => std::fs::remove_file(file)?,
            false => std::fs::write(file, found)?,
        }
        return Ok(());
    }
    let diff = similar::TextDiff::from_lines(expected.as_str(), found);
    let diff = diff.unified_diff().header("expected", "found").to_string();
    Err(format!("{} differs; BLESS=1 takes over what was found\n{diff}", file.display()).into())
}

/// Replaces what differs from run to run and from machine to machine: numbers in the report's footer and in the names
/// of files, and the choice of the timer.
fn settled(text: &str) -> String {
    const FOOTER: [&str; 6] = ["samples ", "rate ", "time ", "own cost ", "lines ", "unnamed "];
    let mut out = String::new();
    let mut in_host_calls = false;
    for line in text.lines() {
        let (was_in_host_calls, is_head) = (in_host_calls, line.ends_with("host function, waiting included"));
        in_host_calls = is_head || in_host_calls && !line.is_empty() && !line.starts_with('[');
        if line.starts_with("off cpu ") || line.ends_with(" outside the guest") {
            // Whether a guest that never waits is put aside, and how long its host takes, is the machine's affair.
            continue;
        }
        if in_host_calls && was_in_host_calls {
            // Times differ in their units as well.
            out.push_str("CALLS AND TIMES of ");
            out.push_str(line.split_whitespace().last().unwrap_or_default());
        } else if line.starts_with("engine ") {
            out.push_str("engine    signal, TIMER (REASON)");
        } else if FOOTER.iter().any(|word| line.starts_with(word))
            || line.contains(".pb.gz") && line.contains("profile-")
            || line.contains("… ")
            || is_outermost_of_many(line)
        {
            out.push_str(&without_numbers(line));
        } else {
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}

/// Tells whether a line is a frame of a trap's stack whose number depends on how many frames the machine's stack holds.
fn is_outermost_of_many(line: &str) -> bool {
    let number = line.split_once(": ").map_or("", |(number, _)| number.trim_start());
    number.len() > 3 && number.bytes().all(|digit| digit.is_ascii_digit())
}

/// Replaces each number, with its fraction or its parts of a date, by `#`.
fn without_numbers(line: &str) -> String {
    let mut out = String::new();
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        if !c.is_ascii_digit() {
            out.push(c);
            continue;
        }
        let mut before = c;
        while let Some(next) =
            chars.peek().copied().filter(|next| next.is_ascii_digit() || matches!(next, '.' | 'T' | 'Z'))
        {
            if next == '.' && !before.is_ascii_digit() {
                break;
            }
            before = next;
            chars.next();
        }
        out.push('#');
    }
    out
}
