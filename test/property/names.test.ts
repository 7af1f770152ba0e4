import { expect } from 'chai';
import fc from 'fast-check';
import { CloudError } from '#shared/errors.ts';
import {
  hostLabel,
  labelValue,
  parseFunctionKey,
  parseOwner,
  secretName,
  serviceName,
} from '#shared/names.ts';

const dnsLabel = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const options = { numRuns: 5000, interruptAfterTimeLimit: 3000, markInterruptAsFailure: false };

/** Few letters, so that pairs come close; `d`, `e`, `h`, `s` and `u` stand behind escapes. */
const word = (characters: string) =>
  fc.string({ unit: fc.constantFrom(...characters), minLength: 1, maxLength: 6 });
const owner = fc.oneof(
  // Logins, among them old ones that end with a hyphen or have two in a row.
  fc
    .tuple(fc.constantFrom('a', 'b', 'd', 'e', 'h'), word('ab-deh'))
    .map(([first, rest]) => first + rest),
  // Paths of groups.
  fc.tuple(fc.constantFrom('a', 'd'), word('a-._/dehsu')).map(([first, rest]) => first + rest),
);
const key = fc
  .tuple(fc.constantFrom('a', 'd', 'h', 's'), word('ab-dhsu'), fc.constantFrom('a', 'u'))
  .map((parts) => parts.join(''));

/** `undefined` for what is refused. */
function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof CloudError) return undefined;
    throw error;
  }
}

/** Asserts that no two different inputs have one name, over all pairs that were generated. */
function injective<T>(inputs: fc.Arbitrary<T>, nameOf: (input: T) => string): void {
  const seen = new Map<string, string>();
  let named = 0;
  fc.assert(
    fc.property(inputs, (input) => {
      const name = attempt(() => nameOf(input));
      if (name === undefined) return;
      named += 1;
      expect(name).to.match(dnsLabel);
      const text = JSON.stringify(input);
      expect(seen.get(name) ?? text).to.equal(text);
      seen.set(name, text);
    }),
    options,
  );
  expect(named).to.be.greaterThan(500);
}

describe('names, whatever the input', () => {
  it('one function of one owner has its service name alone', () => {
    injective(fc.tuple(owner, key), ([login, fn]) =>
      serviceName(parseOwner(login), parseFunctionKey(fn)),
    );
  });

  it('one secret of one owner has its name alone', () => {
    injective(fc.tuple(owner, key), ([login, name]) => secretName(parseOwner(login), name));
  });

  it('one owner has its host alone', () => {
    injective(owner, (login) => hostLabel(parseOwner(login)));
  });

  it('a host that looks like the escaped form of another is not it', () => {
    fc.assert(
      fc.property(owner, (login) => {
        const label = attempt(() => hostLabel(parseOwner(login)));
        if (label === undefined || label === login) return;
        const squatter = attempt(() => hostLabel(parseOwner(label)));
        expect(squatter).to.not.equal(label);
      }),
      options,
    );
  });

  it('label values are valid, and one text has its value alone', () => {
    const seen = new Map<string, string>();
    const text = fc.oneof(
      fc.string({ maxLength: 80 }),
      fc.string({ unit: 'binary', maxLength: 80 }),
      fc.string({ unit: fc.constantFrom('a', '-', '.', '_', '/'), maxLength: 70 }),
    );
    fc.assert(
      fc.property(text, (original) => {
        const value = labelValue(original);
        expect(value).to.match(/^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/);
        expect(seen.get(value) ?? original).to.equal(original);
        seen.set(value, original);
        // Naming oneself like the value of another gives another value.
        if (value !== original) expect(labelValue(value)).to.not.equal(value);
      }),
      options,
    );
  });

  it('parsers throw nothing but refusals, and what they take they take again', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.anything()), (input) => {
        for (const parse of [parseOwner, parseFunctionKey]) {
          const parsed = attempt(() => parse(input));
          if (parsed !== undefined) expect(parse(parsed)).to.equal(parsed);
        }
      }),
      options,
    );
  });
});
