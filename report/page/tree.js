// Trees that are drawn: from the outermost frames to what they call, or from a function to its callers. They open lazily:
// only what is wide enough to be seen is ever made.

/** Nodes of the recording's tree that are drawn as one block, with what they weigh (and weighed before). */
class Group {
  constructor(parent, called, kind) {
    this.parent = parent;
    this.function = called;
    this.kind = kind;
    this.depth = parent ? parent.depth + 1 : 0;
    this.value = 0;
    this.before = 0;
    this.self = 0;
    // Its nodes are `nodes[from .. to]`, in an array that it shares with the blocks beside it; towards callers each has a part
    // of its own weight there, now and before.
    this.nodes = null;
    this.shares = null;
    this.sharesBefore = null;
    this.from = 0;
    this.to = 0;
    this.opened = null;
    // Where it lies in its tree, as a part of one.
    this.start = 0;
    this.size = 1;
  }
}

class GroupTree {
  /** `direction` is "down" to callees or "up" to callers; `side` says what blocks are as wide as. */
  constructor(recording, weights, before, side, direction) {
    Object.assign(this, { recording, weights, before, direction });
    this.isBefore = side === "before" && before !== null;
    this.root = new Group(null, -1, KINDS.marker);
    // The group of each function while blocks are made, by its position; -1 for none.
    this.slots = new Int32Array(recording.functionCount).fill(-1);
  }

  /** All stacks, from their outermost frames. */
  static whole(recording, weights, before, side) {
    const tree = new GroupTree(recording, weights, before, side, "down");
    Object.assign(tree.root, { nodes: Uint32Array.of(recording.tree.count), to: 1 });
    tree.#weighRoot(weights.sum, before?.sum ?? 0);
    return tree;
  }

  /** All stacks, from the functions that were running. */
  static reversed(recording, weights, before, side) {
    const tree = new GroupTree(recording, weights, before, side, "up");
    tree.#weighRoot(weights.sum, before?.sum ?? 0);
    const beforeSelf = before?.self;
    tree.#group(tree.root, (add) => {
      for (let node = 0; node < recording.tree.count; node += 1) add(node, weights.self[node], beforeSelf ? beforeSelf[node] : 0);
    });
    return tree;
  }

  /** What a function calls, or what calls it; its recursion is followed, and weighed once. */
  static around(recording, weights, before, side, called, direction) {
    const tree = new GroupTree(recording, weights, before, side, direction);
    const { root } = tree;
    root.function = called;
    const nodes = [];
    for (let node = 0; node < recording.tree.count; node += 1) {
      if (recording.tree.function[node] === called && recording.tree.outermost[node]) nodes.push(node);
    }
    Object.assign(root, { nodes, to: nodes.length, kind: recording.tree.kind[nodes[0]] ?? KINDS.guest });
    if (direction === "up") {
      root.shares = nodes.map((node) => weights.total[node]);
      root.sharesBefore = nodes.map((node) => before?.total[node] ?? 0);
    }
    tree.#weighRoot(weights.functionTotal[called], before?.functionTotal[called] ?? 0);
    root.self = direction === "down" ? weights.functionSelf[called] : 0;
    return tree;
  }

  #weighRoot(value, before) {
    this.root.value = this.isBefore ? before : value;
    this.root.before = this.isBefore ? value : before;
  }

  /** The blocks next to `group`, largest first. */
  children(group) {
    if (group.opened === null) this.#group(group, this.direction === "down" ? this.#callees(group) : this.#callers(group));
    return group.opened;
  }

  #callees({ nodes, from, to }) {
    const { first, children } = this.recording.tree;
    const [total, beforeTotal] = [this.weights.total, this.before?.total];
    return (add) => {
      for (let at = from; at < to; at += 1) {
        const node = nodes[at];
        for (let next = first[node]; next < first[node + 1]; next += 1) {
          const child = children[next];
          add(child, total[child], beforeTotal ? beforeTotal[child] : 0);
        }
      }
    };
  }

  #callers({ nodes, shares, sharesBefore, from, to }) {
    const { parent } = this.recording.tree;
    return (add) => {
      for (let at = from; at < to; at += 1) {
        if (parent[nodes[at]] >= 0) add(parent[nodes[at]], shares[at], sharesBefore[at]);
      }
    };
  }

  /** Makes the blocks next to `parent` of the nodes that `visit` hands out, with what they weigh and weighed before. */
  #group(parent, visit) {
    const { tree, functions } = this.recording;
    const { slots, isBefore } = this;
    const isUp = this.direction === "up";
    const self = (isBefore ? this.before : this.weights).self;
    const opened = [];
    visit((node, after, before) => {
      if (after === 0 && before === 0) return;
      const called = tree.function[node];
      if (slots[called] < 0) {
        slots[called] = opened.length;
        opened.push(new Group(parent, called, tree.kind[node]));
      }
      const group = opened[slots[called]];
      group.to += 1;
      group.value += isBefore ? before : after;
      group.before += isBefore ? after : before;
      if (!isUp) group.self += self[node];
    });
    // Now that it is known how many nodes each has, they are put side by side.
    let count = 0;
    for (const group of opened) {
      group.from = count;
      count += group.to;
      group.to = group.from;
    }
    const nodes = new Uint32Array(count);
    const [shares, sharesBefore] = isUp ? [new Float64Array(count), new Float64Array(count)] : [null, null];
    visit((node, after, before) => {
      if (after === 0 && before === 0) return;
      const group = opened[slots[tree.function[node]]];
      nodes[group.to] = node;
      if (isUp) {
        shares[group.to] = after;
        sharesBefore[group.to] = before;
      }
      group.to += 1;
    });
    for (const group of opened) {
      group.nodes = nodes;
      group.shares = shares;
      group.sharesBefore = sharesBefore;
      slots[group.function] = -1;
      if (isUp && group.depth === 1 && this.root.function < 0) group.self = group.value;
    }
    const name = (group) => functions.name[group.function];
    opened.sort((a, b) => b.value - a.value || (name(a) < name(b) ? -1 : 1));
    let start = parent.start;
    for (const group of opened) {
      group.start = start;
      group.size = parent.value > 0 ? parent.size * (group.value / parent.value) : 0;
      start += group.size;
    }
    parent.opened = opened;
  }

  /** Finds the block that the same functions lead to in this tree. */
  find(path) {
    let group = this.root;
    for (const called of path) {
      const next = this.children(group).find((child) => child.function === called);
      if (!next) return group;
      group = next;
    }
    return group;
  }
}

/** The functions from the tree's root to a block, outermost first. */
function pathOf(group) {
  const path = [];
  for (let at = group; at?.parent; at = at.parent) path.push(at.function);
  return path.reverse();
}
