//! What wasmtime tells about compiled code.

use std::collections::BTreeMap;

use wasmscope_model::{ByteSize, Module as ModelModule, NativeAddress};
use wasmscope_profiler::{AddressMap, CompiledCode, CompiledFunction};
use wasmscope_symbolizer::identity_of_machine_code;
use wasmtime::component::Component;
use wasmtime::{Module, ModuleFunction};

use crate::Guest;
use crate::loaded_modules::{KeptCode, KeptModule};

/// A compiled core module or component; each has one text, a component's for all of its modules.
#[derive(Clone)]
pub(crate) enum CompiledGuest {
    Module(Module),
    Component(Component),
}

impl CompiledGuest {
    fn text(&self) -> &[u8] {
        match self {
            CompiledGuest::Module(module) => module.text(),
            CompiledGuest::Component(component) => component.text(),
        }
    }

    /// Returns where the machine code begins.
    pub(crate) fn start(&self) -> NativeAddress {
        NativeAddress::new(self.text().as_ptr().addr() as u64)
    }

    /// Returns how long the machine code is.
    pub(crate) fn size(&self) -> ByteSize {
        ByteSize::new(self.text().len() as u64)
    }

    /// Returns how many functions it has.
    pub(crate) fn function_count(&self) -> usize {
        match self {
            CompiledGuest::Module(module) => module.functions().len(),
            CompiledGuest::Component(component) => component.functions().count(),
        }
    }

    fn functions(&self) -> Vec<ModuleFunction> {
        match self {
            CompiledGuest::Module(module) => module.functions().collect(),
            CompiledGuest::Component(component) => component.functions().collect(),
        }
    }

    fn address_map(&self) -> AddressMap {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let converted = |(text, file)| (number(text), file);
        match self {
            CompiledGuest::Module(module) => {
                AddressMap::from_entries(module.address_map().into_iter().flatten().map(converted))
            }
            CompiledGuest::Component(component) => {
                AddressMap::from_entries(component.address_map().into_iter().flatten().map(converted))
            }
        }
    }

    /// Collects the functions and the address map, and which module of the guest each belongs to.
    pub(crate) fn describe(&self, guest: &Guest) -> (CompiledCode, KeptCode) {
        let mut modules = known_modules(guest);
        let mut others = BTreeMap::new();
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let mut functions = Vec::new();
        for function in self.functions() {
            let index = function.module.as_u32();
            let position = match usize::try_from(index).ok().filter(|position| *position < guest.modules().len()) {
                Some(position) => position,
                // Code that wasmtime made to join modules, or of which there is no WebAssembly at hand.
                None => *others.entry(index).or_insert_with(|| {
                    modules.push(nameless_module(guest, index));
                    modules.len() - 1
                }),
            };
            functions.push(CompiledFunction {
                text_start: number(function.offset),
                text_len: number(function.len),
                module: number(position),
                function_index: function.index.as_u32(),
            });
            if let Some(module) = modules.get_mut(position).filter(|module| module.image.is_none()) {
                let stand_in = || module.module.is_adapter.then(|| "[adapter]".to_owned());
                let name = function.name.or_else(stand_in);
                module.names.extend(name.map(|name| (function.index.as_u32(), name)));
            }
        }
        let described = modules.iter().map(|kept| kept.module.clone()).collect();
        (CompiledCode::new(described, functions, self.address_map()), KeptCode::new(self.size(), modules))
    }
}

/// Describes the core modules whose bytes are there.
fn known_modules(guest: &Guest) -> Vec<KeptModule> {
    let images = guest.modules().iter().enumerate();
    let kept = images.map(|(index, image)| {
        let name = match image.module_name() {
            _ if !guest.is_component() => guest.name().to_owned(),
            Some(name) => name.to_owned(),
            None => format!("{}[{index}]", guest.name()),
        };
        KeptModule { module: image.to_model_module(&name), image: Some(image.clone()), names: Vec::new() }
    });
    kept.collect()
}

/// Describes a module of which only the machine code is there.
fn nameless_module(guest: &Guest, index: u32) -> KeptModule {
    let is_adapter = !guest.is_precompiled();
    let name = match (is_adapter, guest.is_component()) {
        (true, _) => format!("{} (fused adapter)", guest.name()),
        (false, true) => format!("{}[{index}]", guest.name()),
        (false, false) => guest.name().to_owned(),
    };
    let module = ModelModule {
        name,
        identity: identity_of_machine_code(guest.bytes(), index),
        code_section_start: ByteSize::new(0),
        // Offsets lead into a file that is not there, so none is one of a code section.
        code_section_size: ByteSize::new(0),
        file_hash: String::new(),
        build_id: String::new(),
        is_adapter,
    };
    KeptModule { module, image: None, names: Vec::new() }
}
