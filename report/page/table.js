// Tables that are sorted by a click on their heads.

const SHOWN_AT_FIRST = 300;

/**
 * Draws a table. A column is `{ label, hint, text(row), value(row), bar(row), whole(row) }`; those with `value` are numbers, and sort largest
 * first. `state` keeps the order, and how many rows are shown, from one drawing to the next.
 */
function drawTable(host, columns, rows, state, open) {
  const by = columns[state.by];
  const order = (a, b) => (by.value ? by.value(b) - by.value(a) : by.text(a) < by.text(b) ? -1 : by.text(a) > by.text(b) ? 1 : 0);
  const sorted = rows.slice().sort((a, b) => (state.turned ? -order(a, b) : order(a, b)));
  const again = () => drawTable(host, columns, rows, state, open);
  const heads = columns.map(({ label, hint, value }, index) => {
    const isSorted = index === state.by;
    const up = Boolean(value) === Boolean(state.turned);
    const sort = () => {
      Object.assign(state, isSorted ? { turned: !state.turned } : { by: index, turned: false });
      again();
    };
    return element("th", { scope: "col", class: value ? "number" : "", "aria-sort": isSorted ? (up ? "ascending" : "descending") : "none" },
      element("button", { type: "button", title: hint, onclick: sort }, label, element("i", { "aria-hidden": "true" }, isSorted ? (up ? " ▲" : " ▼") : "")));
  });
  const body = sorted.slice(0, state.shown).map((row) => {
    const cells = columns.map(({ text, value, bar, kind, whole }) =>
      element("td", { class: [value ? "number" : "", bar ? "barred" : "", kind ?? ""].join(" "), title: whole?.(row) }, bar ? shareBar(bar(row)) : null, element("span", {}, text(row))));
    if (!open) return element("tr", {}, ...cells);
    const opened = () => open(row);
    return element("tr", { tabindex: "0", class: "opens", onclick: opened, onkeydown: (event) => event.key === "Enter" && opened() }, ...cells);
  });
  const left = sorted.length - body.length;
  const more = left > 0
    ? element("button", { type: "button", class: "more", onclick: () => { state.shown += 2000; again(); } }, left > 2000 ? `Show 2,000 of ${grouped(left)} more` : `Show ${grouped(left)} more`)
    : null;
  const empty = rows.length === 0 ? element("p", { class: "hint" }, "Nothing here matches.") : null;
  host.replaceChildren(
    element("div", { class: "table" }, element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...body))),
    ...[empty, more].filter(Boolean));
}

/** The functions that have samples, and that the search matches. */
class FunctionTable {
  constructor(app) {
    this.app = app;
    this.host = byId("functions-view");
    this.state = { by: 0, turned: false, shown: SHOWN_AT_FIRST };
  }

  draw() {
    const { recording, weights, before, matches, selection } = this.app;
    const rows = [];
    for (let called = 0; called < recording.functionCount; called += 1) {
      const isThere = weights.functionTotal[called] > 0 || (before?.functionTotal[called] ?? 0) > 0;
      if (isThere && (!matches || matches[called])) rows.push(called);
    }
    const columns = before ? this.#compared(rows) : this.#alone();
    drawTable(this.host, columns, rows, this.state, (called) => selection.set({ view: "function", function: called }));
  }

  #alone() {
    const { recording, weights, selection } = this.app;
    const { unit } = recording.events[selection.event];
    const of = (list, label, hint) => [
      { label, hint, value: (row) => list[row], text: (row) => shortAmount(list[row], unit), bar: (row) => list[row] / weights.sum },
      { label: "%", hint: `${label}, as a share of what is chosen`, value: (row) => list[row], text: (row) => percent(list[row] / weights.sum) },
    ];
    return [
      ...of(weights.functionSelf, "Self", "In the function itself"),
      ...of(weights.functionTotal, "Total", "In the function and what it calls"),
      ...this.#names(),
    ];
  }

  #compared() {
    const { recording, weights, before } = this.app;
    const changed = { own: new Set(recording.comparison.own), total: new Set(recording.comparison.total) };
    const of = (name, label) => {
      const list = (side) => side[`function${label}`];
      const change = (row) => (list(weights)[row] - list(before)[row]) / (weights.sum || before.sum);
      return [
        { label: `${label} change`, hint: "In percentage points; ~ may be chance; the largest first", value: (row) => Math.abs(change(row)) + (changed[name].has(row) ? 10 : 0), text: (row) => `${points(change(row))}${changed[name].has(row) ? "" : " ~"}` },
        { label: "before", hint: `${label} before`, value: (row) => list(before)[row], text: (row) => percent(list(before)[row] / before.sum) },
        { label: "after", hint: `${label} after`, value: (row) => list(weights)[row], text: (row) => percent(list(weights)[row] / weights.sum) },
      ];
    };
    return [...of("own", "Self"), ...of("total", "Total"), ...this.#names()];
  }

  #names() {
    const { recording } = this.app;
    return [
      { label: "Function", hint: "By name", text: (row) => recording.functions.name[row], kind: "name" },
      { label: "Where", hint: "By file", text: (row) => tailOf(recording.placeOf(row)) || recording.moduleOf(row), whole: (row) => recording.placeOf(row), kind: "place" },
    ];
  }
}

/** How often host functions were called, and how long that took. */
class HostCallTable {
  constructor(app) {
    this.app = app;
    this.host = byId("calls-view");
    this.state = { by: 2, turned: false, shown: SHOWN_AT_FIRST };
  }

  draw() {
    const { recording, selection } = this.app;
    if (recording.calls.length === 0) {
      this.host.replaceChildren(element("p", { class: "hint" }, "No host call was timed in this recording."));
      return;
    }
    const { pattern } = selection;
    const rows = recording.calls.filter(({ name }) => !pattern || pattern.test(name));
    const all = recording.calls.reduce((sum, call) => sum + call.total, 0);
    const timed = (label, hint, value) => ({ label, hint, value, text: (row) => time(value(row)) });
    drawTable(this.host, [
      { label: "Host function", hint: "By name", text: ({ name }) => name, kind: "name" },
      { label: "Calls", hint: "How often it was called", value: ({ count }) => count, text: ({ count }) => grouped(count) },
      { ...timed("Total", "From call to return, all together", ({ total }) => total), bar: ({ total }) => total / all },
      timed("Mean", "A call", ({ total, count }) => (count > 0 ? total / count : 0)),
      timed("p99", "99 of 100 calls took no longer", ({ p99 }) => p99),
      timed("Max", "The longest call", ({ max }) => max),
    ], rows, this.state, null);
    this.host.prepend(element("p", { class: "hint" }, "Of the whole recording: time and threads are not chosen here."));
  }
}
