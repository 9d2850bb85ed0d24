// What is known of the block that was chosen, and what can be done with it.

/** A block's value, with its shares. */
function valueText(flame, group) {
  const { recording, selection, weights, before } = flame.app;
  const { unit } = recording.events[selection.event];
  const sums = { after: weights.sum, before: before?.sum ?? 0, isBefore: flame.tree.isBefore };
  const whole = flame.tree.isBefore ? sums.before : sums.after;
  const parts = [`${amount(group.value, unit, recording.period)}, ${percent(group.value / whole)}`];
  const { zoomed } = flame;
  if (zoomed && zoomed !== flame.tree.root && zoomed.value > 0 && group.depth > zoomed.depth) {
    parts.push(`${percent(group.value / zoomed.value)} of ${flame.nameOf(zoomed)}`);
  }
  if (before) parts.push(`${points(changeOf(group, sums))} points`);
  return parts.join(" · ");
}

/** The stack of a block, innermost first, as backtraces are written. */
function stackText(flame, group) {
  const { recording } = flame.app;
  const path = pathOf(group);
  if (flame.tree.direction === "down") path.reverse();
  const root = flame.tree.root.function;
  const frames = root < 0 ? path : flame.tree.direction === "down" ? [...path, root] : [root, ...path];
  return frames
    .map((called) => {
      const place = recording.placeOf(called);
      return place ? `${recording.functions.name[called]} (${place})` : recording.functions.name[called];
    })
    .join("\n");
}

async function copyStack(flame, group) {
  const done = await copy(stackText(flame, group));
  flame.app.say(done ? "Stack copied." : "The browser does not let this page copy.");
}

/** Pages from files may not use the clipboard in every browser; the old way works there. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = element("textarea", { class: "aside", "aria-hidden": "true" });
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

/** Fills the line under a flame graph. */
function showDetails(host, flame, group) {
  const { recording, selection } = flame.app;
  if (!group || group.function < 0) {
    host.replaceChildren(element("p", { class: "hint" }, "Click a block to zoom into it. ", element("kbd", {}, "/"), " searches, ", element("kbd", {}, "Esc"), " zooms out."));
    return;
  }
  const { unit } = recording.events[selection.event];
  const own = group.self > 0 ? `self ${amount(group.self, unit, recording.period)}` : "no self";
  const module = recording.moduleOf(group.function);
  const button = (label, hint, onclick) => element("button", { type: "button", title: hint, onclick }, label);
  host.replaceChildren(
    element("div", { class: "what" },
      element("b", { class: "name" }, flame.nameOf(group)),
      element("span", { class: "place" }, [recording.placeOf(group.function), module].filter(Boolean).join(" · ")),
      element("span", { class: "numbers" }, `${valueText(flame, group)} · ${own}`)),
    element("div", { class: "do" },
      button("Zoom", "Enter", () => flame.zoom(group)),
      button("Callers & callees", "o", () => selection.set({ view: "function", function: group.function })),
      button("Copy stack", "c", () => copyStack(flame, group))),
  );
}
