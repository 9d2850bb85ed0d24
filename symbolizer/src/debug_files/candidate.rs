//! A module in a file that may hold debug information.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::{Fit, Wanted};
use crate::{Error, ModuleImage, component_modules};

/// Files larger than this are no modules.
const MAX_FILE_BYTES: u64 = 4 << 30;

/// A module in a file that may hold debug information.
pub(super) struct Candidate {
    pub(super) image: ModuleImage,
}

impl Candidate {
    /// Reads the module, or the core modules of the component, in a file.
    pub(super) fn read(path: &Path) -> Result<Vec<Self>, String> {
        let mut file = File::open(path).map_err(|error| error.to_string())?;
        let metadata = file.metadata().map_err(|error| error.to_string())?;
        if !metadata.is_file() {
            return Err("not a file".to_owned());
        }
        if metadata.len() > MAX_FILE_BYTES {
            return Err("larger than any module".to_owned());
        }
        // Folders are full of other files: most are told by their first bytes.
        let mut start = [0; 8];
        let is_wasm = file.read_exact(&mut start).is_ok() && start.starts_with(b"\0asm");
        if !is_wasm {
            return Err(Error::NotWasm.to_string());
        }
        let length = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
        let bytes = read_whole(&start, file, length).map_err(|error| error.to_string())?;
        let images = match ModuleImage::parse(bytes.clone()) {
            Err(Error::Component) => component_modules(&bytes),
            parsed => parsed.map(|image| vec![image]),
        };
        let images = images.map_err(|error| error.to_string())?;
        Ok(images.into_iter().map(|image| Self { image }).collect())
    }

    /// Tells whether this is debug information of the module, and why.
    pub(super) fn fits(&self, wanted: &Wanted) -> Option<Fit> {
        let has_code = self.image.defined_functions() > 0;
        if has_code {
            return (self.image.identity() == wanted.identity).then_some(Fit::SameCode);
        }
        let build_id = self.image.build_id();
        (!build_id.is_empty() && build_id == wanted.build_id).then_some(Fit::SameBuildId)
    }
}

/// Reads the rest of a file behind its start, into memory that is not copied again.
fn read_whole(start: &[u8], mut file: File, length: usize) -> std::io::Result<Arc<[u8]>> {
    let mut bytes: Arc<[u8]> = std::iter::repeat_n(0, length).collect();
    let whole = Arc::get_mut(&mut bytes).unwrap_or_default();
    let (head, rest) = whole.split_at_mut_checked(start.len()).unwrap_or_default();
    head.copy_from_slice(start);
    file.read_exact(rest)?;
    Ok(bytes)
}
