// Opens exports in speedscope's own app in a headless browser, and compares what it shows with the folded stacks.
//
//   node check-speedscope.mjs MODULES X.speedscope.json X.folded [X.speedscope.json.gz]...
//
// MODULES is a folder with speedscope and playwright-core. The recording has to be of one thread. Further files have to
// show the same functions at the top. CHROMIUM names the browser.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { nameInFolded, totalsOf } from './folded.mjs';

const [modules, file, folded, ...others] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${modules}/`));
const { chromium } = require('playwright-core');
const app = pathToFileURL(`${modules}/node_modules/speedscope/dist/release/index.html`).href;

function fail(text) {
  console.error(`check-speedscope: ${text}`);
  process.exitCode = 1;
}

// "179.54ms (13%)" as milliseconds, and half a unit of its last digit.
function millisOf(text) {
  const [, digits, unit] = text.match(/^([\d.]+)(ns|µs|ms|s|min)\b/) ?? fail(`${text} is no time`) ?? [0, '0', 'ms'];
  const scale = { ns: 1e-6, 'µs': 1e-3, ms: 1, s: 1e3, min: 6e4 }[unit];
  const decimals = (digits.split('.')[1] ?? '').length;
  return { millis: Number(digits) * scale, slack: 0.51 * scale * 10 ** -decimals };
}

// Reads the rows of the table of functions: total, self, name.
async function rows(page) {
  const cells = await page.$$eval('tr', (all) => all.map((row) => [...row.children].map((cell) => cell.innerText.trim())));
  return cells.filter((row) => row.length >= 3 && /\(.*%\)/.test(row[0]));
}

// Opens a file, and returns the functions with most self time and those with most time in all.
async function shown(browser, path) {
  const page = await browser.newPage();
  const problems = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('dialog', (dialog) => { problems.push(dialog.message()); dialog.dismiss(); });
  await page.goto(app);
  await page.setInputFiles('input[type=file]', path);
  await page.getByText('Sandwich').click({ timeout: 60000 });
  await page.getByText('Symbol Name').waitFor({ timeout: 60000 });
  const bySelf = await rows(page);
  await page.getByText('Total', { exact: true }).click();
  // Some host frame may stand beside the guest's entry.
  const hasNearlyAll = () => [...document.querySelectorAll('tr')].some((row) => /\((100|>99|9\d(\.\d+)?)%\)/.test(row.innerText));
  await page.waitForFunction(hasNearlyAll, null, { timeout: 10000 }).catch(() => problems.push('no function has nearly all of the time'));
  const byTotal = await rows(page);
  await page.close();
  problems.forEach((problem) => fail(`${path}: ${problem}`));
  return { bySelf, byTotal };
}

const profile = JSON.parse(readFileSync(file));
const cpu = profile.profiles.filter(({ name }) => !/\((wait|ready)\)$/.test(name));
const { sum, totals } = totalsOf(folded);
if (cpu.length !== 1) fail(`${file} has ${cpu.length} profiles of CPU time, and one thread can be compared`);
const period = cpu[0].endValue / sum / 1e6;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
});
try {
  const { bySelf, byTotal } = await shown(browser, file);
  let compared = 0;
  // Functions may share a name; folded stacks cannot tell them apart.
  const named = (name) => profile.shared.frames.filter((frame) => frame.name === name).length;
  for (const [total, self, name] of [...bySelf, ...byTotal].filter((row) => named(row[2]) === 1)) {
    const expected = totals.get(nameInFolded(name)) ?? { self: -1, total: -1 };
    for (const [what, text, count] of [['total', total, expected.total], ['self', self, expected.self]]) {
      const { millis, slack } = millisOf(text);
      if (Math.abs(millis - count * period) > slack) {
        fail(`${name} has a ${what} of ${text}, and ${count} samples of ${period} ms in ${folded}`);
      }
    }
    compared += 1;
  }
  if (compared < 4) fail(`${file}: speedscope shows too few functions`);
  for (const other of others) {
    const { byTotal: of_other } = await shown(browser, other);
    const whole = (all) => all.filter((row) => row[0] === all[0][0]).map((row) => row[2]).sort().join('\n');
    if (whole(of_other) !== whole(byTotal)) fail(`${other} is topped by ${whole(of_other)}, ${file} by ${whole(byTotal)}`);
  }
  if (!process.exitCode) {
    console.log(`check-speedscope: speedscope shows ${sum} samples, as ${byTotal[0][0]} of ${byTotal[0][2]}; ` +
      `${compared} rows and ${others.length} other files agree`);
  }
} finally {
  await browser.close();
}
