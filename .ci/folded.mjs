// Folded stacks as the checks of viewers compare with: the samples of all, and self and total by function name.
import { readFileSync } from 'node:fs';

export function totalsOf(file) {
  const totals = new Map();
  let sum = 0;
  for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
    const end = line.lastIndexOf(' ');
    const count = Number(line.slice(end + 1));
    const frames = line.slice(0, end).split(';').map((frame) => frame.replace(/_\[i\]$/, ''));
    sum += count;
    for (const name of new Set(frames)) {
      const entry = totals.get(name) ?? { self: 0, total: 0 };
      entry.total += count;
      entry.self += frames.at(-1) === name ? count : 0;
      totals.set(name, entry);
    }
  }
  return { sum, totals };
}

// A function's name as folded stacks have it.
export function nameInFolded(name) {
  return name.replaceAll(';', ',').replace(/ (?=[\d.]+$)/, '_');
}
