//! Files that are written whole or not at all.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use wasmscope_model::Event;
use wasmscope_profiler::export::{ExportError, OutputFormat, check_writable, write_file, write_file_as};
use wasmscope_profiler::import::read_pprof;

use super::handmade;

/// Checks, then writes; both must agree. Returns the message of the error.
fn write(path: &Path, overwrite: bool) -> Result<(), String> {
    let checked = check_writable(path, overwrite).map_err(|error| error.to_string());
    let written =
        write_file(&handmade::recording(), Event::Cpu, path, "t", overwrite).map_err(|error| error.to_string());
    assert_eq!(checked, written, "the check before the run tells what would happen after it");
    written
}

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_new_file_is_written_and_an_existing_one_kept_unless_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pb.gz");
    write(&path, false).unwrap();
    assert_eq!(read_pprof(&fs::read(&path).unwrap()).unwrap().total_count(Event::Cpu), 100);
    fs::write(&path, "precious").unwrap();
    let error = write(&path, false).unwrap_err();
    assert_eq!(error, format!("{} exists already; --force replaces it", path.display()));
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    write(&path, true).unwrap();
    assert_ne!(fs::read(&path).unwrap(), b"precious");
    assert_eq!(entries(folder.path()), ["a.pb.gz"], "nothing else is left behind");
}

#[test]
fn json_is_compressed_when_its_name_ends_so_and_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let written = |name: &str| {
        let path = folder.path().join(name);
        write_file_as(&handmade::recording(), Event::Cpu, OutputFormat::Firefox, &path, "t", true).unwrap();
        fs::read(path).unwrap()
    };
    let plain = written("a.firefox.json");
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&written("a.json.gz")[..]).read_to_end(&mut unpacked).unwrap();
    assert_eq!((plain[0], &unpacked), (b'{', &plain));
    assert_eq!(written("b.json.gz"), written("a.json.gz"));
    assert_eq!(written("c.any"), plain, "the format that is asked for, whatever the name");
}

#[test]
fn a_file_that_is_replaced_keeps_who_may_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.folded");
    fs::write(&path, "private").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    write(&path, true).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn an_output_that_fails_leaves_nothing_and_keeps_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.svg");
    fs::write(&path, "precious").unwrap();
    let empty = handmade::Builder::default().finish();
    assert!(matches!(write_file(&empty, Event::Cpu, &path, "t", true), Err(ExportError::Empty)));
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    assert_eq!(entries(folder.path()), ["a.svg"]);
}

#[test]
fn places_that_cannot_be_written_to_are_named_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let message = |name: &str| write(&folder.path().join(name), true).unwrap_err();
    fs::create_dir(folder.path().join("d.svg")).unwrap();
    symlink("nowhere", folder.path().join("l.svg")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("s.svg")).unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    assert!(message("d.svg").ends_with("d.svg: it is a directory"));
    assert!(message("l.svg").ends_with("l.svg: it is a link that leads nowhere"));
    assert!(message("s.svg").ends_with("s.svg: it is neither a file nor a pipe"));
    assert!(message("none/a.svg").ends_with("a.svg: its folder does not exist"));
    assert!(message("file/a.svg").contains("Not a directory"), "{}", message("file/a.svg"));
    assert!(message("a.txt").contains("a.txt: a file name must end in .pb.gz, .html, .svg, .folded, "));
    assert!(message("a.json").contains("a.json: three formats are JSON; "));
    let unwritable = write(Path::new("/proc/a.svg"), true).unwrap_err();
    assert!(
        unwritable.starts_with("failed to write /proc/a.svg: ") && !unwritable.contains(".partial"),
        "{unwritable}"
    );
    assert_eq!(entries(folder.path()), ["d.svg", "file", "l.svg", "s.svg"]);
}

#[test]
fn a_link_to_a_file_is_followed_and_stays_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let (target, link) = (folder.path().join("target"), folder.path().join("link.folded"));
    fs::write(&target, "old").unwrap();
    symlink(&target, &link).unwrap();
    assert!(write(&link, false).unwrap_err().contains("exists already"));
    write(&link, true).unwrap();
    assert!(link.is_symlink());
    assert!(fs::read_to_string(&target).unwrap().starts_with("[truncated];sort;sort"));
}

#[test]
fn devices_and_pipes_are_written_to_and_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let link = |name: &str, device: &str| {
        let path = folder.path().join(name);
        symlink(device, &path).unwrap();
        path
    };
    write(&link("null.folded", "/dev/null"), false).unwrap();
    let full = link("full.folded", "/dev/full");
    check_writable(&full, false).unwrap();
    let error = write_file(&handmade::recording(), Event::Cpu, &full, "t", false).unwrap_err().to_string();
    assert!(error.contains("No space left on device"), "{error}");
    assert!(Path::new("/dev/null").metadata().is_ok_and(|metadata| !metadata.is_file()));

    let pipe = folder.path().join("pipe.folded");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    check_writable(&pipe, false).unwrap();
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read_to_string(pipe).unwrap()
    });
    write_file(&handmade::recording(), Event::Cpu, &pipe, "t", false).unwrap();
    assert!(reader.join().unwrap().ends_with("main;wasi_snapshot_preview1.fd_write 6\n"));
    assert_eq!(entries(folder.path()), ["full.folded", "null.folded", "pipe.folded"]);
}
