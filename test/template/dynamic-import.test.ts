import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { eventually } from '../helpers/eventually.ts';
import {
  type BuiltFunction,
  buildFunction,
  type FunctionProcess,
} from './helpers/function-process.ts';

const files = {
  'handler.ts': `
    import { count } from './count.ts';
    import type { FunctionEvent } from './types.ts';
    export default async (event: FunctionEvent) => {
      count();
      if (event.path === '/') return 'nothing loaded';
      const { answer } = await import('./rarely-used.ts');
      return answer(event.path);
    };`,
  'count.ts': 'let calls = 0; export const count = () => ++calls;',
  'rarely-used.ts': `
    import { count } from './count.ts';
    export const answer = (path: string) => {
      if (path === '/fail') throw new Error('too rare');
      return { calls: count(), dirname: __dirname, os: typeof require('node:os').cpus };
    };`,
};

describe('template/node-ts: a handler with a dynamic import', () => {
  let built: BuiltFunction;
  const running: FunctionProcess[] = [];
  const start = async () => {
    const fn = await built.start();
    running.push(fn);
    return fn;
  };
  const modules = async ({ folder }: BuiltFunction) =>
    (await readdir(join(folder, 'dist'))).filter((name) => name.endsWith('.mjs')).sort();
  beforeEach(async () => {
    built = await buildFunction(files);
  });
  afterEach(async () => {
    for (const fn of running.splice(0)) await fn.kill();
    await built.remove();
  });

  it('loads it when it is asked for, with the same modules and the same folder', async () => {
    const fn = await start();
    expect((await fn.call('/')).body).to.equal('nothing loaded');
    const { calls, dirname, os } = JSON.parse((await fn.call('/load')).body);
    expect({ calls, dirname, os }).to.deep.equal({
      calls: 3,
      dirname: join(built.folder, 'dist'),
      os: 'function',
    });
  });

  it('starts without a look at it', async () => {
    const lazy = (await modules(built)).filter((name) => name.startsWith('rarely-used-'));
    expect(lazy).to.have.length(1);
    await rm(join(built.folder, 'dist', lazy[0] ?? ''));
    const fn = await start();
    expect((await fn.call('/')).body).to.equal('nothing loaded');
    expect((await fn.call('/load')).status).to.equal(500);
  });

  it('logs the place in the sources of what fails there', async () => {
    const fn = await start();
    expect((await fn.call('/fail')).status).to.equal(500);
    await eventually(() => {
      const failed = fn.logs().find(({ error }) => error === 'too rare');
      expect(failed?.['stack']).to.match(/function\/rarely-used\.ts:4:\d+/);
    });
  });

  it('is bundled into the same files each time', async () => {
    const again = await buildFunction(files);
    const read = async (made: BuiltFunction) =>
      Promise.all(
        (await modules(made)).map(async (name) => [
          name,
          await readFile(join(made.folder, 'dist', name), 'utf8'),
        ]),
      );
    try {
      expect(await read(again)).to.deep.equal(await read(built));
    } finally {
      await again.remove();
    }
  });

  it('has one file without one', async () => {
    const plain = await buildFunction({ 'handler.ts': 'export default async () => "plain";' });
    try {
      expect(await modules(plain)).to.deep.equal(['index.mjs']);
      expect(plain.log.join('\n')).to.not.include('more for dynamic imports');
    } finally {
      await plain.remove();
    }
  });
});
