//! Stacks as a tree, without holding the tree.
//!
//! A node is a frame together with the way to it from the outermost one. Stacks that are sorted from their outermost
//! frame on meet each node once, after its parent; so nodes can be numbered, and written, in passing.

use std::ops::ControlFlow;

use wasmscope_model::{LocationId, Recording, StackId};

/// All stacks of a recording, sorted from their outermost frames.
pub(super) struct StackOrder<'r> {
    recording: &'r Recording,
    sorted: Vec<StackId>,
    /// The place of each stack in `sorted`.
    ranks: Vec<u32>,
}

/// A node of the tree.
pub(super) struct Node {
    /// The node's parent, counted from the first node; `None` for the outermost frame.
    pub(super) prefix: Option<u32>,
    pub(super) location: LocationId,
    /// A position in the location's lines.
    pub(super) depth: usize,
}

impl<'r> StackOrder<'r> {
    pub(super) fn new(recording: &'r Recording) -> Self {
        let stacks = &recording.profile.stacks;
        let mut sorted: Vec<StackId> = stacks.iter().map(|(id, _)| id).collect();
        let outermost_first = |id: &StackId| stacks.frames(*id).unwrap_or_default().iter().rev();
        // No two stacks are equal, so there is one order.
        sorted.sort_unstable_by(|a, b| outermost_first(a).cmp(outermost_first(b)));
        let mut ranks = vec![0; sorted.len()];
        for (rank, id) in (0..).zip(&sorted) {
            if let Some(place) = ranks.get_mut(id.0 as usize) {
                *place = rank;
            }
        }
        Self { recording, sorted, ranks }
    }

    pub(super) fn rank(&self, stack: StackId) -> Option<u32> {
        self.ranks.get(stack.0 as usize).copied()
    }

    /// Returns the locations of a stack, innermost first.
    pub(super) fn locations(&self, rank: u32) -> &'r [LocationId] {
        let id = self.sorted.get(rank as usize).copied().unwrap_or(StackId(u32::MAX));
        self.recording.profile.stacks.frames(id).unwrap_or_default()
    }

    /// Visits each node of the stacks with these ranks, which ascend, and tells `ended` the innermost node of each stack.
    pub(super) fn walk<B>(
        &self,
        ranks: &[u32],
        mut node: impl FnMut(Node) -> ControlFlow<B>,
        mut ended: impl FnMut(Option<u32>),
    ) -> ControlFlow<B> {
        // The locations of the stack before, outermost first, and the innermost node of each.
        let mut path: Vec<(LocationId, Option<u32>)> = Vec::new();
        let mut nodes: u32 = 0;
        for rank in ranks {
            let locations = self.locations(*rank);
            let same = path.iter().zip(locations.iter().rev()).take_while(|((known, _), new)| known == *new).count();
            path.truncate(same);
            for location in locations.iter().rev().skip(same) {
                let mut prefix = path.last().and_then(|(_, innermost)| *innermost);
                let lines = self.recording.profile.locations.get(location.0 as usize).map_or(0, |it| it.lines.len());
                for depth in (0..lines).rev() {
                    node(Node { prefix, location: *location, depth })?;
                    prefix = Some(nodes);
                    nodes = nodes.saturating_add(1);
                }
                path.push((*location, prefix));
            }
            ended(path.last().and_then(|(_, innermost)| *innermost));
        }
        ControlFlow::Continue(())
    }
}
