//! Loading a guest module.

use std::path::Path;
use std::sync::Arc;

use wasmscope_symbolizer::ModuleImage;

use crate::Error;

/// A core module: WebAssembly, or its text format, with the name that recordings give it.
#[derive(Clone, Debug)]
pub struct Guest {
    path: String,
    name: String,
    image: ModuleImage,
}

impl Guest {
    /// Reads and checks a module.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is neither WebAssembly nor its text, is truncated or malformed, or is a component.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let shown = path.to_string_lossy().into_owned();
        let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_text = path.extension().is_some_and(|extension| extension == "wat");
        if !is_text || bytes.starts_with(b"\0asm") {
            return Self::parse(shown, name, bytes.into());
        }
        match wat::Parser::new().generate_dwarf(wat::GenerateDwarf::Lines).parse_bytes(Some(path), &bytes) {
            Ok(binary) => Self::parse(shown, name, binary.into_owned().into()),
            Err(error) => Err(Error::invalid(&shown, &one_line(&error))),
        }
    }

    /// Takes the bytes of a module, WebAssembly or its text, under a name.
    ///
    /// # Errors
    ///
    /// As [`Guest::load`].
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, Error> {
        let binary = wat::parse_bytes(bytes).map_err(|error| Error::invalid(name, &one_line(&error)))?;
        Self::parse(name.to_owned(), name.to_owned(), (*binary).into())
    }

    fn parse(path: String, name: String, bytes: Arc<[u8]>) -> Result<Self, Error> {
        match ModuleImage::parse(bytes) {
            Ok(image) => Ok(Self { path, name, image }),
            Err(wasmscope_symbolizer::Error::Component) => Err(Error::component(&path)),
            Err(error) => Err(Error::invalid(&path, &error.to_string())),
        }
    }

    /// Returns the file's name without its folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the file, as it was named.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the module's structure.
    pub fn image(&self) -> &ModuleImage {
        &self.image
    }
}

/// Keeps the message and the place of an error in the text format; the rest of its text points at the source line.
fn one_line(error: &wat::Error) -> String {
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim);
    let message = lines.next().unwrap_or_default();
    match lines.find_map(|line| line.strip_prefix("-->")) {
        Some(place) => format!("{message}, at {}", place.trim()),
        None => message.to_owned(),
    }
}
