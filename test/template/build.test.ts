import { mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import * as esbuild from 'esbuild';
import { build, findHandler } from '../../template/node-ts/build.mjs';
import { buildFunction, createContext } from './helpers/function-process.ts';

const root = join(import.meta.dirname, '../..');
const quiet = () => {};

/** Builds, starts and calls a function once. */
async function answerOf(files: Record<string, string>, options = {}) {
  const built = await buildFunction(files, options);
  try {
    const running = await built.start();
    const answer = await running.call('/');
    await running.kill();
    return { ...answer, log: built.log };
  } finally {
    await built.remove();
  }
}

async function failureOf(files: Record<string, string>, options = {}): Promise<string> {
  const context = await createContext(files);
  try {
    await build({ contextDir: context.path, esbuild, log: quiet, ...options });
    return 'no failure';
  } catch (error) {
    return String(error);
  } finally {
    await context.remove();
  }
}

describe('template/node-ts/build', () => {
  it("prefers a JavaScript handler to the template's left over handler.ts", () => {
    expect(findHandler(['handler.ts', 'types.ts', 'handler.js'])).to.equal('handler.js');
    expect(findHandler(['handler.ts', 'handler.cjs'])).to.equal('handler.cjs');
    expect(findHandler(['handler.ts', 'handler.mjs'])).to.equal('handler.mjs');
    expect(findHandler(['package.json', 'handler.ts'])).to.equal('handler.ts');
    expect(findHandler(['index.js'])).to.equal(undefined);
  });

  it('builds the sample handler with its types checked', async () => {
    const { status, body, log } = await answerOf({}, { typecheck: true });
    expect(status).to.equal(200);
    expect(JSON.parse(body)).to.deep.equal({ body: '' });
    expect(log).to.include('types: checked');
  });

  it('bundles client/main.tsx for browsers, named by its content', async () => {
    const files = {
      'handler.js': `
        const { readFileSync } = require('fs');
        const { join } = require('path');
        const folder = join(__dirname, 'static/client');
        module.exports = async () => {
          const names = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
          const read = (name) => name && readFileSync(join(folder, name), 'utf8');
          return { names, js: read(names.js), css: read(names.css) };
        };`,
      'client/tsconfig.json': '{"compilerOptions":{"jsx":"react","jsxFactory":"h"}}',
      'client/main.tsx': `
        import './look.css';
        import { greeting } from './greeting.ts';
        const h = (name: string, _: null, text: string) => document.createElement(name).append(text);
        document.body.append(<p>{greeting}</p>);`,
      'client/greeting.ts': "export const greeting: string = 'hello from the client';",
      'client/look.css': 'p { color: red }',
    };
    const { names, js, css } = JSON.parse((await answerOf(files)).body) as {
      names: Record<'js' | 'css', string>;
      js: string;
      css: string;
    };
    expect(names.js).to.match(/^main-[A-Z0-9]{8}\.js$/);
    expect(names.css).to.match(/^main-[A-Z0-9]{8}\.css$/);
    expect(js).to.include('hello from the client').and.not.include('import');
    expect(css).to.include('color:red');
    const changed = { ...files, 'client/greeting.ts': "export const greeting = 'other';" };
    const after = JSON.parse((await answerOf(changed)).body) as { names: { js: string } };
    expect(after.names.js).to.not.equal(names.js);
  });

  it('fails on client code that does not build, with its place', async () => {
    const broken = { 'handler.js': 'module.exports = () => 1', 'client/main.js': 'let = ;' };
    expect(await failureOf(broken)).to.include('client/main.js:1');
  });

  it('builds a CommonJS handler, with __dirname, require and assets beside the bundle', async () => {
    const { body } = await answerOf(
      {
        'handler.js': `'use strict';
          const { readFileSync } = require('fs');
          const { join } = require('path');
          const name = 'node:os';
          module.exports = async (event, context) =>
            [readFileSync(join(__dirname, 'static/a.txt'), 'utf8'),
             readFileSync(join(__dirname, 'data/b.txt'), 'utf8'), typeof require(name).cpus].join(' ');`,
        'static/a.txt': 'A',
        'data/b.txt': 'B',
      },
      { assets: ['data'] },
    );
    expect(body).to.equal('A B function');
  });

  it('builds ES modules in JavaScript that declare require and __dirname themselves', async () => {
    const { body } = await answerOf({
      'handler.mjs': `import { createRequire } from 'node:module';
        const require = createRequire(import.meta.url);
        const __dirname = import.meta.dirname;
        export default () => typeof require('node:fs').readFileSync + (__dirname.length > 1);`,
    });
    expect(body).to.equal('functiontrue');
  });

  it('builds a handler compiled to exports.default', async () => {
    const { body } = await answerOf({
      'handler.cjs': `Object.defineProperty(exports, '__esModule', { value: true });
        exports.default = async () => 'compiled';`,
    });
    expect(body).to.equal('compiled');
  });

  it('builds a context of the platform: shared code and types by subpath imports', async () => {
    const { body, log } = await answerOf(
      {
        'handler.ts': `import { greet } from '#shared/greet.ts';
          import type { FunctionContext, FunctionEvent } from '#runtime-types';
          export default async (event: FunctionEvent, context: FunctionContext) =>
            context.succeed(greet(event.method));`,
        'shared/greet.ts': 'export const greet = (who: string): string => "Hello " + who;',
        'shared/unused.ts': 'export const wrong: number = "not imported, so not checked";',
        'template/node-ts/function/types.ts': await readFile(
          join(root, 'template/node-ts/function/types.ts'),
          'utf8',
        ),
        'tsconfig.json': await readFile(join(root, 'tsconfig.json'), 'utf8'),
        'package.json': JSON.stringify({
          type: 'module',
          imports: {
            '#shared/*': './shared/*',
            '#runtime-types': './template/node-ts/function/types.ts',
          },
        }),
      },
      { typecheck: true },
    );
    expect(body).to.equal('Hello GET');
    expect(log).to.include('types: checked');
  });

  it('fails with file and line for a type error, and builds when told not to check', async () => {
    const files = { 'handler.ts': 'const n: number = "one";\nexport default () => n;\n' };
    expect(await failureOf(files)).to.match(/handler\.ts\(1,7\): error TS2322/);
    expect(await failureOf(files, { typecheck: false })).to.equal('no failure');
  });

  it('accepts a raw handler by its type, and refuses one with the wrong arguments', async () => {
    const raw = (second: string) => ({
      'handler.ts': `import type { RawHandler } from './types.ts';
        export const raw: RawHandler = async (request, response${second}) => { response.end(request.url); };`,
    });
    expect(await failureOf(raw(', { log }'))).to.equal('no failure');
    expect(await failureOf(raw(', context: number'))).to.contain('The types are wrong');
  });

  it('names the file of a syntax error and of a missing package', async () => {
    const context = await createContext({ 'handler.js': "import 'no-such-package';" });
    const failure = await build({ contextDir: context.path, esbuild, log: quiet }).catch(String);
    await context.remove();
    expect(failure).to.match(/handler\.js:1:\d+.*no-such-package/s);
  });

  it('refuses assets outside the function folder, and links', async () => {
    for (const asset of ['../runtime', '/etc/hostname', 'a/../../tsconfig.json', '.']) {
      expect(await failureOf({}, { typecheck: false, assets: [asset] })).to.contain('not inside');
    }
    const context = await createContext({});
    await mkdir(join(context.path, 'function/static'));
    await symlink('/etc/hostname', join(context.path, 'function/static/leak'));
    const failure = await build({
      contextDir: context.path,
      esbuild,
      typecheck: false,
      log: quiet,
    }).catch(String);
    await context.remove();
    expect(failure).to.contain('is a link');
  });
});
