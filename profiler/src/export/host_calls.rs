//! How often, and how long, the host was called, as a table.

use std::io::{self, Write};

use wasmscope_model::{Marker, Recording};

use super::display_name::sanitized;

/// Host functions listed, at most.
const MAX_HOST_CALLS: usize = 10;

/// Writes the host functions that took longest, and what their names do not tell.
pub(super) fn write_host_calls(recording: &Recording, mut out: impl Write) -> io::Result<()> {
    let calls = &recording.host_calls;
    if calls.is_empty() {
        return Ok(());
    }
    let columns = ["calls", "total", "p99", "max"];
    let [count, total, p99, max] = columns;
    writeln!(out)?;
    writeln!(out, "{count:>9} {total:>9} {p99:>9} {max:>9}  host function, waiting included")?;
    let listed = calls.get(..MAX_HOST_CALLS).unwrap_or(calls);
    for calls in listed {
        let [total, p99, max] = [calls.total, calls.p99, calls.max].map(|time| format!("{time:.1?}"));
        writeln!(out, "{:>9} {total:>9} {p99:>9} {max:>9}  {}", calls.count, sanitized(&calls.name))?;
    }
    match calls.len() - listed.len() {
        0 => {}
        1 => writeln!(out, "{:>9} more host function", 1)?,
        more => writeln!(out, "{more:>9} more host functions")?,
    }
    if listed.iter().any(|calls| calls.name == Marker::Host.label()) {
        writeln!(out, "[host] are calls through tables, and of wasmtime's own: their places do not tell the function")?;
    }
    if listed.iter().any(|calls| calls.name.contains("[async-lower]")) {
        writeln!(
            out,
            "[async-lower] is timed until the call has begun: what the guest awaits of it is no part of this"
        )?;
    }
    Ok(())
}
