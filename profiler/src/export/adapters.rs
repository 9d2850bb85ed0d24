//! Leaving out the frames that only join the modules of a component.

use std::borrow::Cow;

use wasmscope_model::{
    FrameOrigin, Function, FunctionId, Line, LineOrigin, Location, LocationId, Marker, NameOrigin, PcKind, Place,
    Recording, SampleRow, StackTable, WhyNoLine,
};

/// Replaces each run of adapters' frames by one that stands for them. Samples and their sums stay as they are.
///
/// Adapters are modules that a tool made: the adapter from one WASI version to another, a component's shims, and
/// wasmtime's own between two components.
pub fn without_adapters(recording: &Recording) -> Cow<'_, Recording> {
    let profile = &recording.profile;
    let is_adapter = |location: &Location| match location.place {
        Place::Code(module, _) | Place::Module(module) => {
            profile.modules.get(module.0 as usize).is_some_and(|module| module.is_adapter)
        }
        _ => false,
    };
    let adapters: Vec<bool> = profile.locations.iter().map(is_adapter).collect();
    if !adapters.contains(&true) {
        return Cow::Borrowed(recording);
    }
    let mut folded = recording.clone();
    let stand_in = add_stand_in(&mut folded);
    let mut stacks = StackTable::with_max_stacks(usize::MAX);
    let renamed: Vec<_> = profile
        .stacks
        .iter()
        .map(|(_, frames)| {
            let mut kept: Vec<LocationId> = Vec::with_capacity(frames.len());
            for frame in frames {
                let shown = if adapters.get(frame.0 as usize) == Some(&true) { stand_in } else { *frame };
                if shown != stand_in || kept.last() != Some(&stand_in) {
                    kept.push(shown);
                }
            }
            stacks.intern(&kept)
        })
        .collect();
    let rows = profile.samples.iter().filter_map(|row| {
        let stack = renamed.get(row.stack.0 as usize).copied().flatten()?;
        Some(SampleRow { stack, ..*row })
    });
    folded.profile.samples = rows.collect();
    folded.profile.stacks = stacks;
    Cow::Owned(folded)
}

/// Adds the location that stands for adapters.
fn add_stand_in(recording: &mut Recording) -> LocationId {
    let profile = &mut recording.profile;
    let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let function = FunctionId(number(profile.functions.len()));
    let name = Marker::Adapter.label().to_owned();
    profile.functions.push(Function { system_name: name.clone(), name, file: String::new(), start_line: 0 });
    let origin = FrameOrigin {
        pc: PcKind::Interrupted,
        line: LineOrigin::Missing(WhyNoLine::NotGuestCode),
        name: NameOrigin::Marker,
        nearest: false,
    };
    let id = LocationId(number(profile.locations.len()));
    profile.locations.push(Location {
        place: Place::Marker(Marker::Adapter),
        origin: Some(origin),
        lines: vec![Line { function, line: 0, column: 0 }],
    });
    id
}
