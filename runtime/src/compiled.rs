//! What wasmtime tells about a compiled module.

use wasmscope_model::Module as ModelModule;
use wasmscope_profiler::{AddressMap, CompiledCode, CompiledFunction};
use wasmtime::Module;

/// Collects the functions and the address map of a compiled module.
pub(crate) fn compiled_code(module: &Module, described: ModelModule) -> CompiledCode {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    let functions = module.functions().map(|function| CompiledFunction {
        text_start: number(function.offset),
        text_len: number(function.len),
        module: 0,
        function_index: function.index.as_u32(),
    });
    let entries = module.address_map().into_iter().flatten();
    let address_map = AddressMap::from_entries(entries.map(|(text, file)| (number(text), file)));
    CompiledCode::new(vec![described], functions.collect(), address_map)
}
