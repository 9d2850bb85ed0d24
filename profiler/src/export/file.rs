//! Files that are either written whole or not at all.

use std::fs::{File, FileType};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};
use wasmscope_model::{Event, Recording};
use wasmscope_report::SourceExcerpts;

use super::{
    ExportError, OutputFormat, write_firefox, write_flame_graph, write_folded, write_html, write_perfetto, write_pprof,
    write_speedscope,
};

/// Where an output goes.
enum Destination {
    /// To a regular file, new or replaced as a whole. A link is followed: what it points to is replaced.
    File(PathBuf),
    /// Into a pipe or a character device that is there already: nothing is replaced, so it is written to directly.
    Stream(PathBuf),
}

/// Writes a recording to a file in the format of its ending, see [`write_file_as`].
///
/// # Errors
///
/// As [`write_file_as`], and when the ending tells no format.
pub fn write_file(
    recording: &Recording,
    event: Event,
    path: &Path,
    title: &str,
    overwrite: bool,
) -> Result<(), ExportError> {
    write_file_as(recording, event, OutputFormat::of_path(path)?, path, title, overwrite)
}

/// Writes a recording to a file: into a temporary file beside it, which is synced and renamed when it is complete.
///
/// Flame graphs and folded stacks show `event`; other formats hold all, and viewers of them show `event` first. Into a
/// named pipe or a character device it is written directly. JSON is compressed when the name ends in `.gz`.
///
/// # Errors
///
/// When the file exists and `overwrite` is false, the profile is empty and the format cannot show that, or the system
/// refuses. The file is untouched then.
pub fn write_file_as(
    recording: &Recording,
    event: Event,
    format: OutputFormat,
    path: &Path,
    title: &str,
    overwrite: bool,
) -> Result<(), ExportError> {
    let is_compressed = format.is_json() && path.extension().is_some_and(|ending| ending == "gz");
    write_atomically(path, overwrite, |out| match is_compressed {
        true => write_compressed(recording, event, format, title, out),
        false => write_format(recording, event, format, title, out),
    })
}

/// As [`write_file_as`], with whatever `write` writes.
///
/// # Errors
///
/// As [`write_file_as`], and those of `write`.
pub fn write_atomically(
    path: &Path,
    overwrite: bool,
    write: impl FnOnce(&mut dyn Write) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let refused = |error: io::Error| refused(path, &error);
    let whole = |mut out: BufWriter<&mut File>| {
        write(&mut out)?;
        Ok(out.flush()?)
    };
    match destination(path, overwrite)? {
        Destination::Stream(stream) => {
            let mut out = File::options().write(true).open(stream).map_err(refused)?;
            whole(BufWriter::new(&mut out)).map_err(|error| with_path(error, path))
        }
        Destination::File(target) => {
            let mut file = temporary_beside(&target).map_err(refused)?;
            whole(BufWriter::new(file.as_file_mut())).map_err(|error| with_path(error, path))?;
            // A file that is replaced keeps who may read it.
            if let Ok(replaced) = target.metadata() {
                file.as_file().set_permissions(replaced.permissions()).map_err(refused)?;
            }
            file.as_file().sync_all().map_err(refused)?;
            let persisted = if overwrite { file.persist(&target) } else { file.persist_noclobber(&target) };
            persisted.map_err(|error| match error.error.kind() {
                io::ErrorKind::AlreadyExists => ExportError::Exists { path: path.to_owned() },
                _ => refused(error.error),
            })?;
            // The name lasts once its folder is on disk too. A file system that cannot sync folders has done its best.
            let _ = File::open(folder_of(&target)).and_then(|folder| folder.sync_all());
            Ok(())
        }
    }
}

/// Checks before a run that a recording can be written to `path` after it.
///
/// # Errors
///
/// When the ending tells no format, the file exists and `overwrite` is false, or its folder cannot be written to.
pub fn check_writable(path: &Path, overwrite: bool) -> Result<(), ExportError> {
    OutputFormat::of_path(path)?;
    check_place(path, overwrite)
}

/// Checks as [`check_writable`] does, whatever the ending.
///
/// # Errors
///
/// When the file exists and `overwrite` is false, or its folder cannot be written to.
pub fn check_place(path: &Path, overwrite: bool) -> Result<(), ExportError> {
    match destination(path, overwrite)? {
        // Opening a pipe would wait for its reader.
        Destination::Stream(_) => Ok(()),
        Destination::File(target) => temporary_beside(&target).map(drop).map_err(|error| refused(path, &error)),
    }
}

fn write_format(
    recording: &Recording,
    event: Event,
    format: OutputFormat,
    title: &str,
    mut out: impl Write,
) -> Result<(), ExportError> {
    match format {
        OutputFormat::Pprof => write_pprof(recording, &mut out)?,
        OutputFormat::Svg(layout) => write_flame_graph(recording, event, layout, title, &mut out)?,
        OutputFormat::Html => write_html(recording, event, title, &SourceExcerpts::default(), &mut out)?,
        OutputFormat::Folded => write_folded(recording, event, &mut out)?,
        OutputFormat::Firefox => write_firefox(recording, event, title, &mut out)?,
        OutputFormat::Speedscope => write_speedscope(recording, event, title, &mut out)?,
        OutputFormat::Perfetto => write_perfetto(recording, event, title, &mut out)?,
    }
    Ok(out.flush()?)
}

fn write_compressed(
    recording: &Recording,
    event: Event,
    format: OutputFormat,
    title: &str,
    out: impl Write,
) -> Result<(), ExportError> {
    // No file name and no time in the header, so that equal recordings give equal files.
    let mut gzip = GzBuilder::new().mtime(0).write(out, Compression::default());
    write_format(recording, event, format, title, BufWriter::new(&mut gzip))?;
    Ok(gzip.finish()?.flush()?)
}

fn destination(path: &Path, overwrite: bool) -> Result<Destination, ExportError> {
    let wrong = |reason: &str| ExportError::Write { path: path.to_owned(), reason: reason.to_owned() };
    let kind = match path.metadata() {
        Ok(metadata) => metadata.file_type(),
        Err(_) if path.is_symlink() => return Err(wrong("it is a link that leads nowhere")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let there = folder_of(path).is_dir();
            return if there {
                Ok(Destination::File(path.to_owned()))
            } else {
                Err(wrong("its folder does not exist"))
            };
        }
        Err(error) => return Err(refused(path, &error)),
    };
    if kind.is_dir() {
        return Err(wrong("it is a directory"));
    }
    if is_stream(kind) {
        return Ok(Destination::Stream(path.to_owned()));
    }
    if !kind.is_file() {
        return Err(wrong("it is neither a file nor a pipe"));
    }
    if !overwrite {
        return Err(ExportError::Exists { path: path.to_owned() });
    }
    let target = path.canonicalize().map_err(|error| refused(path, &error))?;
    Ok(Destination::File(target))
}

#[cfg(unix)]
fn is_stream(kind: FileType) -> bool {
    use std::os::unix::fs::FileTypeExt;
    kind.is_fifo() || kind.is_char_device()
}

#[cfg(not(unix))]
fn is_stream(_kind: FileType) -> bool {
    false
}

/// Says what the system said, without the name of the temporary file.
fn refused(path: &Path, error: &io::Error) -> ExportError {
    let plain = error.raw_os_error().or_else(|| error.get_ref()?.downcast_ref::<io::Error>()?.raw_os_error());
    let reason = match plain {
        Some(number) => io::Error::from_raw_os_error(number).to_string(),
        None => error.kind().to_string(),
    };
    ExportError::Write { path: path.to_owned(), reason }
}

fn with_path(error: ExportError, path: &Path) -> ExportError {
    match error {
        ExportError::Io(error) => refused(path, &error),
        other => other,
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."))
}

fn temporary_beside(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".wasmscope-").suffix(".partial");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o644));
    }
    builder.tempfile_in(folder_of(path))
}
