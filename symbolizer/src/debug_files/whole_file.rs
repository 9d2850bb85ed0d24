//! Files that are read whole.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// Files larger than this are no modules, and no debug information of one.
pub(super) const MAX_FILE_BYTES: u64 = 4 << 30;

/// Reads a file whose first eight bytes `check` lets through: folders are full of other files.
///
/// # Errors
///
/// Says why not, in words that follow the file's name.
pub(super) fn read(path: &Path, check: impl FnOnce(&[u8; 8]) -> Result<(), String>) -> Result<Arc<[u8]>, String> {
    let mut file = File::open(path).map_err(|error| error.to_string())?;
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("not a file".to_owned());
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err("larger than any module".to_owned());
    }
    let mut start = [0; 8];
    // A file that is shorter begins as no other does, with zeros.
    let start = file.read_exact(&mut start).map_or([0; 8], |()| start);
    check(&start)?;
    let length = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    rest(&start, file, length).map_err(|error| error.to_string())
}

/// Reads the rest of a file behind its start, into memory that is not copied again.
fn rest(start: &[u8], mut file: File, length: usize) -> std::io::Result<Arc<[u8]>> {
    let mut bytes: Arc<[u8]> = std::iter::repeat_n(0, length).collect();
    let whole = Arc::get_mut(&mut bytes).unwrap_or_default();
    // The file may have been shorter when its length was asked.
    let (head, rest) = whole.split_at_mut_checked(start.len()).ok_or(std::io::ErrorKind::UnexpectedEof)?;
    head.copy_from_slice(start);
    file.read_exact(rest)?;
    Ok(bytes)
}
