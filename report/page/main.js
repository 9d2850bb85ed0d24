// The page as a whole: what is chosen decides what is weighed, what is weighed decides what is drawn.

class App {
  constructor(recording) {
    this.recording = recording;
    this.palette = new Palette(recording);
    this.selection = new Selection(recording, (changes) => this.#changed(changes));
    this.weights = null;
    this.before = null;
    this.matches = null;
    this.chosen = (flame, group) => showDetails(byId("details"), flame, group);
    this.flame = new Flame(byId("flame"), this, "Flame graph: arrow keys walk, Enter zooms, Escape zooms out");
    this.functions = new FunctionTable(this);
    this.calls = new HostCallTable(this);
    this.around = new FunctionView(this);
    this.strip = recording.timeline ? new TimeStrip(this) : null;
    this.#fill();
    this.#listen();
    this.#weigh();
    this.#draw();
    showDetails(byId("details"), this.flame, null);
  }

  /** Says something for a moment. */
  say(text) {
    byId("legend").textContent = text;
    clearTimeout(this.saying);
    this.saying = setTimeout(() => this.#drawLegend(), 2500);
  }

  zoomChanged(flame) {
    if (flame === this.flame) byId("zoom-out").disabled = flame.zoomed === flame.tree.root;
  }

  #fill() {
    const { recording, selection } = this;
    byId("title").textContent = recording.title;
    const options = (select, all, names, chosen) => {
      select.replaceChildren(element("option", { value: "-1" }, all));
      for (const [index, name] of names.slice(0, LONGEST_LIST).entries()) select.append(element("option", { value: `${index}` }, name));
      if (names.length > LONGEST_LIST) select.append(element("option", { disabled: "" }, `${names.length - LONGEST_LIST} more`));
      select.value = `${chosen}`;
    };
    const threads = recording.timeline?.threads ?? [];
    byId("thread-pick").hidden = threads.length < 2;
    options(byId("thread"), "all", threads.map(([name, tid]) => (tid > 0 ? `${name} (${tid})` : name)), selection.thread);
    byId("module-pick").hidden = recording.modules.name.length < 2;
    options(byId("module"), "all", recording.modules.name, selection.module);
    byId("search").value = selection.search;
    drawFacts(recording);
  }

  #listen() {
    const { selection } = this;
    const number = (name) => byId(name).addEventListener("change", (event) => selection.set({ [name]: Number(event.target.value) }));
    number("thread");
    number("module");
    byId("search").addEventListener("input", (event) => selection.set({ search: event.target.value }));
    byId("zoom-out").addEventListener("click", () => this.flame.zoom(this.flame.tree.root));
    addEventListener("keydown", (event) => this.#pressed(event));
    const recolour = () => {
      this.palette.update();
      this.#draw();
    };
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
    addEventListener("beforeprint", () => {
      this.palette.update(true);
      this.#draw();
    });
    addEventListener("afterprint", recolour);
  }

  #changed(changes) {
    if (["event", "thread", "module", "range", "side"].some((name) => name in changes)) this.#weigh();
    if ("search" in changes) this.#search();
    this.#draw("search" in changes && Object.keys(changes).length === 1);
  }

  #weigh() {
    measured("weigh", () => this.#weighAll());
  }

  #weighAll() {
    const { recording, selection } = this;
    this.weights = new Weights(recording, selection);
    this.before = recording.comparison ? new Weights(recording, selection, true) : null;
    this.tree = null;
    this.#search();
  }

  #search() {
    this.matches = matchesOf(this.recording, this.selection.pattern);
  }

  #draw(onlySearch = false) {
    const { selection } = this;
    this.#drawChoices();
    this.#drawSummary();
    for (const { value } of VIEWS) byId(`${value}-view`).hidden = selection.view !== value;
    if (selection.view === "flame") this.#drawFlame(onlySearch);
    if (selection.view === "functions") this.functions.draw();
    if (selection.view === "function") this.around.draw();
    if (selection.view === "calls") this.calls.draw();
    if (!onlySearch) this.strip?.draw();
  }

  #drawFlame(onlySearch) {
    const { recording, weights, before, selection } = this;
    const { layout, side } = selection;
    if (!this.tree || this.treeLayout !== (layout === "reversed")) {
      const make = layout === "reversed" ? GroupTree.reversed : GroupTree.whole;
      measured("tree", () => {
        this.tree = make(recording, weights, before, side);
      });
      this.treeLayout = layout === "reversed";
    }
    if (onlySearch && this.flame.tree === this.tree) this.flame.draw();
    else this.flame.show(this.tree, layout === "icicle" ? "down" : "up");
    showDetails(byId("details"), this.flame, this.flame.chosen);
    this.zoomChanged(this.flame);
    this.#drawLegend();
  }

  #drawLegend() {
    const { comparison } = this.recording;
    byId("legend").textContent = comparison ? "Red: more than before. Blue: less. Grey: within the noise." : "";
  }

  #drawChoices() {
    const { recording, selection } = this;
    const views = VIEWS.filter(({ value }) => value !== "calls" || recording.calls.length > 0).filter(({ value }) => value !== "function" || selection.function >= 0);
    choice(byId("views"), "tab", views, selection.view, (view) => selection.set({ view }));
    const events = recording.events.map(({ name }, value) => ({ value, label: name, hint: EVENTS[name] }));
    choice(byId("events"), "radio", events, selection.event, (event) => selection.set({ event }));
    byId("events").hidden = events.length < 2;
    choice(byId("layouts"), "radio", LAYOUTS, selection.layout, (layout) => selection.set({ layout }));
    byId("sides").hidden = !recording.comparison;
    const sides = [{ value: "after", label: "after", hint: "Blocks are as wide as they are now" }, { value: "before", label: "before", hint: "Blocks are as wide as they were" }];
    choice(byId("sides"), "radio", sides, selection.side, (side) => selection.set({ side }));
  }

  #drawSummary() {
    const { recording, weights, selection, matches } = this;
    const { name, unit } = recording.events[selection.event];
    const parts = [`${name}: ${amount(weights.sum, unit, recording.period)}`];
    if (recording.duration) parts.push(`${time(recording.duration)} recorded`);
    if (recording.started) parts.push(new Date(recording.started / 1e6).toLocaleString());
    byId("summary").textContent = parts.join(" · ");
    const matched = byId("matched");
    matched.classList.toggle("bad", selection.isBadPattern);
    if (selection.isBadPattern) matched.textContent = "not a pattern yet";
    else matched.textContent = matches ? `${percent(weights.sum > 0 ? weights.matched(matches) / weights.sum : 0)} matched` : "";
  }

  #pressed(event) {
    const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement || event.target instanceof HTMLTextAreaElement;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      this.#escape();
      return;
    }
    if (isTyping) return;
    const { selection, recording } = this;
    const next = (list, now) => list[(list.indexOf(now) + 1) % list.length];
    if (event.key === "/") {
      byId("search").focus();
      byId("search").select();
    } else if (event.key === "e") selection.set({ event: (selection.event + 1) % recording.events.length });
    else if (event.key === "i") selection.set({ view: "flame", layout: next(LAYOUTS.map(({ value }) => value), selection.layout) });
    else if (event.key === "0") this.flame.zoom(this.flame.tree.root);
    else if (byId("views").children[Number(event.key) - 1]) byId("views").children[Number(event.key) - 1].click();
    else return;
    event.preventDefault();
  }

  /** What was done last is undone first: the search, then the zoom. */
  #escape() {
    const { selection, flame } = this;
    const search = byId("search");
    if (search.value !== "") {
      search.value = "";
      selection.set({ search: "" });
    } else if (document.activeElement === search) search.blur();
    else if (selection.view === "function") [this.around.callers, this.around.callees].forEach((it) => it.tree && it.zoom(it.tree.root));
    else if (flame.tree && flame.zoomed !== flame.tree.root) flame.zoom(flame.zoomed.parent ?? flame.tree.root);
  }
}

const EVENTS = {
  cpu: "Time on the processor",
  wait: "Time in which guests waited for the host",
  ready: "Time in which guests could have run, and did not",
  alloc: "Bytes allocated",
  live: "Bytes allocated and not freed",
};

readData()
  .then((data) => new App(new Recording(data)))
  .catch((error) => {
    byId("problem").textContent = `This page cannot show its recording (${error}).${"DecompressionStream" in window ? "" : " A browser of 2023 or later is needed."}`;
    byId("problem").hidden = false;
  });
