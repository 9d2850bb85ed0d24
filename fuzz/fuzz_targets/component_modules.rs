//! Reads any bytes as a component: its core modules, their places in the file, and which offsets belong to which.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wasmscope_symbolizer::component_modules;

fuzz_target!(|bytes: &[u8]| {
    let Ok(modules) = component_modules(bytes) else {
        return;
    };
    for module in &modules {
        let start = module.code_section_start().get();
        assert!(start <= bytes.len() as u64);
        assert!(modules.iter().filter(|other| other.has_code_at(start)).count() <= 1, "code belongs to one module");
        let described = module.to_model_module("fuzz");
        assert_eq!(described.is_adapter, module.is_adapter());
        assert!(described.code_section_start.get() + described.code_section_size.get() <= bytes.len() as u64);
    }
});
