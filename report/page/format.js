// Numbers as people read them.

const TIME_UNITS = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]];
const BYTE_UNITS = [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"], [1, "B"]];

function scaled(value, units) {
  if (value === 0) return `0 ${units[units.length - 1][1]}`;
  const [size, name] = units.find(([size]) => Math.abs(value) >= size) ?? units[units.length - 1];
  const number = value / size;
  const digits = Math.abs(number) >= 100 || size === 1 ? 0 : Math.abs(number) >= 10 ? 1 : 2;
  return `${number.toFixed(digits)} ${name}`;
}

const time = (nanos) => scaled(nanos, TIME_UNITS);
const bytes = (count) => scaled(count, BYTE_UNITS);
const grouped = (count) => Math.round(count).toLocaleString("en-US");
const counted = (count, noun) => `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;

/** A share of one, in percent with one digit; what is there is never shown as nothing. */
function percent(share) {
  if (!Number.isFinite(share)) return "–";
  const value = share * 100;
  if (value > 0 && value < 0.05) return "<0.1 %";
  return `${value.toFixed(1)} %`;
}

/** A change of a share, in percentage points. */
const points = (change) => `${change > 0 ? "+" : change < 0 ? "−" : "±"}${(Math.abs(change) * 100).toFixed(2)}`;

/** The end of a path, where it tells most. */
function tailOf(path) {
  const parts = path.split(/[/\\]/u);
  return parts.length > 4 ? `…/${parts.slice(-3).join("/")}` : path;
}

/** A value of an event, with its unit; samples also as the CPU time that they stand for. */
function amount(value, unit, period) {
  switch (unit) {
    case "nanoseconds": return time(value);
    case "bytes": return bytes(value);
    default: return period > 0 ? `${time(value * period)} (${counted(value, "sample")})` : counted(value, "sample");
  }
}

/** As `amount`, short enough for a column. */
function shortAmount(value, unit) {
  switch (unit) {
    case "nanoseconds": return time(value);
    case "bytes": return bytes(value);
    default: return grouped(value);
  }
}
