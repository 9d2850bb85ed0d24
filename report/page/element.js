// Elements are made from text alone: no name of a guest is ever read as markup.

/** Entries of a list, at most: nobody reads more, and browsers take no more arguments than some ten thousands. */
const LONGEST_LIST = 5000;

/** Returns the element of the page with this id. */
const byId = (id) => document.getElementById(id);

/** Makes an element with properties, attributes, event handlers (`onclick`) and children; strings become text. */
function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "class") made.className = value;
    else if (value === true) made.setAttribute(name, "");
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Fills `parent` with buttons of which one is chosen; `choose` is called with its value. */
function choice(parent, role, options, chosen, choose) {
  parent.replaceChildren(
    ...options.map(({ value, label, hint }) => {
      const marks = role === "tab" ? { "aria-selected": `${value === chosen}` } : { "aria-checked": `${value === chosen}` };
      return element("button", { type: "button", role, title: hint, "data-value": `${value}`, ...marks, onclick: () => choose(value) }, label);
    }),
  );
}

/** A bar that shows a share, behind a number. */
function shareBar(share, kind = "") {
  const bar = element("span", { class: `share ${kind}` });
  bar.style.setProperty("--share", `${Math.min(1, Math.max(0, share || 0))}`);
  return bar;
}

/** Does something, and tells the browser how long it took, for its own profiler. */
function measured(name, act) {
  const start = performance.now();
  act();
  performance.clearMeasures(`wasmscope:${name}`);
  performance.measure(`wasmscope:${name}`, { start, end: performance.now() });
}
