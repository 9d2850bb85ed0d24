//! What host calls took, as markers.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};
use wasmscope_model::HostCallTotals;

use super::frame_tables::FrameTables;
use super::{category_of, millis};
use crate::export::display_name::shown_name;
use crate::export::frame_kind::FrameKind;
use crate::export::json_column::Column;

const TYPE: &str = "HostCalls";
/// The phase of a marker that has no duration.
const INSTANT: u8 = 0;

/// The calls of each host function, a marker each.
pub(super) struct Markers<'r> {
    /// The calls, with the position of the function's name.
    calls: Vec<(&'r HostCallTotals, usize)>,
}

impl<'r> Markers<'r> {
    pub(super) fn new(calls: &'r [HostCallTotals], tables: &mut FrameTables<'r>) -> Self {
        let calls = calls.iter().map(|calls| (calls, tables.string(shown_name(&calls.name))));
        Self { calls: calls.collect() }
    }
}

/// Tells the viewer how to show the markers.
pub(super) fn schema() -> Value {
    let field = |key, label, format| json!({ "key": key, "label": label, "format": format });
    json!({
        "name": TYPE,
        "display": ["marker-table"],
        "tooltipLabel": "{marker.name}",
        "tableLabel": "{marker.name}: {marker.data.calls} calls, {marker.data.total}, waiting included",
        "description": "The calls of one host function over the whole recording; they are not where the marker stands.",
        "fields": [
            field("calls", "Calls", "integer"),
            field("total", "In all, waiting included", "duration"),
            field("p99", "99 of 100 took at most", "duration"),
            field("max", "The longest", "duration"),
        ],
    })
}

fn data(calls: &HostCallTotals) -> Value {
    let [total, p99, max] =
        [calls.total, calls.p99, calls.max].map(|time| millis(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)));
    json!({ "type": TYPE, "calls": calls.count, "total": total, "p99": p99, "max": max })
}

impl Serialize for Markers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let calls = &self.calls;
        let category = category_of(FrameKind::HostCall);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("length", &calls.len())?;
        map.serialize_entry("category", &Column(|| calls.iter().map(|_| category)))?;
        map.serialize_entry("data", &Column(|| calls.iter().map(|(calls, _)| data(calls))))?;
        map.serialize_entry("name", &Column(|| calls.iter().map(|(_, name)| name)))?;
        map.serialize_entry("startTime", &Column(|| calls.iter().map(|_| 0)))?;
        map.serialize_entry("endTime", &Column(|| calls.iter().map(|_| ())))?;
        map.serialize_entry("phase", &Column(|| calls.iter().map(|_| INSTANT)))?;
        map.end()
    }
}
