// What the reader should know of the recording, and how the page is used.

const KEYS = [
  ["/", "search"], ["Esc", "end the search, zoom out"], ["1 – 5", "views"], ["e", "next event"], ["i", "next layout"],
  ["↑ ↓ ← →", "walk in the flame graph"], ["Enter", "zoom"], ["o", "callers and callees"], ["c", "copy the stack"],
  ["← → in the time strip", "move the range, with Shift its end"],
];

function drawFacts(recording) {
  const { facts, modules, comparison } = recording;
  const rows = (pairs) => pairs.map(([name, text]) => element("div", {}, element("dt", {}, name), element("dd", {}, text)));
  const known = modules.name.slice(0, LONGEST_LIST).map((name, index) => [name, `${modules.identity[index]}${modules.adapter[index] ? " (adapter)" : ""}`]);
  if (modules.name.length > LONGEST_LIST) known.push(["…", `${modules.name.length - LONGEST_LIST} more`]);
  const pace = comparison ? [["compared", comparison.pace]] : [];
  const legend = [
    ["guest", "guest code; functions of one file have one colour"], ["inlined", "inlined: no call at run time"],
    ["host", "a call of the host"], ["marker", "[brackets]: not a function; what is told instead of one"],
  ];
  byId("about-view").replaceChildren(...[
    element("h2", {}, "Recording"), element("dl", {}, ...rows([...pace, ...facts])),
    known.length > 0 ? element("h2", {}, "Modules") : null,
    element("dl", { class: "identities" }, ...rows(known)),
    comparison ? null : element("h2", {}, "Colours"),
    comparison ? null : element("dl", {}, ...legend.map(([kind, text]) => element("div", {}, element("dt", {}, element("span", { class: `swatch ${kind}` })), element("dd", {}, text)))),
    element("h2", {}, "Keys"), element("dl", { class: "keys" }, ...KEYS.map(([key, text]) => element("div", {}, element("dt", {}, element("kbd", {}, key)), element("dd", {}, text)))),
    element("p", { class: "hint" }, "Made by wasmscope. This page is one file, and sends nothing."),
  ].filter(Boolean));
}
