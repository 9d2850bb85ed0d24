//! What llvm-symbolizer says.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use wasmscope_model::ResolvedFrame;

/// The program of Debian's package `llvm-19`.
pub const PROGRAM: &str = "llvm-symbolizer-19";

/// A frame as either side tells it; empty and 0 stand for unknown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    pub function: String,
    pub file: String,
    pub line: u64,
    pub column: u64,
    pub start_line: u64,
}

impl From<ResolvedFrame> for Frame {
    fn from(frame: ResolvedFrame) -> Self {
        Self {
            function: frame.system_name,
            file: frame.file,
            line: frame.line.into(),
            column: frame.column.into(),
            start_line: frame.start_line.into(),
        }
    }
}

/// Tells whether the program can be run here.
pub fn is_installed() -> bool {
    let run = Command::new(PROGRAM).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    run.is_ok_and(|status| status.success())
}

/// Copies a module without its `name` section and its exports.
///
/// llvm-symbolizer prefers their names to those of DWARF: it takes names of data segments for names of functions, and
/// gives the name of an export to functions behind it. What is compared here is DWARF.
pub fn without_names(module: &[u8]) -> Vec<u8> {
    let mut copy = module[..8].to_vec();
    let mut begin = 8;
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        let payload = payload.unwrap();
        let Some((_, range)) = payload.as_section() else {
            continue;
        };
        let end = range.end as usize;
        let naming = match &payload {
            wasmparser::Payload::CustomSection(section) => section.name() == "name",
            payload => matches!(payload, wasmparser::Payload::ExportSection(_)),
        };
        if !naming {
            copy.extend(&module[begin..end]);
        }
        begin = end;
    }
    copy
}

/// Asks for the inline chain at each offset, innermost first.
pub fn resolve(module: &Path, offsets: &[u32], folder: &Path) -> Vec<Vec<Frame>> {
    let questions = folder.join("questions");
    let mut file = File::create(&questions).unwrap();
    for offset in offsets {
        writeln!(file, "{offset:#x}").unwrap();
    }
    drop(file);
    let output = Command::new(PROGRAM)
        .arg(format!("--obj={}", module.display()))
        .args(["--output-style=JSON", "--inlines", "--no-demangle"])
        .stdin(File::open(&questions).unwrap())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Vec<Frame>> = text.lines().map(frames).collect();
    assert_eq!(answers.len(), offsets.len(), "one answer for each question");
    answers
}

fn frames(line: &str) -> Vec<Frame> {
    let answer: Value = serde_json::from_str(line).unwrap();
    let symbols = answer["Symbol"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let frame = |symbol: &Value| Frame {
        function: text(&symbol["FunctionName"]),
        file: text(&symbol["FileName"]),
        line: number(&symbol["Line"]),
        column: number(&symbol["Column"]),
        start_line: number(&symbol["StartLine"]),
    };
    symbols.iter().map(frame).collect()
}
