// When it happened: each event's time, a column a pixel, and a range of it to look at.

const TIME_HEIGHT = 46;
const AXIS_HEIGHT = 15;

class TimeStrip {
  constructor(app) {
    this.app = app;
    this.canvas = byId("timeline");
    this.context = this.canvas.getContext("2d");
    this.dragged = null;
    this.cached = { width: 0, thread: -2, columns: null };
    byId("time").hidden = false;
    this.canvas.addEventListener("pointerdown", (event) => this.#pressed(event));
    this.canvas.addEventListener("pointermove", (event) => this.#moved(event));
    this.canvas.addEventListener("pointerup", (event) => this.#released(event));
    this.canvas.addEventListener("pointercancel", () => this.#drag(null));
    this.canvas.addEventListener("pointerleave", hideTip);
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
    byId("range-clear").addEventListener("click", () => app.selection.set({ range: null }));
    new ResizeObserver(() => this.draw()).observe(this.canvas.parentElement);
  }

  get end() {
    return this.app.recording.timeline.end;
  }

  get width() {
    return this.canvas.parentElement.clientWidth;
  }

  /** Nanoseconds of each event in each column. */
  #columns() {
    const { recording, selection } = this.app;
    const { cached, width } = this;
    if (cached.columns && cached.width === width && cached.thread === selection.thread) return cached.columns;
    const { rows, timeline } = recording;
    // A column is at least a bucket wide: narrower ones would be a comb.
    const count = Math.max(1, Math.min(width, Math.ceil(this.end / timeline.bucket)));
    const scale = count / this.end;
    const columns = recording.events.map(() => new Float64Array(count));
    const add = (column, from, to, value) => {
      const length = to - from;
      const last = Math.min(count - 1, Math.floor(to * scale));
      for (let at = Math.max(0, Math.floor(from * scale)); at <= last; at += 1) {
        column[at] += value * (length > 0 ? overlap(at / scale, (at + 1) / scale, from, to) / length : 1);
      }
    };
    for (let point = 0; point < timeline.rowOf.length; point += 1) {
      if (selection.thread >= 0 && timeline.threadOf[point] !== selection.thread) continue;
      const event = rows.event[timeline.rowOf[point]];
      const value = timeline.valueOf[point];
      const start = timeline.bucketOf[point] * timeline.bucket;
      const end = start + timeline.bucket;
      if (recording.lasts(event)) add(columns[event], Math.max(0, end - value), end, Math.min(value, end));
      else add(columns[event], start, end, recording.events[event].unit === "samples" ? value * (recording.period || 1) : value);
    }
    this.cached = { width, thread: selection.thread, columns };
    return columns;
  }

  draw() {
    const { canvas, context, width, app } = this;
    if (width === 0) return;
    const pixels = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * pixels);
    canvas.height = Math.round((TIME_HEIGHT + AXIS_HEIGHT) * pixels);
    canvas.style.height = `${TIME_HEIGHT + AXIS_HEIGHT}px`;
    context.setTransform(pixels, 0, 0, pixels, 0, 0);
    context.fillStyle = app.palette.ground;
    context.fillRect(0, 0, width, TIME_HEIGHT + AXIS_HEIGHT);
    this.#drawColumns();
    this.#drawAxis();
    this.#drawRange();
    this.#tell();
  }

  #drawColumns() {
    const { context, width, app } = this;
    const { recording, selection } = app;
    const columns = this.#columns();
    // Times lie on each other; bytes are another thing, and stand alone.
    const isTime = recording.events[selection.event].unit !== "bytes";
    const shown = recording.events.map((_, event) => event).filter((event) => (isTime ? recording.events[event].unit !== "bytes" : event === selection.event));
    const count = columns[0].length;
    let most = 0;
    for (let at = 0; at < count; at += 1) most = Math.max(most, shown.reduce((sum, event) => sum + columns[event][at], 0));
    for (let at = 0; at < count && most > 0; at += 1) {
      const left = (at / count) * width;
      const right = ((at + 1) / count) * width;
      let bottom = TIME_HEIGHT;
      for (const event of shown) {
        const height = (columns[event][at] / most) * (TIME_HEIGHT - 4);
        if (height <= 0) continue;
        context.globalAlpha = event === selection.event ? 1 : 0.35;
        context.fillStyle = app.palette.events[recording.events[event].name];
        context.fillRect(left, bottom - height, Math.max(0.7, right - left - (right - left > 4 ? 1 : 0)), height);
        bottom -= height;
      }
    }
    context.globalAlpha = 1;
  }

  #drawAxis() {
    const { context, width, app, end } = this;
    context.fillStyle = app.palette.faint;
    context.fillRect(0, TIME_HEIGHT, width, 1);
    context.fillStyle = app.palette.muted;
    context.font = `10.5px ${FONT}`;
    context.textBaseline = "bottom";
    const step = roundStep(end / Math.max(1, Math.floor(width / 110)));
    for (let at = 0; at < end; at += step) {
      const x = (at / end) * width;
      context.fillRect(x, TIME_HEIGHT, 1, 4);
      if (x + 50 < width) context.fillText(at === 0 ? "0" : time(at), x + 4, TIME_HEIGHT + AXIS_HEIGHT);
    }
  }

  #drawRange() {
    const { context, width, app } = this;
    const range = this.dragged?.range ?? app.selection.range;
    if (!range) return;
    const [left, right] = range.map((at) => (at / this.end) * width);
    context.fillStyle = app.palette.ground;
    context.globalAlpha = 0.65;
    context.fillRect(0, 0, left, TIME_HEIGHT);
    context.fillRect(right, 0, width - right, TIME_HEIGHT);
    context.globalAlpha = 1;
    context.strokeStyle = app.palette.accent;
    context.lineWidth = 2;
    context.strokeRect(left, 1, Math.max(2, right - left), TIME_HEIGHT - 2);
  }

  #tell() {
    const range = this.dragged?.range ?? this.app.selection.range;
    byId("range-clear").hidden = !range;
    byId("range-text").textContent = range
      ? `${time(range[0])} to ${time(range[1])}, that is ${time(range[1] - range[0])} of ${time(this.end)}`
      : `${time(this.end)} in all; drag across it to look at a part`;
  }

  #timeAt(event) {
    const { left, width } = this.canvas.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - left) / width)) * this.end;
  }

  #pressed(event) {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    const at = this.#timeAt(event);
    const { range } = this.app.selection;
    const reach = (6 / this.width) * this.end;
    // An edge of the range is moved; elsewhere a new one begins.
    const anchor = range && Math.abs(at - range[0]) < reach ? range[1] : range && Math.abs(at - range[1]) < reach ? range[0] : at;
    this.#drag({ anchor, range: anchor === at ? null : range });
  }

  #moved(event) {
    const at = this.#timeAt(event);
    if (!this.dragged) {
      if (event.pointerType !== "touch") this.#tip(event, at);
      return;
    }
    const { anchor } = this.dragged;
    this.#drag({ anchor, range: [Math.min(anchor, at), Math.max(anchor, at)] });
  }

  #released(event) {
    const { dragged } = this;
    if (!dragged) return;
    this.#drag(null);
    const range = dragged.range;
    const isClick = !range || (range[1] - range[0]) / this.end < 2 / this.width;
    this.app.selection.set({ range: isClick ? null : range });
    hideTip();
    event.preventDefault();
  }

  #drag(dragged) {
    this.dragged = dragged;
    this.draw();
  }

  #tip(event, at) {
    const columns = this.#columns();
    const column = Math.min(columns[0].length - 1, Math.floor((at / this.end) * columns[0].length));
    const { recording } = this.app;
    const values = recording.events
      .map(({ name, unit }, index) => [name, columns[index][column], unit])
      .filter(([, value]) => value > 0)
      .map(([name, value, unit]) => `${name} ${unit === "bytes" ? bytes(value) : time(value)}`);
    showTip(event, time(at), values.join(" · ") || "nothing");
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = (event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0) * (this.end / 50);
    if (step === 0) return;
    const [from, to] = this.app.selection.range ?? [0, this.end / 10];
    const length = event.shiftKey ? Math.max(this.end / 100, to - from + step) : to - from;
    const start = Math.max(0, Math.min(event.shiftKey ? from : from + step, this.end - length));
    this.app.selection.set({ range: [start, Math.min(this.end, start + length)] });
    event.preventDefault();
    event.stopPropagation();
  }
}

/** The next of 1, 2, 5 times a power of ten. */
function roundStep(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least) ?? least;
}
