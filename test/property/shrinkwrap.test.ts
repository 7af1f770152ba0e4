import { expect } from 'chai';
import fc from 'fast-check';
import { CloudError } from '#shared/errors.ts';
import { parseFunctionKey } from '#shared/names.ts';
import { createMemoryTree, type MemoryEntry } from '#shared/shrinkwrap/memory-tree.ts';
import { shrinkwrap } from '#shared/shrinkwrap/shrinkwrap.ts';

const name = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom('a', 'b', 'build', 'template', 'lib', 'function', 'x.js'),
  },
  { weight: 1, arbitrary: fc.constantFrom('..', '.', '.git', 'a\\b', 'a\n', '') },
);
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const entry: fc.Arbitrary<MemoryEntry> = fc.oneof(
  { weight: 8, arbitrary: fc.string() },
  { weight: 1, arbitrary: fc.constant<MemoryEntry>({ kind: 'symlink', content: '/etc/passwd' }) },
  { weight: 1, arbitrary: fc.constant<MemoryEntry>({ kind: 'submodule' }) },
);
const files = fc.dictionary(path, entry, { maxKeys: 10 });

describe('shrinkwrap, for any tree', () => {
  it('gives safe paths, each once, folders first, no link’s content, or a refusal', async () => {
    const lang = fc.constantFrom('dockerfile', 'node');
    const handler = fc.constantFrom('.', 'a', 'b/lib');
    const copy = fc.array(fc.constantFrom('lib', 'a/b', 'x.js'), { maxLength: 2 });
    await fc.assert(
      fc.asyncProperty(
        files,
        files,
        lang,
        handler,
        copy,
        async (repo, template, lang, handler, copy) => {
          try {
            const entries = await shrinkwrap({
              repo: createMemoryTree(repo),
              template: createMemoryTree(template),
              fn: { key: parseFunctionKey('f'), line: 1, lang, handler },
              copy,
            });
            const kinds = new Map<string, string>();
            for (const { path, kind } of entries) {
              expect(path).to.not.match(/^\/|(?:^|\/)(?:\.{0,2}|\.git)(?:\/|$)|[\\\x00-\x1f]/);
              expect(kinds.has(path)).to.equal(false);
              const parent = path.slice(0, Math.max(path.lastIndexOf('/'), 0));
              expect(parent === '' || kinds.get(parent) === 'directory').to.equal(true);
              kinds.set(path, kind);
            }
            expect(
              entries.some((e) => e.kind === 'file' && String(e.content) === '/etc/passwd'),
            ).to.equal(false);
          } catch (error) {
            expect(error).to.be.instanceOf(CloudError);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
