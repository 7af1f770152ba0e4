import { expect } from 'chai';
import { skipMarker } from '#shared/webhooks/skip-ci.ts';

describe('skip markers', () => {
  for (const marker of ['[skip ci]', '[ci skip]', '[no ci]', '[skip actions]', '[actions skip]']) {
    it(`know ${marker}, anywhere and in any case`, () => {
      expect(skipMarker(`Fix it ${marker}`)).to.equal(marker);
      expect(skipMarker(`Fix it\n\n${marker.toUpperCase()}`)).to.equal(marker.toUpperCase());
    });
  }

  it('leave other messages alone', () => {
    for (const text of ['', 'skip ci', '[skip-ci]', '[skip  ci]', 'no ci today', '[ ci skip ]']) {
      expect(skipMarker(text)).to.equal(undefined);
    }
  });
});
