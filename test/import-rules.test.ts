import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  importsOf,
  projectFiles,
  readSource,
  resolveImport,
  root,
} from './helpers/source-files.ts';

const runtimeTypes = 'template/node-ts/function/types.ts';

/** What a file may import besides packages; `undefined`: anything. */
function allowedFrom(path: string): RegExp | undefined {
  const [top, second] = path.split('/');
  switch (top) {
    case 'functions':
      return new RegExp(`^(?:shared/|functions/${second}/)`);
    case 'shared':
      return /^shared\//;
    case 'local':
      return /^(?:shared|local)\//;
    case 'template':
      return new RegExp(`^template/${second}/`);
    case 'secrets':
      return /^secrets\//;
    default:
      return undefined;
  }
}

/** Why the imports of `path` break the rules. */
function violations(path: string, source: string): string[] {
  const allowed = allowedFrom(path);
  return importsOf(source).flatMap(({ specifier, typeOnly }) => {
    const target = resolveImport(path, specifier);
    if (target === undefined || allowed === undefined || allowed.test(target)) return [];
    if (target === runtimeTypes && typeOnly) return [];
    // The embedded builder bundles with the template's own build script, as a container would.
    if (target === 'template/node-ts/build.mjs' && path.startsWith('local/builder/')) return [];
    return [`${path} imports ${specifier}`];
  });
}

const sources = projectFiles().filter((path) => /\.(?:ts|mts|mjs)$/.test(path));

describe('import rules', () => {
  it('hold in every source file', () => {
    expect(sources).to.have.length.above(300);
    expect(sources.flatMap((path) => violations(path, readSource(path)))).to.deep.equal([]);
  });

  it('name files that exist, with their extension', () => {
    const broken = sources
      .filter((path) => !path.startsWith('test/fixtures/') && !path.startsWith('local/sample/'))
      .flatMap((path) =>
        importsOf(readSource(path)).flatMap(({ specifier }) => {
          const target = resolveImport(path, specifier);
          return target === undefined || existsSync(join(root, target)) || isText(path, specifier)
            ? []
            : [`${path} imports ${specifier}`];
        }),
      );
    expect(broken).to.deep.equal([]);
  });

  it('leave packages that only tests need out of what is shipped', () => {
    const manifest = JSON.parse(readSource('package.json')) as Record<
      'dependencies' | 'devDependencies',
      Record<string, string>
    >;
    const wrong = sources
      .filter((path) => /^(?:functions|shared|local)\//.test(path))
      .flatMap((path) =>
        importsOf(readSource(path)).flatMap(({ specifier, typeOnly }) => {
          const name = /^(@[^/]+\/[^/]+|[^@#./:][^/:]*)(?:\/|$)/.exec(specifier)?.[1];
          if (name === undefined || typeOnly || name in manifest.dependencies) return [];
          return [`${path} imports ${specifier}`];
        }),
      );
    expect(wrong).to.deep.equal([]);
  });

  it('are enforced: each forbidden import is found', () => {
    const forbidden = [
      ['shared/a.ts', "import { x } from '../functions/echo/handler.ts';"],
      ['shared/a.ts', "import { x } from '../local/main.ts';"],
      ['functions/echo/a.ts', "import { x } from '../git-tar/templates.ts';"],
      ['functions/echo/a.ts', "export * from '../../local/main.ts';"],
      ['functions/echo/a.ts', "const x = await import('../../local/main.ts');"],
      ['functions/echo/a.ts', "import '../../local/main.ts';"],
      ['functions/echo/a.ts', "import {\n  x,\n  y,\n} from '../../test/helpers/listen.ts';"],
      ['functions/echo/a.ts', "import type { X } from '../../local/main.ts';"],
      ['functions/echo/a.ts', "import { start } from '#runtime-types';"],
      ['local/a.ts', "import { x } from '../functions/echo/handler.ts';"],
      ['template/node-ts/runtime/a.ts', "import { x } from '#shared/errors.ts';"],
    ] as const;
    for (const [path, source] of forbidden) {
      expect(violations(path, source), source).to.have.length(1);
    }
  });

  it('are not in the way of what is allowed', () => {
    const fine = [
      ['functions/echo/a.ts', "import type { FunctionEvent } from '#runtime-types';"],
      [
        'functions/echo/a.ts',
        "import { x } from './b.ts';\nimport { y } from '#shared/errors.ts';",
      ],
      ['shared/a/b.ts', "import * as v from 'valibot';\nimport { x } from '../errors.ts';"],
      ['local/a.ts', "import { x } from '#shared/errors.ts';"],
      ['test/a.test.ts', "import { x } from '../functions/echo/handler.ts';"],
    ] as const;
    for (const [path, source] of fine) expect(violations(path, source), source).to.deep.equal([]);
  });
});

/** Tests and the builders hold sources of functions as text. */
function isText(path: string, specifier: string): boolean {
  const bundles = /^(?:template\/node-ts\/build\.mjs|local\/builder\/.*)$/.test(path);
  return path.startsWith('test/') || (bundles && /^\.\/(?:runtime|function)\//.test(specifier));
}
