//! What the bytes of a WebAssembly module tell: code identity, functions, source lines, inline chains.
//!
//! ```
//! use wasmscope_model::{CodeLocation, SymbolSource};
//! use wasmscope_symbolizer::{ModuleImage, Symbolizer};
//!
//! let bytes = wat::parse_str(r#"(module (func $hello (export "run") nop))"#)?;
//! let image = ModuleImage::parse(bytes.into())?;
//! let module = image.identity();
//! let mut symbolizer = Symbolizer::new();
//! symbolizer.add_module(image);
//! let place = CodeLocation { module, function_index: 0, offset: None, approximate: false };
//! assert_eq!(symbolizer.resolve(&place).frames[0].name, "hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! 1. [`ModuleImage::parse`] reads the module's structure once: sections, functions, names.
//! 2. [`Symbolizer::add_module`] takes it in; DWARF is not touched yet.
//! 3. [`Symbolizer`] resolves places as [`wasmscope_model::SymbolSource`]: DWARF is parsed unit by unit as places need
//!    it, and every place is looked up once.
//!
//! Modules are hostile input: nothing here panics on them, and what cannot be read turns into a reason.
//!
//! [`component_modules`] reads the core modules of a component. [`LogSymbolizer`] copies logs with the addresses in them
//! explained.
//! [`Inspection`] tells what a module's debug information covers, without resolving anything.
//!
//! [`DebugFiles`] finds debug information that is kept apart from the modules, [`SourceMap`] and [`SplitUnits`] among it.
//!
//! Not for: native code.

mod call_graph;
mod call_site;
mod component_modules;
mod debug_files;
mod debug_info;
mod demangle;
mod error;
mod inspection;
mod log;
mod module_image;
mod names;
mod source_map;
mod split_dwarf;
mod symbolizer;

pub use call_graph::CallGraph;
pub use component_modules::component_modules;
pub use debug_files::{
    DebugFile, DebugFiles, Fit, FoundSourceMap, FoundSplitUnits, NotFound, SearchResult, SplitSearchResult,
    SplitWanted, Wanted,
};
pub use demangle::demangle;
pub use error::Error;
pub use inspection::{
    Allocator, ComponentSurface, Coverage, DwarfFacts, Found, Import, Inspection, Language, NameSection, Producers,
    Section, Share, SourceMapFacts, Surface, Toolchain,
};
pub use log::{
    FoundPlace, KnownModules, Layout, LogFormat, LogSymbolizer, LogTotals, Mention, Position, ShownFunction,
    WhyNotFound, find_mentions,
};
pub use module_image::{ModuleImage, identity_of_machine_code};
pub use source_map::{SourceMap, SourceMapError, SourceMapFaults, SourcePosition};
pub use split_dwarf::SplitUnits;
pub use symbolizer::Symbolizer;
