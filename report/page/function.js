// One function: who calls it, what it calls, and its lines.

class FunctionView {
  constructor(app) {
    this.app = app;
    this.host = byId("function-view");
    this.head = element("div", { class: "function-head" });
    this.lines = element("div", { class: "lines" });
    this.details = element("div", { class: "details" });
    const [up, down] = [element("div", { class: "flame callers" }), element("div", { class: "flame callees" })];
    this.host.replaceChildren(this.head, element("h3", {}, "Callers"), up, element("h3", {}, "Callees"), down, this.details, this.lines);
    // As the page, but with details of its own.
    const shown = Object.create(app, { chosen: { value: (flame, group) => showDetails(this.details, flame, group) } });
    this.callers = new Flame(up, shown, "Callers");
    this.callees = new Flame(down, shown, "Callees");
  }

  draw() {
    const { recording, weights, before, selection } = this.app;
    const called = selection.function;
    if (called < 0) {
      this.head.replaceChildren(element("p", { class: "hint" }, "Choose a function in the flame graph or in the table of functions."));
      this.host.classList.add("empty");
      return;
    }
    this.host.classList.remove("empty");
    const { unit } = recording.events[selection.event];
    const value = (list) => `${amount(list[called], unit, recording.period)}, ${percent(list[called] / weights.sum)}`;
    this.head.replaceChildren(
      element("h2", {}, recording.functions.name[called]),
      element("p", { class: "place" }, [recording.placeOf(called), recording.moduleOf(called)].filter(Boolean).join(" · ")),
      element("p", { class: "numbers" }, `total ${value(weights.functionTotal)} · self ${value(weights.functionSelf)}`),
    );
    const tree = (direction) => GroupTree.around(recording, weights, before, selection.side, called, direction);
    this.callers.show(tree("up"), "up");
    this.callees.show(tree("down"), "down");
    showDetails(this.details, this.callees, null);
    this.#drawLines(called);
  }

  /** What each line of the function weighs, with the source text where the page has it. */
  #drawLines(called) {
    const { recording, weights } = this.app;
    const { nodes, frames } = recording;
    const lines = new Map();
    const at = (line) => lines.get(line) ?? lines.set(line, { self: 0, total: 0, isApproximate: false }).get(line);
    for (let node = 0; node < nodes.frame.length; node += 1) {
      const frame = nodes.frame[node];
      if (frames.function[frame] !== called || weights.fineTotal[node] === 0) continue;
      const line = at(frames.line[frame]);
      line.self += weights.fine[node];
      // Recursion is weighed once: at its innermost line.
      line.total += weights.fineTotal[node] - this.#recursion(node, called);
      line.isApproximate ||= frames.approximate[frame] === 1;
    }
    lines.delete(0);
    const excerpts = recording.sources.get(recording.functions.file[called]) ?? [];
    if (lines.size === 0) {
      this.lines.replaceChildren(element("p", { class: "hint" }, "No lines are known of this function: its module has no line tables, or they say nothing of it."));
      return;
    }
    // The hottest lines, where a function has more than anyone reads.
    const hottest = [...lines].sort(([, a], [, b]) => b.total - a.total).slice(0, LONGEST_LIST);
    const around = linesAround(hottest.map(([line]) => line), excerpts);
    const most = Math.max(hottest[0][1].total, 1);
    const { unit } = recording.events[this.app.selection.event];
    const rows = around.map(({ line, text }) => {
      const known = lines.get(line);
      const number = (value) => element("td", { class: "number" }, value > 0 ? shortAmount(value, unit) : "");
      return element("tr", { class: known ? "hot" : "" },
        element("td", { class: "number" }, known ? shareBar(known.total / most) : null, element("span", {}, known?.total > 0 ? shortAmount(known.total, unit) : "")),
        number(known?.self ?? 0),
        element("td", { class: "number line" }, `${known?.isApproximate ? "~" : ""}${line}`),
        element("td", { class: "code" }, text ?? ""));
    });
    const head = element("tr", {}, ...["Total", "Self", "Line"].map((label) => element("th", { class: "number", scope: "col" }, label)), element("th", { scope: "col" }, excerpts.length > 0 ? "Source" : ""));
    const hint = excerpts.length > 0 ? null : element("p", { class: "hint" }, "The text of these lines is shown when the page is made with --source FOLDER.");
    const left = lines.size > LONGEST_LIST ? element("p", { class: "hint" }, `${lines.size - LONGEST_LIST} lines with less time are not shown.`) : null;
    this.lines.replaceChildren(...[element("h3", {}, recording.fileOf(called)), hint, left, element("div", { class: "table" }, element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows)))].filter(Boolean));
  }

  /** What of a node's total lies in calls of the same function below it. */
  #recursion(node, called) {
    this.inner ??= { weights: null, called: -1, sums: null };
    const { weights, recording } = this.app;
    if (this.inner.weights !== weights || this.inner.called !== called) {
      const { nodes, frames } = recording;
      // For each node: totals of the outermost frames of the function that lie below it.
      const sums = new Float64Array(nodes.frame.length);
      for (let at = nodes.frame.length - 1; at >= 0; at -= 1) {
        const parent = nodes.parent[at];
        if (parent < 0) continue;
        sums[parent] += frames.function[nodes.frame[at]] === called ? weights.fineTotal[at] : sums[at];
      }
      this.inner = { weights, called, sums };
    }
    return this.inner.sums[node];
  }
}

/** The lines to show: all of the excerpts that hold a line that is known, else the known lines alone. */
function linesAround(known, excerpts) {
  const shown = new Map(known.map((line) => [line, null]));
  for (const { first, lines } of excerpts) {
    if (!known.some((line) => line >= first && line < first + lines.length)) continue;
    lines.forEach((text, index) => shown.set(first + index, text));
  }
  const [low, high] = [Math.min(...known) - 4, Math.max(...known) + 4];
  return [...shown].map(([line, text]) => ({ line, text })).filter(({ line }) => line >= low && line <= high).sort((a, b) => a.line - b.line);
}
