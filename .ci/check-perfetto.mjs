// Opens a trace in Perfetto's own UI in a headless browser, and compares what its query engine finds with the folded
// stacks of the same recording.
//
//   node check-perfetto.mjs MODULES WEB X.perfetto.json X.folded
//
// MODULES is a folder with playwright-core, WEB one with a build of the UI. CHROMIUM names the browser.
import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { extname, join, normalize } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nameInFolded, totalsOf } from './folded.mjs';

const [modules, web, trace, folded] = process.argv.slice(2);
const { chromium } = createRequire(pathToFileURL(`${modules}/`))('playwright-core');

const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm' };
const server = createServer((request, response) => {
  const path = new URL(request.url, 'http://localhost').pathname;
  const file = join(web, normalize(path === '/' ? '/index.html' : path));
  if (!file.startsWith(web) || !existsSync(file)) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream' });
  createReadStream(file).on('error', () => response.destroy()).pipe(response);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

const problems = [];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
});
try {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.waitForSelector('input[type=file]', { state: 'attached', timeout: 60000 });
  await page.setInputFiles('input[type=file]', trace);
  await page.waitForFunction(() => window.app?.trace?.engine, null, { timeout: 120000 });
  const query = (sql) => page.evaluate(async (text) => {
    const result = await window.app.trace.engine.query(text);
    const columns = result.columns();
    const rows = [];
    for (const row = result.iter({}); row.valid(); row.next()) rows.push(columns.map((name) => String(row.get(name))));
    return rows;
  }, sql);

  const errors = await query("select name, value from stats where value > 0 and severity in ('error', 'data_loss')");
  errors.forEach(([name, value]) => problems.push(`Perfetto counts ${value} of ${name}`));
  const [[unended]] = await query('select count(*) from slice where dur < 0');
  if (unended !== '0') problems.push(`${unended} slices do not end`);

  const sum_by = (key, where) => query(`select s.name, sum(a.int_value) from slice s join args a using (arg_set_id)
    where a.key = '${key}' and a.int_value is not null ${where}
      and s.arg_set_id in (select arg_set_id from args where key = 'args.samples')
    group by s.name`);
  const { sum, totals } = totalsOf(folded);
  const outermost = await sum_by('args.samples', 'and s.depth = 0');
  const whole = outermost.reduce((total, [, value]) => total + Number(value), 0);
  if (whole !== sum) problems.push(`Perfetto adds up ${whole} samples, and ${folded} has ${sum}`);
  const own = new Map((await sum_by('args.self', '')).map(([name, value]) => [nameInFolded(name), Number(value)]));
  for (const [name, { self }] of totals) {
    if ((own.get(name) ?? 0) !== self) problems.push(`${name} has a self of ${own.get(name)}, and of ${self} in ${folded}`);
  }
  const [[slices]] = await query('select count(*) from slice');
  if (problems.length === 0) {
    console.log(`check-perfetto: ${whole} samples in ${slices} slices, self time of ${totals.size} functions agrees`);
  }
} catch (error) {
  problems.push(String(error));
} finally {
  await browser.close();
  server.closeAllConnections();
  server.close();
}
problems.slice(0, 20).forEach((problem) => console.error(`check-perfetto: ${problem}`));
process.exitCode = problems.length > 0 ? 1 : 0;
