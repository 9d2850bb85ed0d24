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
    this.nodes = [];
    this.shares = null;
    this.sharesBefore = null;
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
  }

  /** All stacks, from their outermost frames. */
  static whole(recording, weights, before, side) {
    const tree = new GroupTree(recording, weights, before, side, "down");
    tree.root.nodes.push(recording.tree.count);
    tree.#weighRoot(weights.sum, before?.sum ?? 0);
    return tree;
  }

  /** All stacks, from the functions that were running. */
  static reversed(recording, weights, before, side) {
    const tree = new GroupTree(recording, weights, before, side, "up");
    tree.#weighRoot(weights.sum, before?.sum ?? 0);
    const entries = function* () {
      for (let node = 0; node < recording.tree.count; node += 1) yield [node, weights.self[node], before?.self[node] ?? 0];
    };
    tree.#group(tree.root, entries());
    return tree;
  }

  /** What a function calls, or what calls it; its recursion is followed, and weighed once. */
  static around(recording, weights, before, side, called, direction) {
    const tree = new GroupTree(recording, weights, before, side, direction);
    const { root } = tree;
    root.function = called;
    root.shares = direction === "up" ? [] : null;
    root.sharesBefore = direction === "up" ? [] : null;
    for (let node = 0; node < recording.tree.count; node += 1) {
      if (recording.tree.function[node] !== called || !recording.tree.outermost[node]) continue;
      root.kind = recording.tree.kind[node];
      root.nodes.push(node);
      root.shares?.push(weights.total[node]);
      root.sharesBefore?.push(before?.total[node] ?? 0);
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

  *#callees({ nodes }) {
    const { first, children } = this.recording.tree;
    for (const node of nodes) {
      for (let at = first[node]; at < first[node + 1]; at += 1) {
        const child = children[at];
        yield [child, this.weights.total[child], this.before?.total[child] ?? 0];
      }
    }
  }

  *#callers({ nodes, shares, sharesBefore }) {
    for (let at = 0; at < nodes.length; at += 1) {
      const parent = this.recording.tree.parent[nodes[at]];
      if (parent >= 0) yield [parent, shares[at], sharesBefore[at]];
    }
  }

  #group(parent, entries) {
    const { tree, functions } = this.recording;
    const known = new Map();
    const isUp = this.direction === "up";
    for (const [node, after, before] of entries) {
      if (after === 0 && before === 0) continue;
      const called = tree.function[node];
      let group = known.get(called);
      if (!group) {
        group = new Group(parent, called, tree.kind[node]);
        if (isUp) Object.assign(group, { shares: [], sharesBefore: [] });
        known.set(called, group);
      }
      group.nodes.push(node);
      group.value += this.isBefore ? before : after;
      group.before += this.isBefore ? after : before;
      if (!isUp) group.self += (this.isBefore ? this.before : this.weights).self[node];
      else if (group.depth === 1) group.self += this.isBefore ? before : after;
      group.shares?.push(after);
      group.sharesBefore?.push(before);
    }
    const name = (group) => functions.name[group.function];
    const opened = [...known.values()].sort((a, b) => b.value - a.value || (name(a) < name(b) ? -1 : 1));
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
