// Blocks on a canvas. Only what can be seen is laid out and drawn: blocks of half a pixel and more, in the rows in view.

const ROW = matchMedia("(pointer: coarse)").matches ? 26 : 19;
const SMALLEST = 0.5;
const ZOOM_MILLIS = 170;

class Flame {
  /** `app` has the recording, palette and search; `grows` is "up" when roots are at the bottom. */
  constructor(host, app, label) {
    this.app = app;
    this.canvas = element("canvas", { tabindex: "0", role: "application", "aria-label": label });
    this.hoverBox = element("div", { class: "outline hover", hidden: true });
    this.chosenBox = element("div", { class: "outline chosen", hidden: true });
    this.space = element("div", { class: "flame-space" }, this.canvas, this.hoverBox, this.chosenBox);
    this.scroller = element("div", { class: "flame-scroll" }, this.space);
    host.replaceChildren(this.scroller);
    this.context = this.canvas.getContext("2d");
    this.levels = [];
    this.height = 0;
    this.window = [0, 1];
    this.grows = "up";
    this.tree = null;
    this.zoomed = null;
    this.chosen = null;
    this.hovered = null;
    this.scroller.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.#resized()).observe(this.scroller);
    this.input = new FlameInput(this);
  }

  /** Shows another tree; the zoom stays where the same functions lead in it. */
  show(tree, grows) {
    const zoomed = this.zoomed ? pathOf(this.zoomed) : [];
    const chosen = this.chosen ? pathOf(this.chosen) : null;
    const isSameWay = this.tree?.direction === tree.direction && this.grows === grows;
    Object.assign(this, { tree, grows, hovered: null });
    this.zoomed = isSameWay ? tree.find(zoomed) : tree.root;
    this.chosen = isSameWay && chosen ? tree.find(chosen) : null;
    this.window = windowOf(this.zoomed);
    this.#redraw(!isSameWay);
  }

  /** Makes a block as wide as the page. */
  zoom(group) {
    this.zoomed = group;
    this.app.zoomChanged?.(this);
    const [from, to] = [this.window, windowOf(group)];
    if (matchMedia("(prefers-reduced-motion: reduce)").matches || document.hidden) {
      this.window = to;
      this.#redraw();
      return;
    }
    const start = performance.now();
    const step = (now) => {
      if (this.zoomed !== group) return;
      const part = Math.min(1, Math.max(0, (now - start) / ZOOM_MILLIS));
      const eased = 1 - (1 - part) ** 3;
      this.window = part === 1 ? to : between(from, to, eased);
      this.#redraw();
      if (part < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  choose(group) {
    this.chosen = group;
    this.#place(this.chosenBox, group);
    this.app.chosen(this, group);
  }

  /** Scrolls a block's row into view. */
  reveal(group) {
    const top = this.#rowTop(group.depth);
    const { scrollTop, clientHeight } = this.scroller;
    if (top < scrollTop) this.scroller.scrollTop = top;
    else if (top + ROW > scrollTop + clientHeight) this.scroller.scrollTop = top + ROW - clientHeight;
  }

  hover(group) {
    if (this.hovered === group) return;
    this.hovered = group;
    this.#place(this.hoverBox, group);
  }

  /** The block at a place of the canvas' space; `null` where there is none. */
  at(x, y) {
    const blocks = this.levels[Math.floor((this.grows === "up" ? this.height - y : y) / ROW)];
    if (!blocks) return null;
    let [low, high] = [0, blocks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (blocks[middle].x + blocks[middle].width <= x) low = middle + 1;
      else high = middle;
    }
    const block = blocks[low];
    return block && block.x <= x ? block.group : null;
  }

  #resized() {
    if (!this.tree || this.scroller.clientWidth === 0) return;
    this.#redraw(this.grows === "up" && this.#distanceToRoot() < ROW);
  }

  #redraw(toRoot = false) {
    measured("layout", () => {
      this.#layOut();
      if (toRoot) this.#scrollToRoot();
    });
    this.draw();
  }

  #distanceToRoot() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight;
  }

  #scrollToRoot() {
    this.scroller.scrollTop = this.grows === "up" ? this.scroller.scrollHeight : 0;
  }

  #layOut() {
    const distance = this.#distanceToRoot();
    const width = this.scroller.clientWidth;
    const [from, to] = this.window;
    const scale = width / (to - from || 1);
    this.levels = [];
    const waiting = this.tree.root.value > 0 ? [this.tree.root] : [];
    while (waiting.length > 0) {
      const group = waiting.pop();
      this.#put(group.depth, { group, x: (group.start - from) * scale, width: group.size * scale });
      const opened = this.tree.children(group);
      // From the last, so that blocks of a row are put from left to right.
      const inView = [];
      for (const child of opened) {
        if (child.start >= to || child.value <= 0) break;
        if (child.size * scale < SMALLEST) {
          const last = opened[opened.length - 1];
          inView.push(rest(group, child.start, last.start + last.size));
          break;
        }
        if (child.start + child.size > from) inView.push(child);
      }
      for (const child of inView.reverse()) {
        if (child instanceof Group) waiting.push(child);
        else if (child.size * scale >= SMALLEST) {
          this.#put(child.depth, { group: null, x: (child.start - from) * scale, width: child.size * scale });
        }
      }
    }
    for (const level of this.levels) level.sort((a, b) => a.x - b.x);
    // Blocks stand on the ground when they grow up, however few they are.
    this.height = Math.max(this.levels.length * ROW, this.scroller.clientHeight);
    this.space.style.height = `${this.height}px`;
    if (this.grows === "up") this.scroller.scrollTop = this.scroller.scrollHeight - this.scroller.clientHeight - distance;
    this.#place(this.chosenBox, this.chosen);
    this.#place(this.hoverBox, this.hovered);
  }

  #put(depth, block) {
    (this.levels[depth] ??= []).push(block);
  }

  #rowTop(depth) {
    return this.grows === "up" ? this.height - (depth + 1) * ROW : depth * ROW;
  }

  #place(box, group) {
    const block = group && this.levels[group.depth]?.find((block) => block.group === group);
    box.hidden = !block;
    if (!block) return;
    const left = Math.max(0, block.x);
    Object.assign(box.style, {
      left: `${left}px`,
      width: `${Math.max(1, Math.min(this.scroller.clientWidth, block.x + block.width) - left)}px`,
      top: `${this.#rowTop(group.depth)}px`,
      height: `${ROW - 1}px`,
    });
  }

  /** Draws the rows in view. */
  draw() {
    measured("draw", () => this.#drawRows());
  }

  #drawRows() {
    const { canvas, context, scroller } = this;
    const [width, height] = [scroller.clientWidth, scroller.clientHeight];
    if (!this.tree || width === 0 || height === 0) return;
    const pixels = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * pixels) || canvas.height !== Math.round(height * pixels)) {
      canvas.width = Math.round(width * pixels);
      canvas.height = Math.round(height * pixels);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    context.setTransform(pixels, 0, 0, pixels, 0, 0);
    context.fillStyle = this.app.palette.ground;
    context.fillRect(0, 0, width, height);
    context.font = `12px ${FONT}`;
    context.textBaseline = "middle";
    this.letter ??= context.measureText("mmmmmmmmmm").width / 10;
    const sums = { after: this.app.weights.sum, before: this.app.before?.sum ?? 0, isBefore: this.tree.isBefore };
    const offset = scroller.scrollTop;
    for (let depth = 0; depth < this.levels.length; depth += 1) {
      const top = this.#rowTop(depth) - offset;
      if (top + ROW < 0 || top > height) continue;
      for (const block of this.levels[depth] ?? []) this.#drawBlock(block, top, width, sums);
    }
  }

  #drawBlock({ group, x, width }, top, across, sums) {
    const { context, app } = this;
    const left = Math.max(0, x);
    const right = Math.min(across, x + width);
    const seen = right - left;
    const gap = seen > 3 ? 1 : 0;
    if (!group) {
      context.fillStyle = app.palette.rest;
      context.fillRect(left, top, Math.max(SMALLEST, seen - gap), ROW - 1);
      return;
    }
    const found = app.matches ? app.matches[group.function] === 1 : null;
    context.fillStyle = app.palette.fill(group, found, sums);
    context.fillRect(left, top, Math.max(SMALLEST, seen - gap), ROW - 1);
    const letters = Math.floor((seen - 8) / this.letter);
    if (letters < 2) return;
    const name = this.nameOf(group);
    context.fillStyle = app.palette.text;
    context.fillText(name.length > letters ? `${name.slice(0, letters - 1)}…` : name, left + 4, top + ROW / 2);
  }

  nameOf(group) {
    return group.function < 0 ? "all" : this.app.recording.functions.name[group.function];
  }
}

const FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";

const windowOf = (group) => [group.start, group.start + group.size];
const between = (from, to, part) => from.map((value, at) => value + (to[at] - value) * part);
const rest = (parent, start, end) => ({ depth: parent.depth + 1, start, size: end - start });
