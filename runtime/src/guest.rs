//! Loading a guest module.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmscope_symbolizer::ModuleImage;

use crate::Error;

/// A core module read from a file: WebAssembly, or its text format.
#[derive(Clone, Debug)]
pub struct Guest {
    path: PathBuf,
    image: ModuleImage,
}

impl Guest {
    /// Reads and checks a module.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is not WebAssembly, is truncated or malformed, or is a component.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let path = path.to_owned();
        let bytes =
            std::fs::read(&path).map_err(|error| Error::Read { path: path.clone(), reason: error.to_string() })?;
        let not_a_module = |reason: String| Error::NotAModule { path: path.clone(), reason };
        let bytes: Arc<[u8]> = match bytes.starts_with(b"\0asm") {
            true => bytes.into(),
            false if path.extension().is_some_and(|extension| extension == "wat") => {
                let text = wat::parse_bytes(&bytes).map_err(|error| not_a_module(error.to_string()))?;
                text.into_owned().into()
            }
            false => bytes.into(),
        };
        match ModuleImage::parse(bytes) {
            Ok(image) => Ok(Self { path, image }),
            Err(wasmscope_symbolizer::Error::Component) => Err(Error::Component { path }),
            Err(error) => Err(not_a_module(error.to_string())),
        }
    }

    /// Returns the file's name without its folder.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Returns the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the module's structure.
    pub fn image(&self) -> &ModuleImage {
        &self.image
    }
}
