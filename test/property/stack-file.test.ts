// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the texts under test
import { expect } from 'chai';
import fc from 'fast-check';
import { CloudError } from '#shared/errors.ts';
import { pathProblem } from '#shared/shrinkwrap/path-problem.ts';
import { substitute } from '#shared/stack-file/envsubst.ts';
import { parseStack } from '#shared/stack-file/parse-stack.ts';

const env = (name: string) => ({ A: 'abc', B: '${A}' })[name];

/** Texts made of the pieces that matter, so that most are nearly right. */
const expression = fc
  .array(
    fc.constantFrom(
      '$',
      '{',
      '}',
      '${A',
      '${B:-',
      '#',
      '%',
      '/',
      ':',
      '^^',
      '\\',
      'x',
      '1',
      '\n',
      '}',
    ),
    {
      maxLength: 20,
    },
  )
  .map((parts) => parts.join(''));
const yamlLike = fc
  .array(
    fc.constantFrom(
      'functions:',
      'provider:',
      'name: openfaas',
      'hello:',
      'lang: node',
      'handler: ./h',
      'handler: ../h',
      'image: x',
      'environment:',
      'A: 1',
      '- ',
      '  ',
      '    ',
      '\n',
      '\n',
      '\n  ',
      '\n    ',
      '&a ',
      '*a',
      '<<: *a',
      '[',
      ']',
      '{',
      '}',
      ', ',
      '"',
      "'",
      '|',
      '!!x ',
      '#',
      '? ',
      '---',
      '\t',
      '__proto__: ',
      '~',
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''));

function cloudErrorOf(run: () => void): CloudError | undefined {
  try {
    run();
  } catch (error) {
    expect(error).to.be.instanceOf(CloudError);
    return error as CloudError;
  }
  return undefined;
}

describe('substitute, for any text', () => {
  it('changes nothing where nothing is special', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const plain = text.replace(/[$\\]/g, '');
        expect(substitute(plain, env)).to.equal(plain);
      }),
    );
  });

  it('gives back what was escaped', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), expression), (text) => {
        const escaped = text.replaceAll('\\', '\\\\').replaceAll('$', '$$$$');
        expect(substitute(escaped, env)).to.equal(text);
      }),
    );
  });

  it('keeps the number of lines, or says why not', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), expression), (text) => {
        cloudErrorOf(() => {
          const result = substitute(text, env);
          expect(result.split('\n')).to.have.length(text.split('\n').length);
        });
      }),
      { numRuns: 1000 },
    );
  });
});

describe('parseStack, for any text', () => {
  it('gives a valid value or an error with a line', () => {
    const head = fc.constantFrom(
      '',
      'provider: { name: openfaas }\nfunctions:\n  hello:\n    lang: x\n    ',
    );
    fc.assert(
      fc.property(head, fc.oneof(yamlLike, fc.string()), (before, text) => {
        const failure = cloudErrorOf(() => {
          for (const fn of parseStack(before + text).functions) {
            expect(fn.key).to.match(/^[a-z0-9-]{1,63}$/);
            expect(fn.handler === '.' || pathProblem(fn.handler) === undefined).to.equal(true);
            expect(Object.getPrototypeOf(fn.environment)).to.equal(Object.prototype);
          }
        });
        if (failure) expect(failure.message).to.match(/^stack\.yml line \d+: /);
      }),
      { numRuns: 2000 },
    );
    expect({}).to.not.have.property('A');
  });

  it('gives each variable’s text back', () => {
    const value = fc.string({
      unit: fc.constantFrom('a', '"', "'", ':', '#', '$', '{', '}', ' ', '\\', '\n', 'é', '0', '-'),
    });
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,8}$/), value),
        (environment) => {
          const text = `provider: { name: openfaas }\nfunctions: { a: { image: x, skip_build: true, environment: ${JSON.stringify(environment)} } }`;
          const [fn] = parseStack(text, { envsubst: false }).functions;
          expect({ ...fn?.environment }).to.deep.equal({ ...environment });
        },
      ),
    );
  });
});
