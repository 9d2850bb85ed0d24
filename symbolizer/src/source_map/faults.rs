//! What a source map says that cannot be true.

use std::fmt;

/// What a source map says that cannot be true, counted. None of it has a part in lookups.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct SourceMapFaults {
    /// Mappings of what is no code of a function.
    pub outside_code: usize,
    /// Mappings of what lies within an instruction.
    pub between_instructions: usize,
    /// Mappings that stand behind one of a later instruction.
    pub out_of_order: usize,
    /// Mappings to a source that the map does not list. Their code has no line.
    pub unknown_source: usize,
    /// Mappings to a line or column that no file has. Their code has no line.
    pub impossible_position: usize,
    /// Mappings behind the first eight millions.
    pub too_many: usize,
    /// Texts of mappings that break off at what is no mapping. What stands behind is not known.
    pub broken: usize,
    /// Maps of parts of the code that are elsewhere, or cannot be read.
    pub unread_sections: usize,
}

impl SourceMapFaults {
    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for SourceMapFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (count, one, many) in [
            (self.outside_code, "mapping lies outside the code", "mappings lie outside the code"),
            (self.between_instructions, "mapping lies between instructions", "mappings lie between instructions"),
            (self.out_of_order, "mapping is out of order", "mappings are out of order"),
            (
                self.unknown_source,
                "mapping is to a source that is not listed",
                "mappings are to sources that are not listed",
            ),
            (
                self.impossible_position,
                "mapping is to a line that no file has",
                "mappings are to lines that no file has",
            ),
            (self.too_many, "mapping is more than are read", "mappings are more than are read"),
            (self.broken, "list of mappings breaks off", "lists of mappings break off"),
            (self.unread_sections, "section cannot be read", "sections cannot be read"),
        ] {
            if count > 0 {
                let words = if count == 1 { one } else { many };
                write!(f, "{separator}{count} {words}")?;
                separator = ", ";
            }
        }
        Ok(())
    }
}
