//! Loading a guest.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use wasmscope_symbolizer::{ModuleImage, component_modules};
use wasmtime::{Engine, Precompiled};

use crate::Error;

/// A guest: a core module or a component, as WebAssembly, as text, or compiled already, with the name that recordings
/// give it.
#[derive(Clone, Debug)]
pub struct Guest {
    path: String,
    name: String,
    bytes: Arc<[u8]>,
    kind: GuestKind,
    modules: Arc<OnceLock<Vec<ModuleImage>>>,
}

/// What a guest is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GuestKind {
    /// A core module.
    Module,
    /// A component.
    Component,
    /// Machine code of a core module, by `wasmtime compile`.
    PrecompiledModule,
    /// Machine code of a component, by `wasmtime compile`.
    PrecompiledComponent,
}

impl Guest {
    /// Reads a guest, and checks the structure of its modules; `-` reads standard input.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is neither WebAssembly nor its text, or is truncated or malformed.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Self::read(path)?.checked()
    }

    /// Reads a guest, and leaves its modules unread until somebody asks for them.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is text that cannot be assembled.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let shown = path.to_string_lossy().into_owned();
        let file = if path.as_os_str() == "-" { Path::new("/dev/stdin") } else { path };
        let bytes = std::fs::read(file).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if bytes.starts_with(b"\0asm") || Engine::detect_precompiled(&bytes).is_some() {
            return Ok(Self::new(shown, name, bytes.into()));
        }
        let is_named_text = path.extension().is_some_and(|extension| extension == "wat");
        let begins_as_text = bytes.trim_ascii_start().starts_with(b"(") || bytes.trim_ascii_start().starts_with(b";");
        if !is_named_text && !begins_as_text {
            let reason = wasmscope_symbolizer::Error::NotWasm.to_string();
            return Err(Error::invalid(&shown, &reason));
        }
        match wat::Parser::new().generate_dwarf(wat::GenerateDwarf::Lines).parse_bytes(Some(path), &bytes) {
            Ok(binary) => Ok(Self::new(shown, name, (*binary).into())),
            Err(error) => Err(Error::invalid(&shown, &one_line(&error))),
        }
    }

    /// Takes the bytes of a guest, WebAssembly or its text, under a name.
    ///
    /// # Errors
    ///
    /// As [`Guest::load`].
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, Error> {
        let binary = wat::parse_bytes(bytes).map_err(|error| Error::invalid(name, &one_line(&error)))?;
        Self::new(name.to_owned(), name.to_owned(), (*binary).into()).checked()
    }

    fn new(path: String, name: String, bytes: Arc<[u8]>) -> Self {
        /// The version of the binary format that components have in place of 1, with the layer 1.
        const COMPONENT: &[u8] = &[0x0d, 0, 1, 0];
        let kind = match Engine::detect_precompiled(&bytes) {
            Some(Precompiled::Module) => GuestKind::PrecompiledModule,
            Some(Precompiled::Component) => GuestKind::PrecompiledComponent,
            None if bytes.get(4..8) == Some(COMPONENT) => GuestKind::Component,
            None => GuestKind::Module,
        };
        Self { path, name, bytes, kind, modules: Arc::default() }
    }

    fn checked(self) -> Result<Self, Error> {
        let modules = match self.kind {
            GuestKind::Module => ModuleImage::parse(self.bytes.clone()).map(|module| vec![module]),
            GuestKind::Component => component_modules(&self.bytes),
            GuestKind::PrecompiledModule | GuestKind::PrecompiledComponent => Ok(Vec::new()),
        };
        let modules = modules.map_err(|error| Error::invalid(&self.path, &error.to_string()))?;
        // A clone of this guest may have been asked first; then it has found the same.
        let _ = self.modules.set(modules);
        Ok(self)
    }

    /// Returns the file's name without its folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the file, as it was named.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns what it is.
    pub fn kind(&self) -> GuestKind {
        self.kind
    }

    /// Tells whether it is a component.
    pub fn is_component(&self) -> bool {
        matches!(self.kind, GuestKind::Component | GuestKind::PrecompiledComponent)
    }

    /// Tells whether it is machine code rather than WebAssembly.
    pub fn is_precompiled(&self) -> bool {
        matches!(self.kind, GuestKind::PrecompiledModule | GuestKind::PrecompiledComponent)
    }

    /// Tells whether its file is named as text, which no compiler makes again with more debug information.
    pub(crate) fn is_text(&self) -> bool {
        Path::new(&self.name).extension().is_some_and(|extension| extension == "wat")
    }

    /// Returns the bytes.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// Returns the structure of its core modules, in the order of the file. There is none in machine code, nor in a guest
    /// that was read without being checked and is malformed.
    pub fn modules(&self) -> &[ModuleImage] {
        self.modules.get_or_init(|| match self.kind {
            GuestKind::Module => ModuleImage::parse(self.bytes.clone()).into_iter().collect(),
            GuestKind::Component => component_modules(&self.bytes).unwrap_or_default(),
            GuestKind::PrecompiledModule | GuestKind::PrecompiledComponent => Vec::new(),
        })
    }

    /// Returns the structure of the module that this is, or of a component's first.
    pub fn image(&self) -> Option<&ModuleImage> {
        self.modules().first()
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
