import { expect } from 'chai';
import fc from 'fast-check';
import { CloudError } from '#shared/errors.ts';
import type { ContextEntry } from '#shared/shrinkwrap/context-entry.ts';
import { configEntry } from '#shared/tar/builder-request.ts';
import { packContext } from '#shared/tar/pack-context.ts';
import { readBuilderRequest } from '#shared/tar/read-builder-request.ts';
import { streamOf } from '../shared/tar/tar-of.ts';

const name = fc.oneof(
  fc.constantFrom('a', 'b', 'a.txt', 'a-b', 'é', '日本', '.x', 'x'.repeat(130)),
  fc.stringMatching(/^[\w-]{1,12}$/),
);
const file = fc.record({
  path: fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
  mode: fc.constantFrom(0o644, 0o755),
  content: fc.uint8Array({ maxLength: 1500 }).map((bytes) => Buffer.from(bytes)),
});

/** A tree with every folder named, as shrinkwrap gives it. */
const tree = fc.array(file, { maxLength: 12 }).map((files) => {
  const entries = new Map<string, ContextEntry>();
  for (const { path, mode, content } of files) {
    const parts = path.split('/');
    const folders = parts.slice(0, -1).map((_, i) => parts.slice(0, i + 1).join('/'));
    if (entries.has(path) || folders.some((folder) => entries.get(folder)?.kind === 'file'))
      continue;
    for (const folder of folders)
      entries.set(folder, { kind: 'directory', path: folder, mode: 0o755 });
    entries.set(path, { kind: 'file', path, mode: mode === 0o755 ? 0o755 : 0o644, content });
  }
  return [...entries.values()];
});
const shuffled = tree.chain((entries) =>
  fc.tuple(fc.constant(entries), fc.shuffledSubarray(entries, { minLength: entries.length })),
);

describe('a context tar', () => {
  it('has the same bytes in whatever order the entries come', async () => {
    await fc.assert(
      fc.asyncProperty(shuffled, async ([entries, mixed]) => {
        const [one, two] = await Promise.all([packContext(entries), packContext(mixed)]);
        expect(two.digest).to.equal(one.digest);
        expect(two.tar.equals(one.tar)).to.equal(true);
      }),
    );
  });

  it('is read back as it was, in pieces of any size', async () => {
    const config = { image: 'a:1', buildArgs: {} };
    await fc.assert(
      fc.asyncProperty(tree, fc.integer({ min: 100, max: 5000 }), async (entries, pieceBytes) => {
        const { tar } = await packContext(entries);
        const body = streamOf(Buffer.concat([configEntry(config), tar]), pieceBytes);
        const request = await readBuilderRequest(body);
        expect(request.entries).to.have.deep.members(entries);
        expect((await packContext(request.entries)).tar.equals(tar)).to.equal(true);
      }),
    );
  });

  it('that was tampered with is refused or harmless, never a crash or a hang', async () => {
    const edit = fc.record({ at: fc.nat(), bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }) });
    await fc.assert(
      fc.asyncProperty(
        tree,
        fc.array(edit, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        async (entries, edits, fixSums) => {
          const config = configEntry({ image: 'a:1', buildArgs: {} });
          const body = Buffer.concat([config, (await packContext(entries)).tar]);
          for (const { at, bytes } of edits)
            body.set(bytes.subarray(0, body.length - (at % body.length)), at % body.length);
          if (fixSums)
            for (let at = 0; at < body.length; at += 512) fixChecksum(body.subarray(at, at + 512));
          try {
            for (const { path } of (await readBuilderRequest(streamOf(body))).entries) {
              expect(path).to.not.match(/^\/|(?:^|\/)\.{0,2}(?:\/|$)|[\\\x00-\x1f\x7f]/);
            }
          } catch (error) {
            expect(error).to.be.instanceOf(CloudError);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

/** Makes a header's checksum right, so that an edit of it gets past that check. */
function fixChecksum(block: Buffer): void {
  if (block.toString('latin1', 257, 262) !== 'ustar') return;
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
}
