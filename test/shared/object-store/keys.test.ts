import { expect } from 'chai';
import fc from 'fast-check';
import { keyPart, textOfPart } from '#shared/object-store/keys.ts';

describe('keyPart', () => {
  const rows: [string, string][] = [
    ['main', 'main'],
    ['feature/x', 'feature~2Fx'],
    ['v1.2', 'v1.2'],
    ['..', '~2E.'],
    ['', '~'],
    ['~', '~7E'],
    ['ü b', '~C3~BC~20b'],
  ];
  for (const [text, part] of rows) {
    it(`${JSON.stringify(text)} → ${part}`, () => expect(keyPart(text)).to.equal(part));
  }

  it('is one safe segment and can be read back, so no two texts share one', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const part = keyPart(text);
        expect(part).to.match(/^[A-Za-z0-9_~-][A-Za-z0-9._~-]*$/);
        expect(textOfPart(part)).to.equal(text);
      }),
    );
  });
});
