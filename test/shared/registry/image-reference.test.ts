import { expect } from 'chai';
import { CloudError } from '#shared/errors.ts';
import {
  formatImageReference,
  parseImageReference,
  withDigest,
  withTag,
} from '#shared/registry/image-reference.ts';

const digest = `sha256:${'a'.repeat(64)}`;

describe('image references', () => {
  const rows: [string, string][] = [
    ['node', 'docker.io/library/node'],
    ['node:22', 'docker.io/library/node:22'],
    ['alexellis2/func:0.2', 'docker.io/alexellis2/func:0.2'],
    ['docker.io/node', 'docker.io/library/node'],
    ['index.docker.io/a/b', 'docker.io/a/b'],
    ['registry:5000/a/b/c:1', 'registry:5000/a/b/c:1'],
    ['127.0.0.1:8080/alice/x', '127.0.0.1:8080/alice/x'],
    ['localhost/x', 'localhost/x'],
    ['GHCR.io/a/b', 'ghcr.io/a/b'],
    ['[::1]:5000/x:y', '[::1]:5000/x:y'],
    [`ghcr.io/a/b:t@${digest}`, `ghcr.io/a/b:t@${digest}`],
  ];
  for (const [text, full] of rows) {
    it(`${text} is ${full}`, () => {
      const reference = parseImageReference(text);
      expect(formatImageReference(reference)).to.equal(full);
      expect(parseImageReference(full)).to.deep.equal(reference);
    });
  }

  const refused = [
    '',
    ' ',
    'a b',
    'UPPER/case',
    'a/../b',
    '../x',
    'a//b',
    'a/b/',
    '/a',
    'a:',
    'a:-x',
    `a:${'t'.repeat(129)}`,
    'a@sha256:123',
    'a@b@c',
    'http://registry/a',
    'user@registry.io/a',
    'registry.io:99999999/a',
    'a/b?x=1',
    'a/b#c',
    'a%2fb',
    'x'.repeat(256),
    'error:',
    'code =',
  ];
  for (const text of refused) {
    it(`refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
      expect(() => parseImageReference(text))
        .to.throw(CloudError)
        .with.property('code', 'OFC_NAME_INVALID');
    });
  }

  it('replaces tag by digest and back', () => {
    const reference = parseImageReference('a.io/b:1');
    expect(formatImageReference(withDigest(reference, digest))).to.equal(`a.io/b@${digest}`);
    expect(formatImageReference(withTag(withDigest(reference, digest), '2'))).to.equal('a.io/b:2');
    expect(() => withTag(reference, 'a/b')).to.throw(CloudError);
  });
});
