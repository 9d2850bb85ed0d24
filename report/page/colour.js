// Colours of blocks. The page's own colours are in its style; these depend on what is drawn.

class Palette {
  constructor(recording) {
    this.recording = recording;
    this.changed = recording.comparison && new Set([...recording.comparison.own, ...recording.comparison.total]);
    this.hues = new Map();
    this.update();
  }

  /** Reads again whether the page is light or dark; `light` for paper. */
  update(light = false) {
    this.isDark = !light && matchMedia("(prefers-color-scheme: dark)").matches;
    const style = getComputedStyle(document.documentElement);
    const named = (name) => style.getPropertyValue(`--${name}`).trim();
    this.text = this.isDark ? "#f4f1ec" : "#1d1a16";
    this.rest = this.isDark ? "#3a3733" : "#e4e0d9";
    this.ground = light ? "#ffffff" : named("panel");
    this.events = { cpu: named("cpu"), wait: named("wait"), ready: named("ready"), alloc: named("cpu"), live: named("wait") };
    this.accent = named("accent");
    this.faint = named("line");
    this.muted = named("muted");
  }

  /** Functions of one file or namespace look alike, and differ a little from each other. */
  #hueOf(called) {
    let hue = this.hues.get(called);
    if (hue === undefined) {
      const { name } = this.recording.functions;
      const family = this.recording.fileOf(called) || name[called].split(/::|\.|\$|</u)[0];
      hue = { base: hash(family) % 44, shift: (hash(name[called]) % 100) / 100 };
      this.hues.set(called, hue);
    }
    return hue;
  }

  /** What a block is filled with. `found` says whether the search matches it; `null` when nothing is searched for. */
  fill(group, found, sums) {
    if (found === true) return this.isDark ? "hsl(292 42% 46%)" : "hsl(292 68% 76%)";
    const fade = found === false ? 0.45 : 1;
    if (this.changed) return this.#change(group, sums, fade);
    if (group.function < 0) return this.isDark ? "hsl(36 5% 30%)" : "hsl(36 12% 84%)";
    if (group.kind === KINDS.hostCall) return this.#tone(212, 48, 0, fade);
    if (group.kind === KINDS.marker || this.recording.isAdapter(group.function)) return this.#tone(36, 6, 0, fade);
    const { base, shift } = this.#hueOf(group.function);
    const inlined = group.kind === KINDS.inlined;
    return this.#tone(8 + base, inlined ? 58 : 78, shift + (inlined ? 0.8 : 0), fade);
  }

  #tone(hue, saturation, shift, fade) {
    return this.isDark
      ? `hsl(${hue} ${saturation * 0.62 * fade}% ${34 + shift * 5 - (1 - fade) * 10}%)`
      : `hsl(${hue} ${saturation * fade}% ${69 + shift * 7 + (1 - fade) * 12}%)`;
  }

  /** Red for more, blue for less, the stronger the larger the change; grey within the noise. */
  #change(group, sums, fade) {
    const change = changeOf(group, sums);
    const isNoise = group.function < 0 || !this.changed.has(group.function);
    const strength = isNoise ? 0 : Math.min(1, Math.sqrt(Math.abs(change) / 0.1));
    if (strength === 0) return this.#tone(36, 5, 1.4, fade);
    return this.#tone(change > 0 ? 8 : 214, 12 + strength * 68, 0.9 - strength * 0.9, fade);
  }
}

/** By how much a block has grown, as a part of the whole that is shown. */
const changeOf = (group, { after, before, isBefore }) => {
  const now = isBefore ? group.before : group.value;
  const then = isBefore ? group.value : group.before;
  return (now - then) / (after || before || 1);
};

/** FNV-1a, on UTF-16 units. */
function hash(text) {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}
