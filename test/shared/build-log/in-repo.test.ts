import { expect } from 'chai';
import { inRepo } from '#shared/build-log/in-repo.ts';

describe('paths in a build log', () => {
  for (const [line, handler, expected] of [
    ['function/handler.ts:3:5: Expected ";"', './greet', 'greet/handler.ts:3:5: Expected ";"'],
    ['function/a/b.ts(1,2): error TS1005', 'src/greet', 'src/greet/a/b.ts(1,2): error TS1005'],
    ['warning: function/handler.ts:1: x', '.', 'warning: handler.ts:1: x'],
    ['at "function/handler.js:7"', './greet/', 'at "greet/handler.js:7"'],
    ['function/handler.ts:3:5: x', undefined, 'function/handler.ts:3:5: x'],
    // What is no place in the handler's source.
    ['COPY function/ ./function/', './greet', 'COPY function/ ./function/'],
    ['my-function/handler.ts:3:5: x', './greet', 'my-function/handler.ts:3:5: x'],
    ['node_modules/x/function/y.js:1:1: x', './greet', 'node_modules/x/function/y.js:1:1: x'],
  ] as const) {
    it(`${line} (${handler})`, () => {
      expect(inRepo(line, handler)).to.equal(expected);
    });
  }

  it('cannot be made to come from a pattern in the folder’s name', () => {
    expect(inRepo('function/h.ts:1:1: x', './$1$&')).to.equal('$1$&/h.ts:1:1: x');
  });
});
