// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the texts under test
import { expect } from 'chai';
import { CloudError } from '#shared/errors.ts';
import { parseStack } from '#shared/stack-file/parse-stack.ts';
import { lineOf } from '#shared/stack-file/stack-file.ts';

const head = 'version: 1.0\nprovider:\n  name: openfaas\n  gateway: http://127.0.0.1:8080\n';

/** A stack of one function; `more` are its further lines. It begins in line 6. */
function stackOf(more = '', key = 'hello'): string {
  const lines = more === '' ? '' : `    ${more.replaceAll('\n', '\n    ')}\n`;
  return `${head}functions:\n  ${key}:\n    lang: node-ts\n    handler: ./hello\n    image: alice/hello:0.1\n${lines}`;
}

function failureOf(text: string): CloudError {
  try {
    parseStack(text);
  } catch (error) {
    expect(error).to.be.instanceOf(CloudError);
    return error as CloudError;
  }
  throw new Error(`accepted: ${text.slice(0, 300)}`);
}

const only = (text: string) => {
  const [fn] = parseStack(text).functions;
  if (!fn) throw new Error('no function');
  return fn;
};

describe('parseStack', () => {
  it('says what is wrong with the YAML in its own words, and how to mend it', () => {
    const tabs = failureOf(`${head}functions:\n\ta: b`);
    expect(tabs.text).to.equal(
      'stack.yml line 6: This is not valid YAML: a tab is used for indentation. YAML takes spaces only: replace the tab by spaces.',
    );
    const open = failureOf(stackOf('labels: { a: "1 }'));
    expect(open.text).to.match(
      /^stack.yml line \d+: This is not valid YAML: something is not closed/,
    );
  });

  it('names unknown keys also where something else is wrong: they are often why', () => {
    const { message, hint } = failureOf(stackOf().replace('handler:', 'handlr:'));
    expect(message).to.contain('The function "hello" has no handler.');
    expect(hint).to.contain('stack.yml line 8: the key "handlr" is unknown and ignored.');
  });

  it('reads every key', () => {
    const text = `${stackOf(
      `fprocess: node index.js
environment: { A: 1, B: two }
environment_file: [./env.yml, conf/b.yml]
secrets: [token, token, db-pass]
skip_build: false
constraints: ["node.platform.os == linux"]
labels: { com.openfaas.scale.min: 1 }
annotations: { topic: cron-function, schedule: "*/5 * * * *" }
limits: { memory: 128Mi, cpu: 100m }
requests: { memory: 64Mi }
readonly_root_filesystem: true
build_options: [dev]
build_args: { GO111MODULE: on }
build_secrets: { npmrc: ./.secrets/npmrc }
namespace: openfaas-fn
platforms: linux/amd64, linux/arm64`,
    )}configuration:
  templates: [{ name: rust, source: "https://github.com/x/y#main" }]
  copy: [./shared, shared/, ./package.json]
`;
    const stack = parseStack(text);
    const { lines } = only(text);
    expect(stack).to.deep.equal({
      functions: [
        {
          lines,
          key: 'hello',
          line: 6,
          lang: 'node-ts',
          handler: 'hello',
          image: 'alice/hello:0.1',
          fprocess: 'node index.js',
          environment: { A: '1', B: 'two' },
          environmentFiles: ['env.yml', 'conf/b.yml'],
          secrets: ['token', 'db-pass'],
          skipBuild: false,
          constraints: ['node.platform.os == linux'],
          labels: { 'com.openfaas.scale.min': '1' },
          annotations: { topic: 'cron-function', schedule: '*/5 * * * *' },
          limits: { memory: '128Mi', cpu: '100m' },
          requests: { memory: '64Mi' },
          readOnlyRootFilesystem: true,
          buildOptions: ['dev'],
          buildArgs: { GO111MODULE: 'on' },
          buildSecrets: { npmrc: '.secrets/npmrc' },
          namespace: 'openfaas-fn',
          platforms: ['linux/amd64', 'linux/arm64'],
        },
      ],
      configuration: {
        templates: [{ name: 'rust', source: 'https://github.com/x/y#main', line: 27 }],
        copy: ['shared', 'package.json'],
      },
      warnings: [],
    });
  });

  it('knows the lines of keys and of the items below them', () => {
    const fn = only(
      stackOf('secrets:\n  - a\n  - b\nbuild_secrets:\n  npmrc: x\nenvironment_file:\n  - ./e.yml'),
    );
    expect(lineOf(fn, 'lang')).to.equal(7);
    expect(lineOf(fn, 'secrets', 'b')).to.equal(12);
    expect(lineOf(fn, 'build_secrets', 'npmrc')).to.equal(14);
    expect(lineOf(fn, 'environment_file', 'e.yml')).to.equal(16);
    expect(lineOf(fn, 'secrets', 'none')).to.equal(10);
    expect(lineOf(fn, 'fprocess')).to.equal(6);
  });

  it('keeps the text of scalars as it is written', () => {
    const { environment } = only(
      stackOf(
        'environment:\n  a: true\n  b: 0755\n  c: 1.50\n  d: null\n  e: ~\n  f:\n  g: "null"\n  h: 2024-01-02\n  i: 0x1F\n  j: yes\n  k: |\n    two\n    lines\n  l: 1_000\n  __proto__: x',
      ),
    );
    expect(Object.entries(environment)).to.deep.equal([
      ['a', 'true'],
      ['b', '0755'],
      ['c', '1.50'],
      ['d', ''],
      ['e', ''],
      ['f', ''],
      ['g', 'null'],
      ['h', '2024-01-02'],
      ['i', '0x1F'],
      ['j', 'yes'],
      ['k', 'two\nlines\n'],
      ['l', '1_000'],
      ['__proto__', 'x'],
    ]);
  });

  it('replaces variables of the given environment only', () => {
    process.env['OFC_TEST_LEAK'] = 'leaked';
    const text = stackOf('environment: { A: "${V:-d}", B: "${OFC_TEST_LEAK}", C: "${toString}" }');
    delete process.env['OFC_TEST_LEAK'];
    expect(parseStack(text, { env: { V: 'v' } }).functions[0]?.environment).to.deep.equal({
      A: 'v',
      B: '',
      C: '',
    });
    const plain = parseStack(text, { envsubst: false });
    expect(plain.functions[0]?.environment['A']).to.equal('${V:-d}');
  });

  it('follows anchors and merge keys: own keys win, then the earlier source', () => {
    const text = `x-base: &base { A: base, B: base }\nx-more: &more { B: more, C: more }\n${stackOf(
      'environment:\n  <<: [*base, *more]\n  A: own\nlabels: *more',
    )}`;
    const fn = only(text);
    expect(fn.environment).to.deep.equal({ A: 'own', B: 'base', C: 'more' });
    expect(fn.labels).to.deep.equal({ B: 'more', C: 'more' });
  });

  it('takes a quoted << for an ordinary key', () => {
    expect(failureOf(stackOf('environment: { "<<": x }')).message).to.contain('variable name "<<"');
  });

  it('names unknown keys with their lines', () => {
    const text = `network: x\n${stackOf('enviroment: { A: 1 }\nlimits: { disk: 1 }')}`;
    expect(parseStack(text).warnings).to.deep.equal([
      'stack.yml line 1: the key "network" is unknown and ignored.',
      'stack.yml line 11: the key "enviroment" is unknown and ignored.',
      'stack.yml line 12: the key "disk" is unknown and ignored.',
    ]);
  });

  const emptyNote = (line: number, name: string, where = '') =>
    `stack.yml line ${line}: \`\${${name}}\`${where} is empty: a push has no variables. ` +
    `Write \`\${${name}:-value}\` for a value, \`\${${name}:-}\` if it is meant.`;

  it('notes variables that are empty, once for each function, with how to give a default', () => {
    const more = 'environment:\n  A: ${TAG}\n  B: ${TAG}\n  C: ${TAG:-1}${SET}\n  D: a ${OTHER}';
    const second = '  # ${TAG}\n  next:\n    lang: x\n    handler: ./n\n    image: n${TAG}\n';
    const text = `${stackOf(more)}${second}configuration:\n  copy: ["./a\${DIR}"]\n`;
    const stack = parseStack(text, { env: { SET: 's' } });
    expect(stack.functions[0]?.environment).to.deep.equal({ A: '', B: '', C: '1s', D: 'a' });
    expect(stack.warnings).to.deep.equal([
      emptyNote(11, 'TAG', ' of the function "hello"'),
      emptyNote(14, 'OTHER', ' of the function "hello"'),
      emptyNote(19, 'TAG', ' of the function "next"'),
      emptyNote(21, 'DIR'),
    ]);
    expect(parseStack(stackOf(more), { envsubst: false }).warnings).to.deep.equal([]);
  });

  it('names no function where several stand on the line', () => {
    const fn = 'lang: x, handler: ./x, image: "x${TAG}"';
    const text = `${head}functions: { a: { ${fn} }, b: { ${fn} } }`;
    expect(parseStack(text).warnings).to.deep.equal([emptyNote(5, 'TAG')]);
  });

  it('notes an empty variable also where it is why something is missing', () => {
    const { message, hint } = failureOf(stackOf().replace('./hello', '${FOLDER}'));
    expect(message).to.contain('The function "hello" has no handler.');
    expect(hint).to.contain(emptyNote(8, 'FOLDER', ' of the function "hello"'));
  });

  it('bounds the notes of empty variables, and their length', function () {
    this.timeout(5000);
    const many = Array.from({ length: 20_000 }, (_, n) => `\${V${n}}`).join(' ');
    expect(parseStack(stackOf(`environment: { A: "${many}" }`)).warnings).to.have.length(100);
    const long = parseStack(stackOf(`environment: { A: "\${${'V'.repeat(50_000)}}" }`));
    expect(long.warnings.join()).to.have.length.below(500).and.contain('VVV');
  });

  it('takes dockerfile in any case for dockerfile', () => {
    for (const lang of ['dockerfile', 'Dockerfile', 'DOCKERFILE', '"DockerFile"']) {
      expect(only(stackOf().replace('node-ts', lang)).lang).to.equal('dockerfile');
    }
  });

  it('needs neither lang nor handler with skip_build', () => {
    const fn = only(`${head}functions:\n  a:\n    image: nginx\n    skip_build: true\n`);
    expect(fn).to.include({ lang: '', handler: '', image: 'nginx', skipBuild: true });
  });

  it('cleans harmless paths', () => {
    for (const [written, path] of [
      ['./hello/', 'hello'],
      ['.', '.'],
      ['./', '.'],
      ['a//b/./c', 'a/b/c'],
      ['.hidden/x..y', '.hidden/x..y'],
    ] as const) {
      expect(only(stackOf().replace('./hello', written)).handler).to.equal(path);
    }
  });

  for (const path of [
    '../x',
    'a/../b',
    '/etc',
    '//etc',
    '/',
    '..',
    '"a\\\\b"',
    '"a\\0b"',
    '"a\\nb"',
    '"\\t"',
    'a'.repeat(256),
    'a/'.repeat(600),
  ]) {
    it(`refuses the path ${path.slice(0, 20)} everywhere`, () => {
      const cases = [
        [stackOf().replace('./hello', path), 8],
        [stackOf(`environment_file: [${path}]`), 10],
        [stackOf(`build_secrets: { a: ${path} }`), 10],
        [`${stackOf()}configuration:\n  copy:\n    - ${path}\n`, 12],
      ] as const;
      for (const [text, line] of cases) {
        const failure = failureOf(text);
        expect(failure.code).to.equal('OFC_STACK_INVALID');
        expect(failure.message).to.match(new RegExp(`^stack\\.yml line ${line}: `));
      }
    });
  }

  for (const key of ['../../x', 'Hello', 'a_b', 'a.b', '-a', 'a-', 'a'.repeat(64), '""', '"a b"']) {
    it(`refuses the function name ${key.slice(0, 20)}`, () => {
      const failure = failureOf(stackOf('', key));
      expect(failure.message).to.match(
        /^stack\.yml line 6: The function name ".*" cannot be used\.$/,
      );
      expect(failure.hint).to.contain('lower-case letters');
    });
  }

  const wrong: readonly [string, string, RegExp][] = [
    ['empty file', '', /line 1: provider\.name must be openfaas/],
    ['a list', '- a\n', /line 1: The file must be a map of keys and values, not a list/],
    ['a text', 'hello', /line 1: The file must be a map .*not "hello"/],
    ['version 1', stackOf().replace('1.0', '1'), /line 1: version must be 1\.0, not "1"/],
    ['version 1.1', stackOf().replace('1.0', '1.1'), /line 1: version must be 1\.0/],
    ['no provider', 'functions: { a: { image: x } }', /line 1: provider\.name/],
    ['provider faas', stackOf().replace('openfaas', 'faas'), /line 3: provider\.name/],
    ['no functions', head, /line 1: There are no functions/],
    ['null functions', `${head}functions:\n`, /line 5: There are no functions/],
    ['functions list', `${head}functions: [a]\n`, /line 5: functions must be a map/],
    ['empty function', `${head}functions:\n  a:\n`, /line 6: The function "a" has no lang/],
    ['no handler', stackOf().replace('handler', 'handle'), /line 6: .*has no handler/],
    ['no image', stackOf().replace('image:', 'img:'), /line 6: .*has no image/],
    ['image with a space', stackOf().replace('alice/', '"a b"'), /line 9: /],
    ['image option', stackOf().replace('alice/hello:0.1', '--help'), /line 9: .*image reference/],
    ['lang path', stackOf().replace('node-ts', '../x'), /line 7: The lang "\.\.\/x"/],
    [
      'lang map',
      stackOf().replace('node-ts', '{ a: b }'),
      /line 7: .*lang must be a text, not a map/,
    ],
    ['handler list', stackOf().replace('./hello', '[a]'), /line 8: .*handler must be a text/],
    ['environment list', stackOf('environment: [a]'), /line 10: .*environment must be a map/],
    [
      'environment nested',
      stackOf('environment:\n  a: { b: c }'),
      /line 11: .*environment\.a must be a text/,
    ],
    ['environment name', stackOf('environment: { "a=b": c }'), /line 10: The variable name "a=b"/],
    ['environment NUL', stackOf('environment: { a: "b\\0" }'), /line 10: .*control character/],
    ['secrets text', stackOf('secrets: a'), /line 10: .*secrets must be a list, not "a"/],
    ['secret name', stackOf('secrets: [../a]'), /line 10: .*secrets\[0\].*cannot be used/],
    ['empty secret', stackOf('secrets: [~]'), /line 10: .*cannot be used/],
    [
      'skip_build',
      stackOf('skip_build: 1'),
      /line 10: .*skip_build must be true or false, not "1"/,
    ],
    [
      'limits',
      stackOf('limits: { memory: lots }'),
      /line 10: .*limits\.memory: "lots" is not a quantity/,
    ],
    ['namespace', stackOf('namespace: ../x'), /line 10: The namespace/],
    ['twice', stackOf('lang: x'), /line 10: The key "lang" is there twice/],
    ['function twice', `${stackOf()}  hello: {}\n`, /line 10: The key "hello" is there twice/],
    [
      'twice where nobody reads',
      `x: { a: 1, "a": 2 }\n${stackOf()}`,
      /line 1: The key "a" is there twice/,
    ],
    ['copy all', `${stackOf()}configuration: { copy: [./] }`, /line 10: The whole repo/],
    [
      'template name',
      `${stackOf()}configuration: { templates: [{}] }`,
      /line 10: A template needs a name/,
    ],
    [
      'tag',
      stackOf('environment: { a: !!binary aGk= }'),
      /line 10: The tag .*binary is not supported/,
    ],
    ['own tag', stackOf('environment: !foo { a: b }'), /line 10: The tag !foo/],
    ['alias', stackOf('environment: *a'), /line 10: The alias \*a has no anchor/],
    ['merge of a text', stackOf('environment: { <<: a }'), /line 10: A merge key/],
    ['merge of itself', stackOf('environment: &a { <<: *a }'), /line 10: Merge keys are nested/],
    ['map as key', stackOf('environment: { ? [a] : b }'), /line 10: .*must be a text, not a list/],
    ['no YAML', `${head}functions: [`, /line 5: This is not valid YAML/],
    ['tabs', `${head}functions:\n\ta: b`, /line 6: This is not valid YAML/],
    [
      'two documents',
      `${stackOf()}---\na: b\n`,
      /line 10: This is not valid YAML: .*more than one document/,
    ],
    ['substitution', `${head}\${A`, /line 5: The substitution/],
  ];
  for (const [name, text, message] of wrong) {
    it(`refuses with the line: ${name}`, () => {
      const failure = failureOf(text);
      expect(failure.code).to.equal('OFC_STACK_INVALID');
      expect(failure.message).to.match(/^stack\.yml line \d+: /);
      expect(failure.message).to.match(message);
    });
  }

  it('names the file it was told', () => {
    expect(() => parseStack('', { fileName: 'stack.yaml' })).to.throw('stack.yaml line 1: ');
  });

  it('limits the number of functions and copies', () => {
    const functions = (count: number) =>
      `${head}functions:\n${Array.from({ length: count }, (_, i) => `  f${i}: { image: x, skip_build: true }\n`).join('')}`;
    expect(parseStack(functions(100)).functions).to.have.length(100);
    expect(failureOf(functions(101)).message).to.contain('101 functions; at most 100');
    const copy = Array.from({ length: 101 }, (_, i) => `c${i}`).join(', ');
    expect(failureOf(`${stackOf()}configuration: { copy: [${copy}] }`).message).to.contain(
      'At most 100',
    );
  });

  describe('against bombs', () => {
    it('refuses over 256 KiB', () => {
      expect(failureOf(`${stackOf()}#${'x'.repeat(256 * 1024)}`).message).to.contain('larger than');
    });

    it('refuses what aliases unfold to', () => {
      const levels = ['x0: &x0 { a0: b, a1: b, a2: b, a3: b }'];
      for (let level = 1; level < 12; level += 1) {
        levels.push(
          `x${level}: &x${level} { <<: [${Array(10)
            .fill(`*x${level - 1}`)
            .join(', ')}] }`,
        );
      }
      const text = `${levels.join('\n')}\n${stackOf('environment: *x11')}`;
      expect(failureOf(text).message).to.contain('unfold to too much');
      const many = `x: &x [a]\ny: [${Array(1001).fill('*x').join(', ')}]\n${stackOf()}`;
      expect(failureOf(many).message).to.contain('too many aliases');
    });

    for (const [name, text] of [
      ['[', '['.repeat(200_000)],
      ['{a: ', '{a: '.repeat(50_000)],
      ['- ', '- '.repeat(100_000)],
      ['? ', '? '.repeat(100_000)],
      ['indents', Array.from({ length: 600 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
    ] as const) {
      it(`refuses deep nesting of ${name} in no time`, function () {
        this.timeout(2000);
        expect(failureOf(text).message).to.contain('nested too deeply');
      });
    }

    it('refuses a text of very many tokens', function () {
      this.timeout(5000);
      expect(failureOf(`a: [${','.repeat(200_000)}]`).message).to.contain('too long');
    });

    it('finds duplicate keys without comparing all with all', function () {
      this.timeout(5000);
      const keys = Array.from({ length: 12_000 }, (_, i) => `  k${i}: v`).join('\n');
      expect(parseStack(`${stackOf()}x:\n${keys}\n`).warnings).to.have.length(1);
    });
  });
});
