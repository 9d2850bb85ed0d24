//! The JSON around the mappings.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A map, or a list of maps for parts of the code. The texts of the sources are passed over.
#[derive(Deserialize)]
pub(super) struct Document<'a> {
    pub(super) version: Option<u64>,
    #[serde(rename = "sourceRoot")]
    pub(super) source_root: Option<String>,
    #[serde(borrow)]
    sources: Option<&'a RawValue>,
    pub(super) mappings: Option<String>,
    #[serde(borrow)]
    sections: Option<&'a RawValue>,
}

/// A map for the code from some offset on.
#[derive(Deserialize)]
pub(super) struct Section<'a> {
    pub(super) offset: Start,
    /// `None` where the map lies elsewhere.
    #[serde(borrow)]
    pub(super) map: Option<&'a RawValue>,
}

/// Where the code of a section begins, 0-based.
#[derive(Deserialize)]
pub(super) struct Start {
    pub(super) line: u32,
    pub(super) column: u32,
}

/// The first items of a list, and how many more there are.
pub(super) struct FirstOf<T> {
    pub(super) items: Vec<T>,
    pub(super) left_out: usize,
}

impl<'a> Document<'a> {
    pub(super) fn read(json: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// Tells whether this is a list of maps.
    pub(super) fn is_index(&self) -> bool {
        self.sections.is_some()
    }

    /// Reads the paths of the sources, as many as `limit`; `None` for one without a path.
    pub(super) fn sources(&self, limit: usize) -> Result<FirstOf<Option<String>>, serde_json::Error> {
        first_of(self.sources, limit)
    }

    /// Reads where the maps of the list stand, as many as `limit`.
    pub(super) fn sections(&self, limit: usize) -> Result<FirstOf<Section<'a>>, serde_json::Error> {
        first_of(self.sections, limit)
    }
}

fn first_of<'a, T: Deserialize<'a>>(list: Option<&'a RawValue>, limit: usize) -> Result<FirstOf<T>, serde_json::Error> {
    match list {
        None => Ok(FirstOf { items: Vec::new(), left_out: 0 }),
        Some(list) => {
            Limited { limit, item: PhantomData }.deserialize(&mut serde_json::Deserializer::from_str(list.get()))
        }
    }
}

/// Reads a list without keeping more than `limit` items: an item takes many times the memory of its text.
struct Limited<T> {
    limit: usize,
    item: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Limited<T> {
    type Value = FirstOf<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Limited<T> {
    type Value = FirstOf<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut first = FirstOf { items: Vec::new(), left_out: 0 };
        while first.items.len() < self.limit {
            match list.next_element()? {
                Some(item) => first.items.push(item),
                None => return Ok(first),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            first.left_out = first.left_out.saturating_add(1);
        }
        Ok(first)
    }
}
