// What the chosen samples weigh, by node and by function. `self` is what a function did itself, `total` with its callees.

class Weights {
  /** The samples of `selection`; those before, when two recordings are compared. */
  constructor(recording, selection, isBefore = false) {
    this.recording = recording;
    const fine = new Float64Array(recording.nodes.frame.length);
    const keep = this.#filter(selection, isBefore);
    if (!isBefore && recording.timeline && (selection.thread >= 0 || selection.range)) this.#addPoints(fine, selection, keep);
    else this.#addRows(fine, keep, isBefore ? recording.comparison.factor : 1);
    this.fine = fine;
    this.#accumulate();
  }

  #filter({ event, module }, isBefore) {
    const { rows, nodes } = this.recording;
    const side = isBefore ? 1 : 0;
    return (row) =>
      rows.event[row] === event && rows.before[row] === side && (module < 0 || nodes.module[rows.node[row]] === module);
  }

  /** What was before is brought to the pace of what is compared with it. */
  #addRows(fine, keep, factor) {
    const { rows } = this.recording;
    for (let row = 0; row < rows.node.length; row += 1) {
      if (keep(row)) fine[rows.node[row]] += rows.value[row] * factor;
    }
  }

  #addPoints(fine, { thread, range, event }, keep) {
    const { rows, timeline } = this.recording;
    const { bucket, bucketOf, threadOf, rowOf, valueOf } = timeline;
    const lasts = this.recording.lasts(event);
    for (let point = 0; point < rowOf.length; point += 1) {
      if ((thread >= 0 && threadOf[point] !== thread) || !keep(rowOf[point])) continue;
      const value = valueOf[point];
      fine[rows.node[rowOf[point]]] += range ? partWithin(range, bucketOf[point] * bucket, bucket, value, lasts) : value;
    }
  }

  #accumulate() {
    const { recording, fine } = this;
    const { tree, joined, nodes } = recording;
    this.self = new Float64Array(tree.count);
    this.fineTotal = fine.slice();
    for (let node = fine.length - 1; node >= 0; node -= 1) {
      this.self[joined[node]] += fine[node];
      if (nodes.parent[node] >= 0) this.fineTotal[nodes.parent[node]] += this.fineTotal[node];
    }
    this.total = this.self.slice();
    this.sum = 0;
    for (let node = tree.count - 1; node >= 0; node -= 1) {
      if (tree.parent[node] >= 0) this.total[tree.parent[node]] += this.total[node];
      else this.sum += this.total[node];
    }
    this.functionSelf = new Float64Array(recording.functionCount);
    this.functionTotal = new Float64Array(recording.functionCount);
    for (let node = 0; node < tree.count; node += 1) {
      this.functionSelf[tree.function[node]] += this.self[node];
      if (tree.outermost[node]) this.functionTotal[tree.function[node]] += this.total[node];
    }
  }

  /** What of the whole lies below functions that `matches`. */
  matched(matches) {
    const { tree } = this.recording;
    const below = new Uint8Array(tree.count);
    let sum = 0;
    for (let node = 0; node < tree.count; node += 1) {
      const parent = tree.parent[node];
      below[node] = matches[tree.function[node]] || (parent >= 0 && below[parent]) ? 1 : 0;
      if (below[node]) sum += this.self[node];
    }
    return sum;
  }
}

/**
 * What of a point's value lies within a range. A point of a moment lies somewhere in its bucket; the rest of a bucket that is
 * cut is taken in proportion. One that lasts ended in its bucket, and began as long before as its value says.
 */
function partWithin([from, to], start, bucket, value, lasts) {
  if (!lasts) return value * (overlap(from, to, start, start + bucket) / bucket);
  const end = start + bucket;
  return overlap(from, to, Math.max(0, end - value), end);
}

const overlap = (from, to, start, end) => Math.max(0, Math.min(to, end) - Math.max(from, start));

/** Which functions a pattern matches, by name or file. */
function matchesOf(recording, pattern) {
  if (!pattern) return null;
  return Uint8Array.from({ length: recording.functionCount }, (_, index) =>
    pattern.test(recording.functions.name[index]) || pattern.test(recording.fileOf(index)) ? 1 : 0,
  );
}
