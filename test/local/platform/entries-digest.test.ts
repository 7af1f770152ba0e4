import { expect } from 'chai';
import type { ContextEntry } from '#shared/shrinkwrap/context-entry.ts';
import { createEntriesDigest } from '../../../local/platform/entries-digest.ts';

const file = (path: string, text: string, mode: 0o644 | 0o755 = 0o644): ContextEntry => ({
  kind: 'file',
  path,
  mode,
  content: Buffer.from(text),
});
const folder: ContextEntry = { kind: 'directory', path: 'a', mode: 0o755 };

describe('local/platform/entries-digest', () => {
  it('is the same for the same entries, and another one for every difference', () => {
    const digestOf = createEntriesDigest();
    const base = digestOf([folder, file('a/b', 'x')]);
    expect(digestOf([folder, file('a/b', 'x')])).to.equal(base);
    expect(createEntriesDigest()([folder, file('a/b', 'x')])).to.equal(base);
    const others = [
      [folder, file('a/b', 'y')],
      [folder, file('a/c', 'x')],
      [folder, file('a/b', 'x', 0o755)],
      [file('a/b', 'x')],
      [folder, file('a/b', 'x'), file('a/c', '')],
      [],
    ];
    const digests = others.map((entries) => digestOf(entries));
    expect(new Set([base, ...digests]).size).to.equal(others.length + 1);
  });
});
