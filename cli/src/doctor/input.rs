//! Which kind of file it is.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use wasmscope::{Guest, GuestKind};
use wasmscope_model::{ByteSize, Recording};
use wasmscope_profiler::import;

/// Guests beyond this are not read; the largest known, with all their debug information, have a tenth.
const MAX_GUEST_BYTES: u64 = 1 << 30;
const GZIP: &[u8] = &[0x1f, 0x8b];

/// A module or component, as WebAssembly.
pub struct GuestFile {
    /// The file as it was named.
    pub path: String,
    /// Its bytes; assembled, if it is text.
    pub bytes: Arc<[u8]>,
    pub is_component: bool,
    pub is_text: bool,
}

/// What a file turns out to be.
pub enum Input {
    Guest(GuestFile),
    Recording(Box<Recording>),
}

/// Reads a guest or a recording; `-` reads standard input.
pub fn read(path: &Path) -> Result<Input> {
    let shown = path.display();
    let bytes = bytes(path).with_context(|| format!("failed to read {shown}"))?;
    if bytes.len() as u64 > MAX_GUEST_BYTES {
        bail!("{shown} is longer than {}, which no guest and no profile is", ByteSize::new(MAX_GUEST_BYTES));
    }
    let name = path.to_string_lossy();
    let is_named_profile = [".pb.gz", ".pb", ".pprof"].iter().any(|ending| name.ends_with(ending));
    if bytes.starts_with(GZIP) || is_named_profile {
        let recording = import::read_pprof(&bytes).with_context(|| format!("cannot read {shown} as a profile"))?;
        return Ok(Input::Recording(Box::new(recording)));
    }
    if let Some(kind) = other_kind(&bytes) {
        bail!("{shown} is {kind}, neither WebAssembly nor a profile");
    }
    let is_text = !bytes.starts_with(b"\0asm");
    // A file of text gets the lines that it gets when it is run.
    let guest = match is_text && path.as_os_str() != "-" {
        true => Guest::load(path)?,
        false => Guest::from_bytes(&name, &bytes)?,
    };
    let is_component = guest.kind() == GuestKind::Component;
    Ok(Input::Guest(GuestFile { path: name.into_owned(), bytes: guest.bytes().clone(), is_component, is_text }))
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = MAX_GUEST_BYTES.saturating_add(1);
    match path.as_os_str() == "-" {
        true => io::stdin().lock().take(limit).read_to_end(&mut bytes)?,
        false => {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            if metadata.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            if metadata.len() > MAX_GUEST_BYTES {
                return Err(io::Error::other(format!(
                    "it is longer than {}, which no guest and no profile is",
                    ByteSize::new(MAX_GUEST_BYTES)
                )));
            }
            file.take(limit).read_to_end(&mut bytes)?
        }
    };
    Ok(bytes)
}

/// Names kinds of files that are neither, and that are easily taken for one.
fn other_kind(bytes: &[u8]) -> Option<&'static str> {
    const MACHINE_CODE: &str =
        "machine code (for the .cwasm of `wasmtime compile`, name the .wasm that it was made of)";
    Some(match bytes {
        [] => "empty",
        [0x7f, b'E', b'L', b'F', ..] => MACHINE_CODE,
        [0, b'a', b's', b'm', ..] => return None,
        _ => {
            let text = bytes.trim_ascii_start();
            let is_wat = (text.starts_with(b"(") || text.starts_with(b";")) && std::str::from_utf8(bytes).is_ok();
            return (!is_wat).then_some("something else");
        }
    })
}
