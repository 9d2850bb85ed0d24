//! What a frame is, for its colour.

use wasmscope_model::{Location, Place};

/// What a frame is, for its colour.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum FrameKind {
    /// A function of the guest.
    Guest,
    /// A function that was inlined into the frame before it.
    Inlined,
    /// A function of the host.
    HostCall,
    /// Something that stands in a stack without being code of either.
    Marker,
}

impl FrameKind {
    pub(super) const ALL: [FrameKind; 4] =
        [FrameKind::Guest, FrameKind::Inlined, FrameKind::HostCall, FrameKind::Marker];

    /// Returns the kind of a location's frame; `depth` counts its lines, innermost first.
    pub(super) fn of(location: &Location, depth: usize) -> Self {
        match location.place {
            Place::HostCall(_) => FrameKind::HostCall,
            Place::Marker(_) => FrameKind::Marker,
            _ if depth + 1 == location.lines.len() => FrameKind::Guest,
            _ => FrameKind::Inlined,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            FrameKind::Guest => "Guest",
            FrameKind::Inlined => "Inlined",
            FrameKind::HostCall => "Host call",
            FrameKind::Marker => "Marker",
        }
    }
}
