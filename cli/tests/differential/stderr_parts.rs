//! Standard error, taken apart into what the guest and what the program wrote.

/// What begins the block in which a program tells why it failed; it is the last that it writes.
const ERRORS: [&str; 2] = ["Error: ", "error: "];
/// What begins a line in which a program tells what is odd.
const WARNING: &str = "warning: ";

/// Standard error, taken apart. The guests of the cases do not write what this is taken apart by.
#[derive(Debug)]
pub struct StderrParts<'a> {
    /// What the guest wrote.
    pub guest: String,
    /// The warnings of the program.
    pub warnings: Vec<&'a str>,
    /// Why the program failed.
    pub error: Option<&'a str>,
}

impl<'a> StderrParts<'a> {
    pub fn of(stderr: &'a str) -> Self {
        // The guest's last line may have no end, so the block need not begin a line.
        let start = ERRORS.iter().filter_map(|word| stderr.find(word)).min();
        let (before, error) = stderr.split_at(start.unwrap_or(stderr.len()));
        let is_warning = |line: &&str| line.starts_with(WARNING);
        let (warnings, guest): (Vec<&str>, Vec<&str>) = before.split_inclusive('\n').partition(is_warning);
        let warnings = warnings.into_iter().map(str::trim_end).collect();
        Self { guest: guest.concat(), warnings, error: start.map(|_| error) }
    }

    /// Returns what is at the root of wasmtime's error: the trap, or the last of the causes.
    pub fn root_cause(&self) -> Option<&'a str> {
        let error = self.error?;
        // Behind an empty line may stand a backtrace of wasmtime itself.
        let mut lines = error.lines();
        let first = lines.next().and_then(|line| Some(line.split_once(": ")?.1));
        let causes: Vec<&str> = lines.skip_while(|line| *line != "Caused by:").skip(1).collect();
        let trap = causes.iter().find_map(|line| line.find("wasm trap: ").map(|at| &line[at..]));
        let numbered = causes.iter().filter_map(|line| numbered_cause(line)).next_back();
        trap.or(numbered).or(causes.first().map(|line| line.trim())).or(first)
    }
}

/// Returns a cause of an error that has a number before it. Frames have one too, but more spaces behind it.
fn numbered_cause(line: &str) -> Option<&str> {
    let (number, cause) = line.strip_prefix("    ")?.split_once(": ")?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && !cause.starts_with(' ')).then_some(cause)
}
