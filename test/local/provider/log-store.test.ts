import { appendFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { openFunctionLog } from '../../../local/provider/log-store.ts';
import type { LogLine, LogQuery } from '../../../local/provider/provider.ts';
import { eventually } from '../../helpers/eventually.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const lineAt = (second: number, text = `line ${second}`): LogLine => ({
  name: 'f',
  namespace: 'fn',
  instance: 'f-1',
  timestamp: new Date(second * 1000).toISOString(),
  text,
});

async function collect(lines: AsyncIterable<LogLine>): Promise<string[]> {
  const texts: string[] = [];
  for await (const { text } of lines) texts.push(text);
  return texts;
}

describe('log of a function', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  const query = (parts: Partial<LogQuery> = {}): LogQuery => ({
    id: 'f',
    follow: false,
    signal: new AbortController().signal,
    ...parts,
  });

  beforeEach(async () => {
    dir = await tempDir();
  });
  afterEach(() => dir.remove());

  it('gives lines by time and number', async () => {
    const log = openFunctionLog(dir.path, 'f');
    for (let second = 1; second <= 5; second += 1) log.append(lineAt(second));
    expect(await collect(log.read(query({ since: new Date(4000) })))).to.deep.equal([
      'line 4',
      'line 5',
    ]);
    expect(await collect(log.read(query({ tail: 1 })))).to.deep.equal(['line 5']);
    expect(await collect(log.read(query({ tail: 0 })))).to.deep.equal([]);
    await log.close();
  });

  it('follows from the end of what is there', async () => {
    const log = openFunctionLog(dir.path, 'f');
    log.append(lineAt(1));
    const stop = new AbortController();
    const seen: string[] = [];
    const following = (async () => {
      const lines = log.read(query({ follow: true, tail: 0, signal: stop.signal }));
      for await (const { text } of lines) seen.push(text);
    })();
    log.append(lineAt(2));
    await eventually(() => expect(seen).to.deep.equal(['line 2']));
    log.append(lineAt(3));
    await eventually(() => expect(seen).to.deep.equal(['line 2', 'line 3']));
    stop.abort();
    await following;
    await log.close();
  });

  it('keeps the file small and memory bounded', async () => {
    const log = openFunctionLog(dir.path, 'f');
    const text = 'x'.repeat(10_000);
    for (let second = 0; second < 2500; second += 1) log.append(lineAt(second, text));
    expect(await collect(log.read(query()))).to.have.length(2000);
    await log.close();
    const sizes = await Promise.all(
      (await readdir(dir.path)).map(async (name) => (await stat(join(dir.path, name))).size),
    );
    expect(sizes).to.have.length(2);
    expect(Math.max(...sizes)).to.be.below(6 * 2 ** 20);
    await log.remove();
    expect(await readdir(dir.path)).to.deep.equal([]);
  });

  it('reads what an earlier run wrote, also if its last line is cut off', async () => {
    const before = openFunctionLog(dir.path, 'f');
    before.append(lineAt(1));
    await before.close();
    await appendFile(join(dir.path, 'f.log'), '{"name":"f","te');
    const log = openFunctionLog(dir.path, 'f');
    log.append(lineAt(2));
    expect(await collect(log.read(query()))).to.deep.equal(['line 1', 'line 2']);
    await log.close();
  });
});
