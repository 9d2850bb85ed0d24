//! The `name` section.

use std::collections::HashMap;
use wasmparser::{BinaryReader, KnownCustom, Name, NameSectionReader};

/// Names longer than this are cut: no compiler makes them, and every report repeats them.
const MAX_NAME_BYTES: usize = 4096;

/// What a module's `name` section says of functions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    functions: HashMap<u32, String>,
    module: Option<String>,
    /// Whether there was a section at all.
    pub(crate) present: bool,
    /// Whether a part of it could not be read; the names before that part are kept.
    pub(crate) unreadable: bool,
}

impl Names {
    /// Takes in a custom section if it is the `name` section.
    pub(crate) fn read(&mut self, section: &wasmparser::CustomSectionReader<'_>) {
        match section.as_known() {
            KnownCustom::Name(reader) => {
                self.present = true;
                self.read_section(reader);
            }
            _ if section.name() == "name" => {
                self.present = true;
                self.read_section(NameSectionReader::new(BinaryReader::new(section.data(), section.data_offset())));
            }
            _ => {}
        }
    }

    fn read_section(&mut self, reader: NameSectionReader<'_>) {
        for subsection in reader {
            let functions = match subsection {
                Ok(Name::Function(functions)) => functions,
                Ok(Name::Module { name, .. }) => {
                    self.module = Some(cut(name).to_owned());
                    continue;
                }
                other => {
                    self.unreadable |= other.is_err();
                    continue;
                }
            };
            for naming in functions {
                match naming {
                    Ok(naming) => {
                        self.functions.insert(naming.index, cut(naming.name).to_owned());
                    }
                    Err(_) => {
                        self.unreadable = true;
                        break;
                    }
                }
            }
        }
    }

    pub(crate) fn function(&self, index: u32) -> Option<&str> {
        self.functions.get(&index).map(String::as_str).filter(|name| !name.is_empty())
    }

    pub(crate) fn module(&self) -> Option<&str> {
        self.module.as_deref().filter(|name| !name.is_empty())
    }

    pub(crate) fn len(&self) -> usize {
        self.functions.len()
    }
}

/// Cuts a name at [`MAX_NAME_BYTES`], between characters.
pub(crate) fn cut(name: &str) -> &str {
    name.get(..name.floor_char_boundary(MAX_NAME_BYTES)).unwrap_or(name)
}
