import { expect } from 'chai';
import fc from 'fast-check';
import { safeReturnPath } from '#shared/auth/return-path.ts';

const origin = 'https://system.example.com';

/** What has got past other checks, in any order. */
const piece = fc.constantFrom(
  ...[
    '/',
    '//',
    '\\',
    '.',
    '..',
    '@',
    ':',
    '?',
    '#',
    ';',
    '%',
    '%2f',
    '%5c',
    '%09',
    '%0d%0a',
    '%00',
  ],
  ...[
    '\t',
    '\n',
    '\0',
    ' ',
    '。',
    '／',
    '＼',
    'ѕ',
    '[::1]',
    'https:',
    'http:',
    'javascript:',
    'data:',
  ],
  ...['evil.test', 'system.example.com', origin, `${origin}/`, 'user', ':8443', 'x', '%2e%2e', '…'],
);
const wanted = fc.oneof(
  fc.array(piece, { minLength: 1, maxLength: 8 }).map((parts) => parts.join('')),
  fc.array(piece, { minLength: 1, maxLength: 6 }).map((parts) => `/${parts.join('')}`),
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
  fc.string({ unit: 'binary' }),
);

/** As a browser takes the `Location` that the path is put into. */
function leadsTo(path: string): URL {
  return new URL(origin + path);
}

describe('where somebody goes after a log-in, whatever was asked for', () => {
  it('is a path of this origin, in the one way in which it can be read', () => {
    let kept = 0;
    fc.assert(
      fc.property(wanted, (text) => {
        const path = safeReturnPath(origin, text);
        if (path !== '/') kept += 1;
        expect(path).to.match(/^\/(?![/\\])[!-[\]-~]*$/);
        expect(leadsTo(path).origin).to.equal(origin);
        // Alone, too, and for who reads it once more.
        expect(new URL(path, origin).href).to.equal(leadsTo(path).href);
        expect(safeReturnPath(origin, path)).to.equal(path);
      }),
      { numRuns: 5000 },
    );
    expect(kept).to.be.greaterThan(50);
  });

  it('is told from what is not: the text alone leads elsewhere', () => {
    const { failed } = fc.check(
      fc.property(wanted, (text) => {
        fc.pre(URL.canParse(text, origin));
        expect(new URL(text, origin).origin).to.equal(origin);
      }),
      { numRuns: 2000 },
    );
    expect(failed).to.equal(true);
  });
});
