//! Names for people.

use std::borrow::Cow;
use std::fmt::Write;

/// Names longer than this are shown as they are: demangling can make them grow without end.
const MAX_MANGLED_BYTES: usize = 4096;
/// Demangled names are given up beyond this.
const MAX_DEMANGLED_BYTES: usize = 16 << 10;

/// Demangles a Rust or C++ name; anything else comes back as it is.
///
/// Rust's hashes and crate disambiguators are left out.
pub fn demangle(name: &str) -> Cow<'_, str> {
    if name.len() > MAX_MANGLED_BYTES || !name.starts_with(['_', '?']) {
        return Cow::Borrowed(name);
    }
    if let Ok(rust) = rustc_demangle::try_demangle(name) {
        let mut out = Limited(String::new());
        if write!(out, "{rust:#}").is_ok() {
            return Cow::Owned(out.0);
        }
    }
    if name.starts_with("_Z")
        && let Ok(symbol) = cpp_demangle::Symbol::new(name)
        && let Ok(cpp) = symbol.demangle()
        && cpp.len() <= MAX_DEMANGLED_BYTES
    {
        return Cow::Owned(cpp);
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
mod tests {
    use super::*;

    #[test]
    fn rust_and_cpp_names_become_readable_and_others_stay() {
        assert_eq!(demangle("_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE"), "core::fmt::Write::write_fmt");
        assert_eq!(demangle("_RNvCskwGfYPst2Cb_3foo16example_function"), "foo::example_function");
        assert_eq!(
            demangle("_ZNSt6vectorIiSaIiEE9push_backERKi"),
            "std::vector<int, std::allocator<int> >::push_back(int const&)"
        );
        assert_eq!(demangle("main"), "main");
        assert_eq!(demangle("_Z"), "_Z");
        assert_eq!(demangle("_start"), "_start");
    }
}
