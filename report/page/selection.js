// What the reader has chosen to see. It stands in the address, so that reloading keeps it.

class Selection {
  #changed;

  constructor(recording, changed) {
    this.#changed = changed;
    this.recording = recording;
    this.view = "flame";
    this.event = recording.firstEvent;
    this.layout = "flame";
    this.thread = -1;
    this.module = -1;
    this.range = null;
    this.search = "";
    this.function = -1;
    this.side = "after";
    this.#readAddress();
  }

  /** Changes some of it; the page draws itself again. */
  set(changes) {
    const differs = Object.entries(changes).some(([name, value]) => this[name] !== value);
    if (!differs) return;
    Object.assign(this, changes);
    this.#writeAddress();
    this.#changed(changes);
  }

  /** The pattern that is searched for; `null` when there is none, or when it is not one yet. */
  get pattern() {
    if (this.search === "") return null;
    try {
      return new RegExp(this.search, "iu");
    } catch {
      return null;
    }
  }

  get isBadPattern() {
    return this.search !== "" && this.pattern === null;
  }

  #writeAddress() {
    const address = new URLSearchParams();
    const { events } = this.recording;
    if (this.view !== "flame") address.set("view", this.view);
    if (this.event !== this.recording.firstEvent) address.set("event", events[this.event].name);
    if (this.layout !== "flame") address.set("layout", this.layout);
    if (this.thread >= 0) address.set("thread", this.thread);
    if (this.module >= 0) address.set("module", this.module);
    if (this.range) address.set("time", this.range.map(Math.round).join("-"));
    if (this.search) address.set("search", this.search);
    if (this.function >= 0) address.set("function", this.function);
    if (this.side !== "after") address.set("side", this.side);
    const text = address.toString();
    try {
      history.replaceState(null, "", text ? `#${text}` : "#");
    } catch {
      // Some browsers refuse it for pages from files: then reloading starts afresh.
    }
  }

  #readAddress() {
    const address = new URLSearchParams(location.hash.slice(1));
    const { recording } = this;
    const oneOf = (name, values) => (values.includes(address.get(name)) ? address.get(name) : this[name]);
    const below = (name, count) => {
      const value = Number.parseInt(address.get(name), 10);
      return value >= 0 && value < count ? value : -1;
    };
    this.view = oneOf("view", VIEWS.map((view) => view.value));
    this.layout = oneOf("layout", LAYOUTS.map((layout) => layout.value));
    this.side = oneOf("side", ["after", "before"]);
    const event = recording.events.findIndex(({ name }) => name === address.get("event"));
    if (event >= 0) this.event = event;
    this.module = below("module", recording.modules.name.length);
    this.function = below("function", recording.functionCount);
    this.search = address.get("search") ?? "";
    if (recording.timeline) {
      this.thread = below("thread", recording.timeline.threads.length);
      const [from, to] = (address.get("time") ?? "").split("-").map(Number);
      if (from >= 0 && to > from && to <= recording.timeline.end) this.range = [from, to];
    }
    if (this.view === "function" && this.function < 0) this.view = "flame";
  }
}

const VIEWS = [
  { value: "flame", label: "Flame graph" },
  { value: "functions", label: "Functions" },
  { value: "function", label: "Callers & callees" },
  { value: "calls", label: "Host calls" },
  { value: "about", label: "About" },
];

const LAYOUTS = [
  { value: "flame", label: "Flame", hint: "Callees on top of their callers" },
  { value: "icicle", label: "Icicle", hint: "Callees below their callers" },
  { value: "reversed", label: "Reversed", hint: "From the functions that were running up to their callers" },
];
