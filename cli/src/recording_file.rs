//! Recordings, read from files.

use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, Result};
use wasmscope_model::Recording;
use wasmscope_profiler::import;

use crate::progress;

/// Reads a recording, or another tool's pprof file; - reads standard input.
pub fn read_recording(file: &Path) -> Result<Recording> {
    let _step = progress::step(match file.as_os_str() == "-" {
        true => "reading standard input".to_owned(),
        false => format!("reading {}", file.display()),
    });
    let bytes = read(file).with_context(|| format!("failed to read {}", file.display()))?;
    import::read_pprof(&bytes).with_context(|| format!("cannot read {} as a profile", file.display()))
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = import::MAX_PROFILE_BYTES.saturating_add(1);
    match file.as_os_str() == "-" {
        true => io::stdin().lock().take(limit).read_to_end(&mut bytes)?,
        false => std::fs::File::open(file)?.take(limit).read_to_end(&mut bytes)?,
    };
    Ok(bytes)
}
