//! Names for people.

mod half_demangled;

use std::borrow::Cow;
use std::fmt::Write;

use cpp_demangle::DemangleOptions;

use self::half_demangled::finish;

/// Names longer than this are shown as they are: demangling can make them grow without end.
const MAX_MANGLED_BYTES: usize = 4096;
/// Demangled names are given up beyond this.
const MAX_DEMANGLED_BYTES: usize = 16 << 10;

/// Demangles a Rust or C++ name; anything else comes back as it is.
///
/// Rust's hashes and crate disambiguators are left out, also from names that a linker demangled already, as wasm-ld
/// does for the `name` section. A name that is longer than any compiler makes, or that would grow beyond all use, comes
/// back as it is: the time and memory taken are bounded, whatever the name.
pub fn demangle(name: &str) -> Cow<'_, str> {
    if name.len() > MAX_MANGLED_BYTES {
        return Cow::Borrowed(name);
    }
    if !name.starts_with('_') {
        return finish(name);
    }
    if let Ok(rust) = rustc_demangle::try_demangle(name) {
        let mut out = Limited(String::new());
        if write!(out, "{rust:#}").is_ok() {
            return Cow::Owned(out.0);
        }
    } else if name.starts_with("_Z")
        && let Ok(symbol) = cpp_demangle::Symbol::new(name)
    {
        let mut out = Limited(String::new());
        if symbol.structured_demangle(&mut out, &DemangleOptions::default()).is_ok() {
            return Cow::Owned(out.0);
        }
    } else {
        return finish(name);
    }
    Cow::Borrowed(name)
}

/// A string that refuses to grow beyond [`MAX_DEMANGLED_BYTES`].
struct Limited(String);

impl Write for Limited {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        if self.0.len().saturating_add(text.len()) > MAX_DEMANGLED_BYTES {
            return Err(std::fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
