import { expect } from 'chai';
import { CloudError } from '#shared/errors.ts';
import { parseFunctionKey } from '#shared/names.ts';
import { defaultSourceLimits, type SourceLimits } from '#shared/shrinkwrap/limits.ts';
import { createMemoryTree, type MemoryEntry } from '#shared/shrinkwrap/memory-tree.ts';
import { shrinkwrap } from '#shared/shrinkwrap/shrinkwrap.ts';
import type { SourceTree } from '#shared/shrinkwrap/source-tree.ts';

type Files = Readonly<Record<string, MemoryEntry>>;

interface Case {
  readonly repo: Files | SourceTree;
  readonly template?: Files;
  readonly handlerFolder?: string;
  readonly lang?: string;
  readonly handler?: string;
  readonly copy?: readonly string[];
  readonly limits?: Partial<SourceLimits>;
}

const isTree = (repo: Files | SourceTree): repo is SourceTree => typeof repo['list'] === 'function';

function entriesOf({ repo, template, handlerFolder = 'function', ...rest }: Case) {
  const { lang = 'node', handler = 'hello', copy = [], limits = {} } = rest;
  return shrinkwrap({
    repo: isTree(repo) ? repo : createMemoryTree(repo),
    template: template && createMemoryTree(template),
    templateYml: { handlerFolder },
    fn: { key: parseFunctionKey('hello'), line: 6, lang, handler },
    copy,
    limits: { ...defaultSourceLimits, ...limits },
  });
}

/** One line per entry: mode, path and content, as a golden is best read. */
async function treeOf(input: Case): Promise<string[]> {
  const entries = await entriesOf(input);
  return entries.map((entry) =>
    entry.kind === 'directory'
      ? `${entry.mode.toString(8)} ${entry.path}/`
      : `${entry.mode.toString(8)} ${entry.path} ${entry.content}`,
  );
}

async function failureOf(input: Case): Promise<CloudError> {
  const outcome = await treeOf(input).catch((error: unknown) => error);
  if (outcome instanceof CloudError) return outcome;
  throw new Error(`expected a refusal, got ${String(outcome)}`);
}

const template: Files = {
  Dockerfile: 'FROM node',
  'template.yml': 'language: node',
  '.dockerignore': '*/node_modules',
  'entry.sh': { mode: 0o755, content: 'run' },
  'function/handler.js': 'sample',
  'function/package.json': 'sample',
  'build/x': 'of the template',
};

describe('shrinkwrap', () => {
  it('lays the handler over the template, leaves sample files that are not overwritten', async () => {
    const repo: Files = {
      'hello/handler.js': 'mine',
      'hello/lib/a.js': { mode: 0o700, content: 'a' },
      'hello/.hidden': 'h',
      'other/b.js': 'not taken',
      'stack.yml': 'not taken',
    };
    expect(await treeOf({ repo, template })).to.deep.equal([
      '644 .dockerignore */node_modules',
      '644 Dockerfile FROM node',
      '755 build/',
      '644 build/x of the template',
      '755 entry.sh run',
      '755 function/',
      '644 function/.hidden h',
      '644 function/handler.js mine',
      '755 function/lib/',
      '755 function/lib/a.js a',
      '644 function/package.json sample',
      '644 template.yml language: node',
    ]);
  });

  it('puts handler and copies into a nested handler_folder, copies last', async () => {
    const repo: Files = {
      'hello/handler.js': 'mine',
      'hello/common/nested/c.js': 'of the handler',
      'common/nested/c.js': 'copied',
      'common/unused.js': 'not taken',
      'shared/s.js': 's',
      'package.json': 'root',
    };
    const copy = ['common/nested/c.js', 'shared', 'package.json'];
    const input = { repo, template: { Dockerfile: 'D' }, handlerFolder: 'src/fn', copy };
    expect(await treeOf(input)).to.deep.equal([
      '644 Dockerfile D',
      '755 src/',
      '755 src/fn/',
      '755 src/fn/common/',
      '755 src/fn/common/nested/',
      '644 src/fn/common/nested/c.js copied',
      '644 src/fn/handler.js mine',
      '644 src/fn/package.json root',
      '755 src/fn/shared/',
      '644 src/fn/shared/s.js s',
    ]);
  });

  it('puts a dockerfile function at the root, without any template', async () => {
    const repo: Files = {
      'hello/Dockerfile': 'FROM scratch',
      'lib/a': 'a',
      'template/dockerfile/x': 'x',
    };
    const input = { repo, template, lang: 'dockerfile', copy: ['lib'] };
    expect(await treeOf(input)).to.deep.equal([
      '644 Dockerfile FROM scratch',
      '755 lib/',
      '644 lib/a a',
    ]);
  });

  it('skips build and template directly below the handler only, of any kind', async () => {
    const repo: Files = {
      'hello/build/x': 'skipped',
      'hello/template': 'skipped',
      'hello/buildx': 'kept',
      'hello/Build/x': 'kept',
      'hello/src/build/x': 'kept',
      'hello/src/template/y': 'kept',
      'lib/build/z': 'kept',
    };
    const input = { repo, lang: 'dockerfile', copy: ['lib'] };
    expect(await treeOf(input)).to.deep.equal([
      '755 Build/',
      '644 Build/x kept',
      '644 buildx kept',
      '755 lib/',
      '755 lib/build/',
      '644 lib/build/z kept',
      '755 src/',
      '755 src/build/',
      '644 src/build/x kept',
      '755 src/template/',
      '644 src/template/y kept',
    ]);
  });

  it('takes the whole repo for the handler ".", but no template of the repo', async () => {
    const repo: Files = { 'a.js': 'a', 'template/node/Dockerfile': 'evil', 'stack.yml': 's' };
    const input = { repo, template: { Dockerfile: 'D' }, handler: '.' };
    expect(await treeOf(input)).to.deep.equal([
      '644 Dockerfile D',
      '755 function/',
      '644 function/a.js a',
      '644 function/stack.yml s',
    ]);
  });

  it('keeps empty folders and walks as a folder walk does', async () => {
    const repo: Files = {
      'hello/empty': { kind: 'directory' },
      'hello/a.txt': '',
      'hello/a/z': '',
      'hello/a-b': '',
      'hello/é': '',
    };
    const input = { repo, lang: 'dockerfile' };
    expect(await treeOf(input)).to.deep.equal([
      '755 a/',
      '644 a/z ',
      '644 a-b ',
      '644 a.txt ',
      '755 empty/',
      '644 é ',
    ]);
  });

  it('says where a missing handler is named', async () => {
    const missing = await failureOf({ repo: {}, template });
    expect(missing.code).to.equal('OFC_STACK_INVALID');
    expect(missing.message).to.equal(
      'stack.yml line 6: the handler "hello" of "hello" does not exist.',
    );
    const file = await failureOf({ repo: { hello: 'x' }, template });
    expect(file.message).to.contain('is a file, not a folder');
    const copy = await failureOf({ repo: { 'hello/a': '' }, template, copy: ['nope/x'] });
    expect(copy.message).to.contain('"nope/x" of configuration.copy does not exist');
  });

  it('needs a template unless the lang is dockerfile', async () => {
    expect(await failureOf({ repo: { 'hello/a': '' } })).to.have.property('code', 'OFC_TEMPLATE');
  });

  describe('refuses', () => {
    const link: MemoryEntry = { kind: 'symlink', content: '/etc/passwd' };
    const cases: readonly [string, Case, RegExp][] = [
      [
        'a link in the handler',
        { repo: { 'hello/x/l': link } },
        /"hello\/x\/l" is a symbolic link/,
      ],
      ['a handler that is a link', { repo: { hello: link } }, /"hello" is a symbolic link/],
      ['a handler below a link', { repo: { a: link }, handler: 'a/b' }, /"a" is a symbolic link/],
      [
        'a copy that is a link',
        { repo: { 'hello/a': '', lib: link }, copy: ['lib'] },
        /"lib" is a symbolic link/,
      ],
      [
        'a copy below a link',
        { repo: { 'hello/a': '', lib: link }, copy: ['lib/x/y'] },
        /"lib" is a symbolic link/,
      ],
      [
        'a link in a copy',
        { repo: { 'hello/a': '', 'lib/l': link }, copy: ['lib'] },
        /"lib\/l" is a symbolic link/,
      ],
      [
        'a link in a template',
        { repo: { 'hello/a': '' }, lang: 'go', template: { l: link } },
        /"l" is a symbolic link/,
      ],
      ['a submodule', { repo: { 'hello/m': { kind: 'submodule' } } }, /is a submodule/],
      ['.git', { repo: { 'hello/.git/config': 'x' } }, /"hello\/\.git" is git’s own folder/],
      ['.GIT below', { repo: { 'hello/a/.GiT': 'x' } }, /"hello\/a\/\.GiT" is git’s own folder/],
      [
        'a copy of .git',
        { repo: { 'hello/a': '', '.git/config': 'x' }, copy: ['.git/config'] },
        /"\.git" is git’s own/,
      ],
      ['a backslash', { repo: { 'hello/a\\b': '' } }, /has a backslash/],
      [
        'a control character',
        { repo: { 'hello/a\nb': '' } },
        /"hello\/a\\nb" has a control character/,
      ],
      ['NUL', { repo: { 'hello/a\0': '' } }, /has a control character/],
      ['a name that is not UTF-8', { repo: { 'hello/a\ufffd': '' } }, /is not valid UTF-8/],
      ['a very long name', { repo: { [`hello/${'é'.repeat(128)}`]: '' } }, /longer than 255 bytes/],
      [
        'too many',
        { repo: { 'hello/a': '', 'hello/b': '' }, limits: { maxEntries: 1 } },
        /"hello\/b" is one too many/,
      ],
      [
        'too deep',
        { repo: { 'hello/a/b/c': '' }, limits: { maxDepth: 2 } },
        /"hello\/a\/b\/c" is more than 2 folders deep/,
      ],
      [
        'a large file',
        { repo: { 'hello/a': '12345' }, limits: { maxFileBytes: 4 } },
        /"hello\/a" is larger than 4 bytes/,
      ],
      [
        'too much',
        { repo: { 'hello/a': '123', 'hello/b': '45' }, limits: { maxTotalBytes: 4 } },
        /"hello\/b" is over the 4 bytes/,
      ],
      [
        'a file over a folder',
        { repo: { 'hello/a': '', 'lib/a/x': '', 'a/x': '' }, copy: ['a'] },
        /"a" is a file in one place/,
      ],
    ];
    for (const [name, input, message] of cases) {
      it(name, async () => {
        const failure = await failureOf({ lang: 'dockerfile', ...input });
        expect(failure.code).to.equal('OFC_SOURCE_REFUSED');
        expect(failure.message).to.match(message);
      });
    }

    for (const path of [
      'hello/../../x',
      'hello/a/b',
      'x',
      'hello/',
      'hello/..',
      'hello/.',
      '/etc/passwd',
    ]) {
      it(`a tree that lists ${path} below the handler`, async () => {
        const repo: SourceTree = {
          list: async (folder) => {
            if (folder === '') return [{ path: 'hello', kind: 'directory', mode: 0o755 }];
            return [{ path, kind: 'file', mode: 0o644 }];
          },
          read: async () => Buffer.from('secret'),
        };
        const failure = await failureOf({ repo, lang: 'dockerfile' });
        expect(failure.code).to.equal('OFC_SOURCE_REFUSED');
      });
    }

    it('a copy path that is no path below the root', async () => {
      for (const path of ['..', '../x', '/etc', 'hello/../..']) {
        const repo: Files = { 'hello/a': '' };
        const failure = await failureOf({ repo, lang: 'dockerfile', copy: [path] });
        expect(failure.code).to.equal('OFC_STACK_INVALID');
      }
    });

    it('a size without reading the file, and a size that was not told', async () => {
      let reads = 0;
      const treeWith = (size: number | undefined): SourceTree => ({
        list: async (folder) =>
          folder === ''
            ? [{ path: 'hello', kind: 'directory', mode: 0o755 }]
            : [{ path: 'hello/a', kind: 'file', mode: 0o644, ...(size !== undefined && { size }) }],
        read: async () => {
          reads += 1;
          return Buffer.alloc(100);
        },
      });
      const limits = { maxFileBytes: 10 };
      await failureOf({ repo: treeWith(1e12), lang: 'dockerfile', limits });
      expect(reads).to.equal(0);
      for (const size of [undefined, 1]) {
        const failure = await failureOf({ repo: treeWith(size), lang: 'dockerfile', limits });
        expect(failure.message).to.contain('larger than 10 bytes');
      }
    });
  });

  it('reads each file of the result once and nothing that was replaced', async () => {
    const read: string[] = [];
    const tree = createMemoryTree({ 'hello/a': '1', 'hello/b': '2', 'x/a': '3' });
    const repo: SourceTree = {
      list: tree.list,
      read: (path) => {
        read.push(path);
        return tree.read(path);
      },
    };
    await entriesOf({ repo, template: { 'function/a': 'sample', Dockerfile: '' }, copy: ['x/a'] });
    expect(read).to.have.members(['hello/a', 'hello/b', 'x/a']).and.have.length(3);
  });
});
