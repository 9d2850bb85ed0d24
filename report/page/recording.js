// What was recorded, in typed arrays: the tree of frames, the same tree by function alone, samples, and points of time.

const KINDS = { guest: 0, inlined: 1, hostCall: 2, marker: 3 };

/** Reads the data of the page: JSON, gzipped, in base64. */
async function readData() {
  const text = atob(byId("data").textContent);
  const packed = Uint8Array.from(text, (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

class Recording {
  constructor(data) {
    for (const name of ["title", "events", "period", "duration", "started", "functions", "files", "modules", "calls", "facts", "comparison"]) {
      this[name] = data[name];
    }
    this.firstEvent = data.event;
    this.sources = new Map(data.sources);
    this.frames = {
      function: Uint32Array.from(data.frames.function),
      line: Uint32Array.from(data.frames.line),
      kind: Uint8Array.from(data.frames.kind),
      approximate: Uint8Array.from(data.frames.approximate),
    };
    this.rows = {
      node: Uint32Array.from(data.rows.node),
      event: Uint8Array.from(data.rows.event),
      value: Float64Array.from(data.rows.value),
      before: Uint8Array.from(data.rows.before),
    };
    this.functionCount = this.functions.name.length;
    this.#readNodes(data.nodes);
    this.#joinLines();
    this.timeline = data.timeline && this.#readTimeline(data.timeline);
  }

  /** A node's parent comes before it; -1 at the roots. Its module is that of the innermost frame that has one. */
  #readNodes({ depth, frame }) {
    const count = frame.length;
    const nodes = { frame: Uint32Array.from(frame), parent: new Int32Array(count), module: new Int32Array(count) };
    const path = [];
    for (let node = 0; node < count; node += 1) {
      path.length = depth[node];
      const parent = path.length > 0 ? path[path.length - 1] : -1;
      nodes.parent[node] = parent;
      const own = this.functions.module[this.frames.function[frame[node]]];
      nodes.module[node] = own >= 0 || parent < 0 ? own : nodes.module[parent];
      path.push(node);
    }
    this.nodes = nodes;
  }

  /** Joins frames of one function at several lines: the tree that is drawn. */
  #joinLines() {
    const { frame, parent } = this.nodes;
    const joined = new Int32Array(frame.length);
    const known = new Map();
    const tree = { parent: [], function: [], kind: [], outermost: [] };
    // How often each function stands on the path to the node at hand.
    const onPath = new Uint32Array(this.functionCount);
    const path = [];
    for (let node = 0; node < frame.length; node += 1) {
      while (path.length > 0 && path[path.length - 1] !== parent[node]) onPath[this.frames.function[frame[path.pop()]]] -= 1;
      const above = parent[node] < 0 ? -1 : joined[parent[node]];
      const called = this.frames.function[frame[node]];
      const key = (above + 1) * this.functionCount + called;
      let place = known.get(key);
      if (place === undefined) {
        place = tree.parent.length;
        known.set(key, place);
        tree.parent.push(above);
        tree.function.push(called);
        tree.kind.push(this.frames.kind[frame[node]]);
        tree.outermost.push(onPath[called] === 0 ? 1 : 0);
      }
      joined[node] = place;
      onPath[called] += 1;
      path.push(node);
    }
    this.joined = joined;
    this.tree = {
      count: tree.parent.length,
      parent: Int32Array.from(tree.parent),
      function: Uint32Array.from(tree.function),
      kind: Uint8Array.from(tree.kind),
      outermost: Uint8Array.from(tree.outermost),
    };
    this.#listChildren();
  }

  /** The children of node `n` are `children[first[n] .. first[n + 1]]`; those of the page itself stand at `count`. */
  #listChildren() {
    const { parent, count } = this.tree;
    const above = (node) => (parent[node] < 0 ? count : parent[node]);
    const first = new Uint32Array(count + 2);
    for (let node = 0; node < count; node += 1) first[above(node) + 1] += 1;
    for (let node = 0; node <= count; node += 1) first[node + 1] += first[node];
    const next = first.slice();
    const children = new Uint32Array(count);
    for (let node = 0; node < count; node += 1) {
      children[next[above(node)]] = node;
      next[above(node)] += 1;
    }
    Object.assign(this.tree, { first, children });
  }

  #readTimeline({ bucket, threads, points }) {
    const buckets = new Float64Array(points.bucket.length);
    let at = 0;
    points.bucket.forEach((step, index) => {
      at += step;
      buckets[index] = at;
    });
    return {
      bucket,
      threads,
      bucketOf: buckets,
      threadOf: Uint32Array.from(points.thread),
      rowOf: Uint32Array.from(points.row),
      valueOf: Float64Array.from(points.value),
      end: Math.max(this.duration ?? 0, (at + 1) * bucket),
    };
  }

  /** Whether a point of this event stands for a time that ended there, rather than for a moment. */
  lasts(event) {
    return this.events[event].name === "wait" || this.events[event].name === "ready";
  }

  fileOf(called) {
    const file = this.functions.file[called];
    return file < 0 ? "" : this.files[file];
  }

  moduleOf(called) {
    const module = this.functions.module[called];
    return module < 0 ? "" : this.modules.name[module];
  }

  isAdapter(called) {
    const module = this.functions.module[called];
    return module >= 0 && this.modules.adapter[module] === 1;
  }

  /** `file:line`, as far as they are known. */
  placeOf(called) {
    const file = this.fileOf(called);
    const line = this.functions.line[called];
    return file && line > 0 ? `${file}:${line}` : file;
  }
}
