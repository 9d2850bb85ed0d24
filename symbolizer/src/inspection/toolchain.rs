//! Which toolchains made a module.

use std::fmt;

use super::{Producers, Surface};
use crate::debug_info::Survey;

/// A toolchain that has a way of its own to keep debug information.
///
/// The order is that of their advice: what packs a module, or is packed into it as a whole, before what compiled it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Toolchain {
    /// componentize-js, and `jco componentize`: a JavaScript engine with the program in its memory.
    ComponentizeJs,
    /// componentize-qjs, and `jco componentize --backend quickjs`: another engine.
    ComponentizeQjs,
    /// componentize-py: CPython with the program in its memory.
    ComponentizePy,
    /// CPython by itself.
    CPython,
    /// AssemblyScript.
    AssemblyScript,
    /// TinyGo.
    TinyGo,
    /// Go's own compiler.
    Go,
    /// wasm-bindgen, which rewrites what rustc made.
    WasmBindgen,
    /// rustc.
    Rust,
    /// Zig, or C and C++ compiled by `zig cc`.
    Zig,
    /// Emscripten.
    Emscripten,
    /// Swift.
    Swift,
    /// clang, by itself or in wasi-sdk.
    Clang,
    /// wit-component: adapters and shims.
    WitComponent,
    /// The assembler of the text format that makes the lines of `.wat` files.
    Wat,
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Toolchain::ComponentizeJs => "componentize-js",
            Toolchain::ComponentizeQjs => "componentize-qjs",
            Toolchain::ComponentizePy => "componentize-py",
            Toolchain::CPython => "CPython",
            Toolchain::AssemblyScript => "AssemblyScript",
            Toolchain::TinyGo => "TinyGo",
            Toolchain::Go => "Go",
            Toolchain::WasmBindgen => "wasm-bindgen",
            Toolchain::Rust => "Rust",
            Toolchain::Zig => "Zig",
            Toolchain::Emscripten => "Emscripten",
            Toolchain::Swift => "Swift",
            Toolchain::Clang => "clang",
            Toolchain::WitComponent => "wit-component",
            Toolchain::Wat => "the text format",
        })
    }
}

/// What names of functions tell of toolchains.
#[derive(Debug, Default)]
pub(super) struct NameSigns {
    go: bool,
    tiny_go: bool,
    assembly_script: bool,
    names_with_paths: bool,
    rust: bool,
    rust_main: bool,
    zig: bool,
    cpython: bool,
    spider_monkey: bool,
    emscripten: bool,
}

impl NameSigns {
    /// Looks at the name of a function, demangled.
    pub(super) fn see(&mut self, name: &str) {
        self.go |= name.starts_with("_rt0_wasm_") || name == "runtime.mallocinit";
        self.tiny_go |= name == "runtime.alloc" || name == "runtime.runGC" || name == "tinygo_unwind";
        self.assembly_script |= name.starts_with("~lib/");
        self.names_with_paths |= name.contains('/') && !name.contains([':', ' ', '(']);
        self.rust |= name.contains("__rust_alloc") || name == "rust_begin_unwind" || name.starts_with("core::");
        self.rust_main |= name.starts_with("std::rt::lang_start");
        self.zig |= name.contains("heap.BrkAllocator.") || name.contains("heap.WasmAllocator.");
        self.cpython |=
            matches!(name, "PyObject_Malloc" | "Py_BytesMain" | "Py_Initialize" | "_PyEval_EvalFrameDefault");
        self.spider_monkey |= name.starts_with("js::gc::") || name == "JS_NewContext";
        self.emscripten |= name.starts_with("emscripten_");
    }
}

/// Tells which toolchains made a module, by what it says itself, by its DWARF, and by the names and imports that each has.
pub(super) fn toolchains(
    surface: &Surface,
    producers: &Producers,
    survey: Option<&Survey>,
    signs: &NameSigns,
) -> Vec<Toolchain> {
    let dwarf = |is_it: fn(&str) -> bool| survey.is_some_and(|survey| survey.producers.keys().any(|text| is_it(text)));
    // rustc's texts name the LLVM that it holds.
    let is_clang = |text: &str| text.contains("clang") && !text.contains("rustc");
    let imports = |module: &str| surface.imports_from(module);
    let runs_python = signs.cpython || surface.has_export("Py_Initialize");
    let is_tiny_go = dwarf(|text| text.contains("TinyGo")) || signs.tiny_go && !signs.go;
    let is_go = producers.tool("Go cmd/compile").is_some()
        || surface.section("go:buildid").is_some()
        || signs.go
        || imports("gojs");
    let is_bindgen = producers.tool("wasm-bindgen").is_some()
        || imports("wbg")
        || surface.imports.iter().any(|import| import.module.starts_with("__wbindgen"));
    let is_script = surface.has_export("__new") && surface.has_export("__collect")
        || signs.assembly_script
        || signs.names_with_paths && surface.source_map.is_some() && *producers == Producers::default();
    // The C library may have more units than the program.
    let is_of_clang = !is_bindgen && !signs.rust_main && survey.is_some_and(is_mostly_clang);
    let signs = [
        (Toolchain::ComponentizeJs, producers.tool("ComponentizeJS").is_some() || signs.spider_monkey),
        (Toolchain::ComponentizeQjs, imports("componentize_qjs_runtime.wasm")),
        (Toolchain::CPython, runs_python),
        (Toolchain::AssemblyScript, is_script),
        (Toolchain::TinyGo, is_tiny_go),
        (Toolchain::Go, is_go && !is_tiny_go),
        (Toolchain::WasmBindgen, is_bindgen),
        (Toolchain::Rust, producers.tool("rustc").is_some() || dwarf(|text| text.contains("rustc")) || signs.rust),
        (Toolchain::Zig, dwarf(|text| text.starts_with("zig ")) || signs.zig),
        (Toolchain::Emscripten, producers.tool("Emscripten").is_some() || signs.emscripten),
        (Toolchain::Swift, producers.has_language("Swift")),
        (Toolchain::Clang, producers.tools.iter().any(|(tool, _)| tool.contains("clang")) || dwarf(is_clang)),
        (Toolchain::WitComponent, producers.tool("wit-component").is_some()),
        (Toolchain::Wat, dwarf(|text| text.starts_with("wast "))),
    ];
    let mut toolchains: Vec<Toolchain> =
        signs.into_iter().filter(|(_, is_there)| *is_there).map(|(toolchain, _)| toolchain).collect();
    if is_of_clang {
        // A program in C with a part in Rust is built as programs in C are.
        toolchains.sort_by_key(|toolchain| *toolchain == Toolchain::Rust);
    }
    toolchains
}

/// Tells whether more units were compiled by clang than by rustc.
fn is_mostly_clang(survey: &Survey) -> bool {
    let units = |of_rust: bool| -> usize {
        survey.producers.iter().filter(|(text, _)| text.contains("rustc") == of_rust).map(|(_, units)| units).sum()
    };
    units(false) > units(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ModuleImage;

    /// Returns the toolchains of a module with units of rustc and of clang, and a function of that name.
    fn first_of(rust_units: usize, c_units: usize, name: &str) -> Option<Toolchain> {
        let image = ModuleImage::parse(wat::parse_str("(module)").unwrap().into()).unwrap();
        let units = [("clang LLVM (rustc version 1.95.0)", rust_units), ("clang version 21.1.4", c_units)];
        let producers = units.map(|(text, units)| (text.to_owned(), units)).into_iter().collect();
        let survey = Survey { producers, ..Survey::default() };
        let mut signs = NameSigns::default();
        signs.see(name);
        let found = toolchains(&Surface::of(&image), &Producers::of(&image), Some(&survey), &signs);
        found.first().copied()
    }

    #[test]
    fn a_program_of_rust_is_one_whatever_c_library_it_has() {
        assert_eq!(first_of(40, 3, "main"), Some(Toolchain::Rust));
        assert_eq!(first_of(3, 40, "main"), Some(Toolchain::Clang));
        assert_eq!(first_of(3, 40, "std::rt::lang_start_internal"), Some(Toolchain::Rust));
    }

    #[test]
    fn quickjs_in_a_component_is_known_by_what_joins_its_modules() {
        let text = r#"(module (import "componentize_qjs_runtime.wasm" "__wasm_apply_data_relocs" (func)))"#;
        let image = ModuleImage::parse(wat::parse_str(text).unwrap().into()).unwrap();
        let found = toolchains(&Surface::of(&image), &Producers::of(&image), None, &NameSigns::default());
        assert_eq!(found, [Toolchain::ComponentizeQjs]);
    }
}
