//! Reads any bytes as a module: structure, names, call graph.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wasmscope_model::CodeOffset;
use wasmscope_symbolizer::{CallGraph, ModuleImage, demangle};

fuzz_target!(|bytes: &[u8]| {
    let Ok(image) = ModuleImage::parse(bytes.into()) else {
        return;
    };
    let graph = CallGraph::of(&image);
    for (function, body) in image.bodies() {
        assert_eq!(image.body(function), Some(body.clone()));
        if !body.is_empty() {
            assert_eq!(image.function_at(CodeOffset::new(body.start)), Some(function));
        }
        graph.permits(function, function.wrapping_add(1));
        image.name_of(function).map(demangle);
        image.export_of(function);
    }
    image.to_model_module("fuzz");
});
