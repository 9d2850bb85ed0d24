// Pointer and keys on a flame graph.

class FlameInput {
  constructor(flame) {
    this.flame = flame;
    const { space, canvas } = flame;
    space.addEventListener("pointermove", (event) => this.#moved(event));
    space.addEventListener("pointerleave", () => this.#left());
    space.addEventListener("click", (event) => this.#clicked(event));
    canvas.addEventListener("keydown", (event) => this.#pressed(event));
    flame.scroller.addEventListener("scroll", () => this.#left(), { passive: true });
  }

  #under({ clientX, clientY }) {
    const { left, top } = this.flame.space.getBoundingClientRect();
    return this.flame.at(clientX - left, clientY - top);
  }

  #moved(event) {
    if (event.pointerType === "touch") return;
    const group = this.#under(event);
    this.flame.hover(group);
    this.flame.space.classList.toggle("over", group !== null);
    if (group) showTip(event, this.flame.nameOf(group), valueText(this.flame, group));
    else hideTip();
  }

  #left() {
    this.flame.hover(null);
    hideTip();
  }

  #clicked(event) {
    const group = this.#under(event);
    this.flame.canvas.focus({ preventScroll: true });
    if (!group) return;
    this.flame.choose(group);
    this.flame.zoom(group);
  }

  #pressed(event) {
    const { flame } = this;
    if (event.ctrlKey || event.metaKey || event.altKey || !flame.tree) return;
    const away = flame.grows === "up" ? "ArrowUp" : "ArrowDown";
    const back = flame.grows === "up" ? "ArrowDown" : "ArrowUp";
    const chosen = flame.chosen ?? flame.zoomed ?? flame.tree.root;
    switch (event.key) {
      case away: this.#walk(flame.chosen ? flame.tree.children(chosen)[0] : chosen); break;
      case back: this.#walk(chosen.parent); break;
      case "ArrowLeft": this.#walk(this.#beside(chosen, -1)); break;
      case "ArrowRight": this.#walk(this.#beside(chosen, 1)); break;
      case "Enter": flame.zoom(chosen); break;
      case "c": copyStack(flame, chosen); break;
      case "o": if (chosen.function >= 0) flame.app.selection.set({ view: "function", function: chosen.function }); break;
      default: return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  #beside(group, step) {
    if (!group.parent) return null;
    const beside = this.flame.tree.children(group.parent);
    return beside[beside.indexOf(group) + step];
  }

  #walk(group) {
    const { flame } = this;
    if (!group || group.value <= 0) return;
    const { start, size } = flame.zoomed;
    // What lies outside of the zoom, or too small in it, is zoomed to.
    const isOutside = group.start + group.size <= start || group.start >= start + size;
    if (isOutside || (group.size / size) * flame.scroller.clientWidth < SMALLEST * 2) flame.zoom(group.parent ?? group);
    flame.choose(group);
    flame.reveal(group);
  }
}

function showTip({ clientX, clientY }, name, value) {
  const tip = byId("tip");
  tip.replaceChildren(element("b", {}, name), element("span", {}, value));
  tip.hidden = false;
  const { offsetWidth, offsetHeight } = tip;
  const x = Math.max(4, Math.min(clientX + 14, innerWidth - offsetWidth - 8));
  const below = clientY + 18;
  tip.style.left = `${x}px`;
  tip.style.top = `${below + offsetHeight > innerHeight ? clientY - offsetHeight - 10 : below}px`;
}

function hideTip() {
  byId("tip").hidden = true;
}
