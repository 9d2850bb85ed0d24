//! `wasmscope symbolize`: say what addresses mean, alone or in a log.

mod known_guests;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::num::ParseIntError;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Parser, ValueEnum};
use wasmscope_model::{CodeOffset, sanitized};
use wasmscope_symbolizer::{FoundPlace, LogSymbolizer, LogTotals, Position, WhyNotFound};

use self::known_guests::load;
use crate::symbol_options::SymbolOptions;
use crate::verdict::{OWN_FAILURE, Verdict};
use crate::{progress, terminal};

const EXAMPLES: &str = "\
Examples:
  Copy a log with functions and lines beneath the addresses in it:
    $ wasmscope symbolize app.wasm < service.log
    thread 3 has failed:
        0:    0x3ac - <unknown>!<wasm function 10>
                    - quotient
                        at testkit/guests/trap.c:12:14
    ...

  Do so while it grows; stripped.wasm has no names, its build lies below builds:
    $ kubectl logs -f pod | wasmscope symbolize stripped.wasm --symbols builds
    ...

  See what an address means, and what was inlined there:
    $ wasmscope symbolize app.wasm 0x3ac
    0x3ac: quotient at testkit/guests/trap.c:12:14
           inlined into rounded at testkit/guests/trap.c:16:10
           inlined into average at testkit/guests/trap.c:20:10

  Take the lines of a source map, as AssemblyScript writes them:
    $ wasmscope symbolize loops.wasm --symbols maps/loops.map 0x11a
    0x11a: loops/halve at as/loops.ts:27:15

Exit code: 0; 1 when an address of the command line lies in no function; 2 when
something cannot be read.";

/// Say what addresses of wasm code mean, alone or in a log.
///
/// Copies a log byte for byte to standard output, and inserts function, file and line where an address of wasm code stands:
/// in backtraces of wasmtime, wasmer, WAMR, wasm3, wazero, WasmEdge and wasmscope, of browsers, Node.js and Deno; also
/// within strings of JSON. Nothing is taken out, and what names another function than the module has there stays as it is.
#[derive(Parser, Debug)]
#[command(name = "symbolize", after_long_help = EXAMPLES, mut_arg("symbols", |symbols| symbols.visible_alias("debug")))]
pub struct Symbolize {
    /// The .wasm or .wat that ran, a log, or an address such as 0x1a2b.
    ///
    /// Several of each may be given. A file is a guest if it begins as WebAssembly does, else a log; - is standard input,
    /// which is read as well when there is neither a log nor an address. A frame is looked up in the guest that its line
    /// names, by the name of the file or the module, or the end of the URL; without such a name in every one. Without any
    /// guest, what --symbols names are the guests: files, and the .wasm files that lie in a folder directly.
    #[arg(value_name = "GUEST|LOG|ADDR")]
    inputs: Vec<OsString>,

    /// A guest, where its file could be taken for something else; may be repeated.
    #[arg(long, value_name = "FILE")]
    module: Vec<PathBuf>,

    /// What addresses of the command line count from: file or code.
    ///
    /// file is the start of the file, as in backtraces of wasmtime and browsers; for a component, that of the component.
    /// code is the start of the code section's contents, as in DWARF and llvm-symbolizer. Logs are read as each program
    /// writes them, whatever is said here.
    #[arg(long, value_name = "BASE", default_value = "file", hide_possible_values = true)]
    offsets: Offsets,

    #[command(flatten)]
    symbols: SymbolOptions,
}

/// What addresses count from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Offsets {
    /// The start of the file.
    File,
    /// The start of the code section's contents.
    Code,
}

/// What the words of the command line are.
#[derive(Debug, Default)]
struct Inputs {
    guests: Vec<PathBuf>,
    logs: Vec<PathBuf>,
    /// Addresses, as they were written and as numbers.
    addresses: Vec<(String, u64)>,
}

impl Symbolize {
    /// Prints what is known, and tells what to exit with.
    pub fn execute(self) -> Verdict {
        self.run().unwrap_or_else(|error| Verdict::failure(&error, OWN_FAILURE))
    }

    fn run(&self) -> Result<Verdict> {
        let mut inputs = Inputs::read(&self.inputs)?;
        inputs.guests.extend(self.module.iter().cloned());
        let step = progress::step("reading debug information");
        let mut modules = load(&inputs.guests, &self.symbols)?;
        drop(step);
        if modules.is_empty() {
            bail!("no module to look addresses up in: name the guest's .wasm, or --symbols FILE|DIR");
        }
        if inputs.logs.is_empty() && inputs.addresses.is_empty() {
            inputs.logs.push("-".into());
        }
        let mut all_found = true;
        if !inputs.addresses.is_empty() {
            let mut out = BufWriter::new(io::stdout().lock());
            for (text, address) in &inputs.addresses {
                let found = self.position(*address).map_or(Err(WhyNotFound::NotInCode), |at| modules.find_position(at));
                all_found &= found.is_ok();
                terminal::unless_broken_pipe(write_address(&mut out, text, &found))?;
            }
            terminal::unless_broken_pipe(out.flush())?;
        }
        let mut symbolizer = LogSymbolizer::new(modules);
        for log in &inputs.logs {
            copy(&mut symbolizer, log)?;
        }
        warn_of_rest(&symbolizer.totals());
        Ok(Verdict(i32::from(!all_found)))
    }

    fn position(&self, address: u64) -> Option<Position> {
        match self.offsets {
            Offsets::File => Some(Position::InFile(address)),
            Offsets::Code => u32::try_from(address).ok().map(CodeOffset::new).map(Position::InCode),
        }
    }
}

impl Inputs {
    fn read(words: &[OsString]) -> Result<Self> {
        let mut inputs = Self::default();
        for word in words {
            let text = word.to_string_lossy();
            match text.strip_prefix("0x").map(hexadecimal) {
                Some(Ok(address)) => inputs.addresses.push((text.into_owned(), address)),
                Some(Err(_)) if !Path::new(word).exists() => {
                    bail!("{text} is no address: it is 0x and up to 16 digits")
                }
                _ if is_guest(Path::new(word)).with_context(|| missing(word))? => inputs.guests.push(word.into()),
                _ => inputs.logs.push(word.into()),
            }
        }
        Ok(inputs)
    }
}

/// Reads digits; a sign is none, though numbers may have one.
fn hexadecimal(digits: &str) -> Result<u64, ParseIntError> {
    let unsigned = if digits.starts_with('+') { "" } else { digits };
    u64::from_str_radix(unsigned, 16)
}

/// Says what could not be read, and what was perhaps meant.
fn missing(word: &OsStr) -> String {
    let text = word.to_string_lossy();
    match !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => format!("failed to read {text}, and an address begins with 0x"),
        false => format!("failed to read {text}"),
    }
}

/// Tells guests from logs.
fn is_guest(path: &Path) -> io::Result<bool> {
    if path.as_os_str() == "-" {
        return Ok(false);
    }
    // What is read of a pipe is gone: whatever comes out of one is a log.
    if !path.metadata()?.is_file() {
        return Ok(false);
    }
    let mut head = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut head)?;
    let is_named = path.extension().is_some_and(|ending| ["wasm", "wat", "cwasm"].iter().any(|other| ending == *other));
    Ok(is_named || head == b"\0asm")
}

fn copy(symbolizer: &mut LogSymbolizer, log: &Path) -> Result<()> {
    let out = io::stdout().lock();
    let copied = if log.as_os_str() == "-" {
        symbolizer.copy(io::stdin().lock(), out)
    } else {
        let file = File::open(log).with_context(|| format!("failed to read {}", log.display()))?;
        symbolizer.copy(file, out)
    };
    terminal::unless_broken_pipe(copied).with_context(|| format!("failed to copy {}", log.display()))
}

/// Writes the functions at an address, innermost first.
fn write_address(out: &mut impl Write, text: &str, found: &Result<FoundPlace, WhyNotFound>) -> io::Result<()> {
    let found = match found {
        Ok(found) => found,
        Err(WhyNotFound::Ambiguous) => return writeln!(out, "{text}: ?? (in several modules)"),
        Err(_) => return writeln!(out, "{text}: ?? (in no function)"),
    };
    for (depth, frame) in found.resolved.frames.iter().enumerate() {
        match depth {
            0 => write!(out, "{text}: ")?,
            _ => write!(out, "{:1$}inlined into ", "", text.len() + 2)?,
        }
        write!(out, "{}", sanitized(&frame.name))?;
        match (frame.line, frame.column) {
            (0, _) => writeln!(out)?,
            (line, 0) => writeln!(out, " at {}:{line}", sanitized(&frame.file))?,
            (line, column) => writeln!(out, " at {}:{line}:{column}", sanitized(&frame.file))?,
        }
    }
    Ok(())
}

/// Says how much of the logs stays as it was, and why.
fn warn_of_rest(totals: &LogTotals) {
    let reasons = [
        (totals.not_in_code, "in no function of a known module"),
        (totals.other_function, "where another function lies than the one shown (is this the build that ran?)"),
        (totals.ambiguous, "in one of several modules (name only the one that ran)"),
    ];
    let left: u64 = reasons.iter().map(|(count, _)| count).sum();
    if left > 0 {
        let parts = reasons.iter().filter(|(count, _)| *count > 0).map(|(count, reason)| format!("{count} {reason}"));
        let parts = parts.collect::<Vec<_>>().join(", ");
        terminal::warning(format_args!("{left} of {} addresses stay as they were: {parts}", totals.mentioned));
    }
}
