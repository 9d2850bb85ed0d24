//! A module in a file that may hold debug information.

use std::path::Path;

use super::{Fit, Wanted, whole_file};
use crate::{Error, ModuleImage, component_modules};

/// A module in a file that may hold debug information.
pub(super) struct Candidate {
    pub(super) image: ModuleImage,
}

impl Candidate {
    /// Reads the module, or the core modules of the component, in a file.
    pub(super) fn read(path: &Path) -> Result<Vec<Self>, String> {
        let is_wasm =
            |start: &[u8; 8]| if start.starts_with(b"\0asm") { Ok(()) } else { Err(Error::NotWasm.to_string()) };
        let bytes = whole_file::read(path, is_wasm)?;
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
