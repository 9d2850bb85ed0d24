// Uses the HTML page as a reader would, in a headless browser.
//
//   node check-html.mjs MODULES FOLDER
//
// MODULES is a folder with playwright-core; FOLDER has waits.html, many.html, hostile.html and diff.html, and gets pictures of
// them. CHROMIUM names the browser.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [modules, folder] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${modules}/`));
const { chromium } = require('playwright-core');

// A frame that takes longer is felt.
const FRAME_MILLIS = 100;

let checked = 0;
function check(holds, text) {
  checked += 1;
  if (holds) return;
  console.error(`check-html: ${text}`);
  process.exitCode = 1;
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });

// Opens a page, and gathers whatever goes wrong in it.
async function open(name, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const problems = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('request', (request) => !request.url().startsWith('file:') && problems.push(`asked for ${request.url()}`));
  await page.addInitScript(() => {
    window.violations = [];
    window.draws = [];
    addEventListener('securitypolicyviolation', (event) => window.violations.push(`${event.violatedDirective} ${event.sample}`));
    new PerformanceObserver((list) => window.draws.push(...list.getEntries().map(({ name, duration }) => [name.replace('wasmscope:', ''), duration])))
      .observe({ entryTypes: ['measure'] });
  });
  await page.goto(pathToFileURL(`${folder}/${name}.html`).href);
  await page.waitForFunction(() => document.getElementById('summary').textContent !== '');
  return {
    page,
    context,
    text: (id) => page.locator(`#${id}`).innerText(),
    click: (name) => page.getByRole('button', { name, exact: true }).or(page.getByRole('tab', { name, exact: true })).or(page.getByRole('radio', { name, exact: true })).first().click(),
    settled: () => page.waitForTimeout(400),
    close: async () => {
      const violations = await page.evaluate(() => window.violations);
      check(violations.length === 0, `${name}: the content policy was violated: ${violations}`);
      check(problems.length === 0, `${name}: ${problems}`);
      await context.close();
    },
  };
}

const share = (text) => Number(/([\d.]+) %/.exec(text)?.[1] ?? Number.NaN);

async function explores() {
  const { page, text, click, settled, close } = await open('waits');
  const sample = async () => /cpu: (.*?) ·/.exec(await text('summary'))?.[1];
  check((await sample())?.includes('sample'), `the summary tells no samples: ${await text('summary')}`);
  await page.screenshot({ path: `${folder}/waits.png` });

  // Another event.
  await click('wait');
  check((await text('summary')).startsWith('wait: '), `the event did not change: ${await text('summary')}`);
  const whole = await text('summary');
  await page.screenshot({ path: `${folder}/waits-wait.png` });

  // A search, and what it matches.
  await page.keyboard.press('/');
  await page.keyboard.type('nap');
  check(share(await text('matched')) > 50, `"nap" matches ${await text('matched')}`);
  await page.keyboard.type('(');
  check((await text('matched')) === 'not a pattern yet', 'a broken pattern is not told');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  check((await text('matched')) === '', 'Escape does not end the search');

  // Zoom by keys, and out again.
  await page.locator('#flame canvas').focus();
  for (let step = 0; step < 4; step += 1) await page.keyboard.press('ArrowUp');
  const chosen = await page.locator('#details .name').innerText();
  check(chosen !== '' && chosen !== 'all', 'the arrow keys choose nothing');
  await page.keyboard.press('Enter');
  await settled();
  check(await page.locator('#zoom-out').isEnabled(), 'Enter does not zoom');
  await click('Zoom out');
  await settled();
  check(await page.locator('#zoom-out').isDisabled(), 'Zoom out does not zoom out');

  // Zoom by a click: the block at the bottom is the whole, the one above it the first function.
  const box = await page.locator('#flame canvas').boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height - 29);
  check(await page.locator('#tip').isVisible(), 'there is no tooltip over a block');
  await page.mouse.click(box.x + box.width / 2, box.y + box.height - 29);
  await settled();
  check((await page.locator('#details .name').innerText()) !== '', 'a click chooses nothing');

  // A part of the time.
  const strip = await page.locator('#timeline').boundingBox();
  await page.mouse.move(strip.x + strip.width * 0.25, strip.y + 20);
  await page.mouse.down();
  await page.mouse.move(strip.x + strip.width * 0.4, strip.y + 20);
  await page.mouse.move(strip.x + strip.width * 0.5, strip.y + 20);
  await page.mouse.up();
  check((await text('range-text')).includes(' to '), 'no time is chosen');
  check((await text('summary')) !== whole, 'a part of the time weighs as much as the whole');
  await page.screenshot({ path: `${folder}/waits-range.png` });
  check(/time=\d+-\d+/.test(page.url()), 'the address does not tell the time that is chosen');
  await page.reload();
  check((await text('range-text')).includes(' to '), 'reloading forgets the time that is chosen');
  await click('Whole time');
  check((await text('summary')) === whole, 'the whole time weighs differently afterwards');

  // Layouts.
  for (const layout of ['Icicle', 'Reversed', 'Flame']) {
    await click(layout);
    check(await page.getByRole('radio', { name: layout, exact: true }).getAttribute('aria-checked') === 'true', `${layout} is not shown`);
  }

  // Functions, callers and callees.
  await click('Functions');
  const rows = await page.locator('#functions-view tbody tr').count();
  check(rows > 3, `the table has ${rows} rows`);
  await page.locator('#functions-view tbody tr', { hasText: 'nap' }).first().click();
  check((await page.locator('#function-view h2').innerText()).includes('nap'), 'a click on a row does not open its function');
  check(await page.locator('#function-view .callers canvas').isVisible() && await page.locator('#function-view .callees canvas').isVisible(), 'callers or callees are missing');
  await page.screenshot({ path: `${folder}/waits-function.png` });
  await click('Host calls');
  check(await page.locator('#calls-view tbody tr').count() > 0, 'there are no host calls');
  await click('About');
  check((await text('about-view')).includes('Modules'), 'nothing is told of the recording');
  await close();
}

async function fitsSmallAndDark() {
  const { page, close } = await open('waits', { viewport: { width: 390, height: 780 }, colorScheme: 'dark', deviceScaleFactor: 2, hasTouch: true });
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  check(wider <= 0, `the page is ${wider} pixels wider than a phone`);
  const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  check(/\((\d+)/.exec(ground)[1] < 60, `the page is not dark: ${ground}`);
  await page.screenshot({ path: `${folder}/waits-phone.png` });
  await page.emulateMedia({ media: 'print', colorScheme: 'light' });
  await page.pdf({ path: `${folder}/waits.pdf` });
  await close();
}

async function isSmooth() {
  const { page, settled, close } = await open('many');
  const box = await page.locator('#flame canvas').boundingBox();
  for (const [across, up] of [[0.3, 130], [0.6, 200], [0.2, 60], [0.8, 300]]) {
    await page.mouse.click(box.x + box.width * across, box.y + box.height - up);
    await settled();
    await page.mouse.wheel(0, -400);
    await settled();
    await page.keyboard.press('Escape');
    await settled();
  }
  await page.locator('#search').fill('module_1\\d');
  await settled();
  for (const layout of ['Icicle', 'Reversed', 'Flame']) {
    await page.getByRole('radio', { name: layout, exact: true }).click();
    await settled();
  }
  const measures = await page.evaluate(() => window.draws);
  for (const part of ['draw', 'layout', 'tree', 'weigh']) {
    const times = measures.filter(([name]) => name === part).map(([, millis]) => millis).sort((a, b) => a - b);
    const [median, longest] = [times[times.length >> 1], times[times.length - 1]];
    console.log(`check-html: 100000 stacks: ${part}, ${times.length} times: ${median.toFixed(1)} ms in the median, the longest ${longest.toFixed(1)} ms`);
    if (part === 'draw') check(times.length > 30, `only ${times.length} frames were drawn`);
    // One frame may meet a busy moment of the machine; most may not.
    check(median < FRAME_MILLIS || part === 'weigh', `${part} took ${median.toFixed(1)} ms`);
  }
  await page.screenshot({ path: `${folder}/many.png` });
  await close();
}

async function isHarmless() {
  const { page, click, settled, close } = await open('hostile');
  for (const view of ['Functions', 'About', 'Flame graph']) await click(view);
  const box = await page.locator('#flame canvas').boundingBox();
  for (let across = 0.03; across < 1; across += 0.06) {
    await page.mouse.move(box.x + box.width * across, box.y + box.height - 29);
    await page.mouse.click(box.x + box.width * across, box.y + box.height - 29);
    await settled();
    await page.keyboard.press('Escape');
  }
  await click('Functions');
  const rows = await page.locator('#functions-view tbody tr').count();
  for (let row = 0; row < rows; row += 1) {
    await click('Functions');
    await page.locator('#functions-view tbody tr').nth(row).click();
  }
  check(rows >= 15, `only ${rows} hostile names are shown`);
  const harm = await page.evaluate(() => [window.harmed, document.title.includes('harmed'), document.querySelectorAll('img, iframe, svg, body script:not(#data)').length]);
  check(harm[0] === undefined && !harm[1] && harm[2] <= 1, `a name did harm: ${harm}`);
  await page.screenshot({ path: `${folder}/hostile.png` });
  await close();
}

async function compares() {
  const { page, click, text, close } = await open('diff');
  check((await text('legend')).startsWith('Red'), 'the colours are not told');
  await page.screenshot({ path: `${folder}/diff.png` });
  await click('before');
  await click('Functions');
  check(await page.locator('#functions-view tbody tr').count() > 3, 'no function is compared');
  await page.screenshot({ path: `${folder}/diff-functions.png` });
  await close();
}

for (const part of [explores, fitsSmallAndDark, isSmooth, isHarmless, compares]) {
  try {
    await part();
  } catch (error) {
    check(false, `${part.name}: ${error.message.split('\n').slice(0, 4).join(' ')}`);
  }
}
await browser.close();
console.log(`check-html: ${checked} checks, pictures in ${folder}`);
