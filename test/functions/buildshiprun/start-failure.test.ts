import { expect } from 'chai';
import { readableFailure } from '../../../functions/buildshiprun/start-failure.ts';

/** A line as the runtime logs it. */
const line = (fields: Record<string, unknown>): string =>
  JSON.stringify({ time: '2026-01-01T00:00:00Z', level: 'error', ...fields });

describe('what a function said before it ended', () => {
  it('is the error and its place in the repo, not the log line', () => {
    const stack = [
      'Error: API_KEY is not set',
      '    at ../context/function/handler.ts:1:36',
      '    at start (../context/runtime/main.ts:31:52)',
      '    at ModuleJob.run (node:internal/modules/esm/module_job:325:25)',
    ].join('\n');
    const said = line({ message: 'The process ends.', error: 'API_KEY is not set', stack });
    expect(readableFailure(`It exited with code 1.\n${said}`, './greet')).to.equal(
      'It exited with code 1.\nError: API_KEY is not set\n    at greet/handler.ts:1:36',
    );
  });

  it('keeps the source that Node shows of a syntax error', () => {
    const stack =
      '/home/app/function/lib.js:1\nx = {{\n     ^\n\nSyntaxError: no\n    at wrapSafe (node:x:1:1)';
    expect(readableFailure(line({ error: 'no', stack }), 'greet')).to.equal(
      'greet/lib.js:1\nx = {{\n     ^\n\nSyntaxError: no',
    );
  });

  for (const [what, text, expected] of [
    ['the error without a stack', line({ message: 'm', error: 'e' }), 'e'],
    ['the message without an error', line({ message: 'm' }), 'm'],
    ['a line of another shape', '{"a":1}', '{"a":1}'],
    ['half a line', '{"error":"x', '{"error":"x'],
    ['a text', 'Traceback: x', 'Traceback: x'],
    ['null', 'null', 'null'],
    [
      'a package’s own folder',
      'at /a/node_modules/x/function/y.js:1',
      'at /a/node_modules/x/function/y.js:1',
    ],
  ] as const) {
    it(`is ${what}`, () => expect(readableFailure(text, 'greet')).to.equal(expected));
  }

  it('does not grow with the stack', () => {
    const frames = Array.from({ length: 500 }, (_, n) => `    at function/h.ts:${n + 1}:1`);
    const stack = ['Error: x', ...frames].join('\n');
    expect(readableFailure(line({ stack }), undefined).split('\n')).to.have.length(4);
  });
});
