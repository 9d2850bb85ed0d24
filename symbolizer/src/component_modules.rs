//! The core modules of a component.

use std::sync::Arc;

use wasmparser::{Parser, Payload};

use crate::{Error, ModuleImage};

/// Modules in one component, at most; wasmtime's own limit on instances is lower.
const MAX_MODULES: usize = 10_000;

/// Reads the core modules of a component, in the order of the file: those of components inside it where they stand. That
/// is the order in which wasmtime numbers them.
///
/// # Errors
///
/// When the bytes are no component, or break off or go wrong somewhere, with the offset.
pub fn component_modules(bytes: &[u8]) -> Result<Vec<ModuleImage>, Error> {
    if !bytes.starts_with(b"\0asm") {
        return Err(Error::NotWasm);
    }
    if u32::try_from(bytes.len()).is_err() {
        return Err(Error::TooLarge { size: bytes.len() });
    }
    let mut modules = Vec::new();
    // The parser goes into modules and components by itself; each module is read again as a whole.
    for payload in Parser::new(0).parse_all(bytes) {
        let Payload::ModuleSection { unchecked_range, .. } = payload? else {
            continue;
        };
        let position = |position: u64| usize::try_from(position).unwrap_or(usize::MAX);
        let (start, end) = (position(unchecked_range.start), position(unchecked_range.end));
        let module: Arc<[u8]> = bytes.get(start..end).unwrap_or_default().into();
        modules.push(ModuleImage::parse_at(start, module)?);
        if modules.len() > MAX_MODULES {
            return Err(Error::TooManyModules { limit: MAX_MODULES });
        }
    }
    Ok(modules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_found_in_the_order_of_the_file_with_their_places_in_it() {
        let bytes = wat::parse_str(
            r#"(component
                (core module $first (func $a nop))
                (component (core module $inner (func $b nop nop)))
                (core module $wit-component:shim (func $c nop nop nop)))"#,
        )
        .unwrap();
        let modules = component_modules(&bytes).unwrap();
        let names: Vec<_> = modules.iter().map(|module| module.name_of(0).unwrap()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(modules.iter().map(ModuleImage::is_adapter).collect::<Vec<_>>(), [false, false, true]);
        for module in &modules {
            let start = module.code_section_start().get() as usize;
            // One function, and the size of its body.
            assert_eq!(bytes[start], 1);
            assert!(module.has_code_at(start as u64) && !module.has_code_at(start as u64 - 1));
        }
        let alone = ModuleImage::parse(wat::parse_str("(module (func nop nop))").unwrap().into()).unwrap();
        assert_eq!(modules[1].identity(), alone.identity(), "the identity is that of the module on its own");
    }

    #[test]
    fn broken_components_are_refused_with_the_offset() {
        let whole = wat::parse_str("(component (core module (func nop)))").unwrap();
        for length in 9..whole.len() {
            assert!(component_modules(&whole[..length]).is_err(), "{length}");
        }
        assert_eq!(component_modules(b"what").unwrap_err(), Error::NotWasm);
    }
}
