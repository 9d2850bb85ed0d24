//! Stacks joined to a tree of frames.

use serde::Serialize;
use wasmscope_model::{LocationId, Recording, StackId};

use crate::frames::{Frames, FramesByLocation};

/// A tree of frames in pre-order: a node's parent is the nearest one before it that is less deep.
#[derive(Serialize, Debug, Default)]
pub(crate) struct CallTree {
    /// How deep each node lies; the outermost frames at 0.
    depth: Vec<u32>,
    /// The frame of each node.
    frame: Vec<u32>,
    /// The innermost node of each stack, by recording and [`StackId`].
    #[serde(skip)]
    ends: Vec<Vec<u32>>,
}

impl CallTree {
    /// Joins the stacks of recordings where they begin alike.
    pub(crate) fn of(sides: &[(&Recording, FramesByLocation)], frames: &Frames) -> Self {
        let mut tree = Self::default();
        let mut sorted = Vec::new();
        for (side, (recording, by_location)) in sides.iter().enumerate() {
            let stacks = &recording.profile.stacks;
            tree.ends.push(vec![0; stacks.len()]);
            sorted.extend(stacks.iter().map(|(id, it)| (outermost_first(it, by_location, frames), side, id)));
        }
        sorted.sort_unstable();
        // The stack before, and its nodes.
        let mut before: &[u32] = &[];
        let mut path: Vec<u32> = Vec::new();
        for (stack, side, id) in &sorted {
            let same = before.iter().zip(stack).take_while(|(known, new)| known == new).count();
            path.truncate(same);
            for frame in stack.iter().skip(same) {
                let node = u32::try_from(tree.frame.len()).unwrap_or(u32::MAX);
                tree.depth.push(u32::try_from(path.len()).unwrap_or(u32::MAX));
                tree.frame.push(*frame);
                path.push(node);
            }
            let end = tree.ends.get_mut(*side).and_then(|ends| ends.get_mut(id.0 as usize));
            if let (Some(end), Some(node)) = (end, path.last()) {
                *end = *node;
            }
            before = stack;
        }
        tree
    }

    /// Returns the innermost node of a stack of one of the recordings.
    pub(crate) fn end_of(&self, side: usize, stack: StackId) -> u32 {
        self.ends.get(side).and_then(|ends| ends.get(stack.0 as usize)).copied().unwrap_or_default()
    }
}

fn outermost_first(locations: &[LocationId], by_location: &FramesByLocation, frames: &Frames) -> Vec<u32> {
    let of = |id: &LocationId| by_location.get(id.0 as usize).map_or(&[][..], |frames| frames);
    let stack: Vec<u32> = locations.iter().rev().flat_map(of).copied().collect();
    if stack.is_empty() { vec![frames.no_stack()] } else { stack }
}
