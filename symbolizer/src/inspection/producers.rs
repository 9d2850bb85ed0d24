//! The `producers` section: what a module says it was made by.

use wasmparser::{KnownCustom, Parser, Payload, ProducersSectionReader};

use crate::ModuleImage;
use crate::names::cut;

/// Entries of each field that are kept.
const MAX_VALUES: usize = 64;

/// A language or a tool, and its version; empty when it has none.
pub type Language = (String, String);

/// What a module says it was made by.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Producers {
    /// Source languages, with their versions.
    pub languages: Vec<Language>,
    /// Tools, with their versions.
    pub tools: Vec<Language>,
    /// Kits of tools, with their versions.
    pub sdks: Vec<Language>,
}

impl Producers {
    pub(super) fn of(image: &ModuleImage) -> Self {
        let mut producers = Self::default();
        for payload in Parser::new(0).parse_all(image.bytes()).map_while(Result::ok) {
            if let Payload::CustomSection(section) = payload
                && let KnownCustom::Producers(fields) = section.as_known()
            {
                producers.take(fields);
            }
        }
        producers
    }

    pub(super) fn take(&mut self, fields: ProducersSectionReader<'_>) {
        for field in fields.into_iter().map_while(Result::ok).take(MAX_VALUES) {
            let values = match field.name {
                "language" => &mut self.languages,
                "processed-by" => &mut self.tools,
                "sdk" => &mut self.sdks,
                _ => continue,
            };
            let room = MAX_VALUES.saturating_sub(values.len());
            let read = field.values.into_iter().map_while(Result::ok).take(room);
            values.extend(read.map(|value| (cut(value.name).to_owned(), cut(value.version).to_owned())));
        }
    }

    /// Returns the version of a tool whose name is, or ends with, `name`; empty when it says none.
    pub fn tool(&self, name: &str) -> Option<&str> {
        let found = self.tools.iter().find(|(tool, _)| tool == name);
        found.or_else(|| self.tools.iter().find(|(tool, _)| tool.ends_with(name))).map(|(_, version)| version.as_str())
    }

    /// Tells whether a language is among those named.
    pub fn has_language(&self, name: &str) -> bool {
        self.languages.iter().any(|(language, _)| language == name)
    }
}
