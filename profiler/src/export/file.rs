//! Files that are either written whole or not at all.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use wasmscope_model::{Event, Recording};

use super::{ExportError, OutputFormat, write_folded, write_pprof, write_svg};

/// Writes a recording to a file in the format of its ending: into a temporary file beside it, which is synced and
/// renamed when it is complete.
///
/// # Errors
///
/// When the ending tells no format, the file exists and `overwrite` is false, the profile is empty and the format
/// cannot show that, or the system refuses. The file is untouched then.
pub fn write_file(recording: &Recording, path: &Path, title: &str, overwrite: bool) -> Result<(), ExportError> {
    let format = OutputFormat::of_path(path)?;
    if !overwrite && path.exists() {
        return Err(ExportError::Exists { path: path.to_owned() });
    }
    let refused = |error: std::io::Error| ExportError::Write { path: path.to_owned(), reason: error.to_string() };
    let mut file = temporary_beside(path).map_err(refused)?;
    let mut out = BufWriter::new(file.as_file_mut());
    let written = match format {
        OutputFormat::Pprof => write_pprof(recording, &mut out).map_err(ExportError::Io),
        OutputFormat::Svg => write_svg(recording, Event::Cpu, title, &mut out),
        OutputFormat::Folded => write_folded(recording, Event::Cpu, &mut out).map_err(ExportError::Io),
    };
    written.and_then(|()| Ok(out.flush()?)).map_err(|error| match error {
        ExportError::Io(error) => refused(error),
        other => other,
    })?;
    drop(out);
    file.as_file().sync_all().map_err(refused)?;
    let persisted = if overwrite { file.persist(path) } else { file.persist_noclobber(path) };
    persisted.map_err(|error| match error.error.kind() {
        std::io::ErrorKind::AlreadyExists => ExportError::Exists { path: path.to_owned() },
        _ => refused(error.error),
    })?;
    Ok(())
}

/// Checks before a run that a recording can be written to `path` after it.
///
/// # Errors
///
/// When the ending tells no format, the file exists and `overwrite` is false, or its folder cannot be written to.
pub fn check_writable(path: &Path, overwrite: bool) -> Result<(), ExportError> {
    OutputFormat::of_path(path)?;
    let refused = |reason: String| ExportError::Write { path: path.to_owned(), reason };
    if path.is_dir() {
        return Err(refused("it is a directory".to_owned()));
    }
    if !overwrite && path.exists() {
        return Err(ExportError::Exists { path: path.to_owned() });
    }
    temporary_beside(path).map(drop).map_err(|error| refused(error.to_string()))
}

fn temporary_beside(path: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".wasmscope-").suffix(".partial");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o644));
    }
    builder.tempfile_in(folder)
}
