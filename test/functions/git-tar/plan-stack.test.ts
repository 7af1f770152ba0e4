import { Readable } from 'node:stream';
import { expect } from 'chai';
import { extract } from 'tar-stream';
import type { PlannedFunction } from '#shared/pipeline/plan.ts';
import { defaultSourceLimits } from '#shared/shrinkwrap/limits.ts';
import { createMemoryTree, type MemoryEntry } from '#shared/shrinkwrap/memory-tree.ts';
import type { PackedContext } from '#shared/tar/pack-context.ts';
import { type Planning, planStack } from '../../../functions/git-tar/plan-stack.ts';
import { createTemplates } from '../../../functions/git-tar/templates.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { testPush } from '../../helpers/pipeline-fixtures.ts';

const builtIn = createMemoryTree({
  'node-ts/template.yml': 'language: node-ts\n',
  'node-ts/Dockerfile': 'FROM node\n',
});

/** A stack file of one function, with more lines for it. */
const stack = (lines = '', key = 'fn', top = '') => `provider:
  name: openfaas
functions:
  ${key}:
    lang: node-ts
    handler: ./fn
    image: fn
${lines}
${top}`;

async function filesOf({ tar }: PackedContext): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  const archive = extract();
  Readable.from([tar]).pipe(archive);
  for await (const entry of archive) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    if (entry.header.type === 'file') files[entry.header.name] = String(Buffer.concat(chunks));
  }
  return files;
}

interface Planned {
  readonly functions: readonly PlannedFunction[];
  readonly warnings: readonly string[];
  readonly contexts: readonly PackedContext[];
}

async function plan(
  files: Readonly<Record<string, MemoryEntry>>,
  {
    push = {},
    ...changes
  }: Partial<Planning> & { push?: Parameters<typeof testPush>[0]; enableDockerfile?: boolean } = {},
): Promise<Planned> {
  const contexts: PackedContext[] = [];
  const templates = createTemplates({
    builtIn,
    aliases: { node22: 'node-ts' },
    repositories: [],
    enableDockerfile: changes.enableDockerfile ?? false,
    fetch: () => Promise.reject(new Error('no network')),
  });
  const result = await planStack(createMemoryTree(files), testPush(push), {
    templates,
    importSecrets: async () => undefined,
    pushRepositoryUrl: 'registry:5000',
    limits: defaultSourceLimits,
    allowedBuildArgs: new Set(['GO111MODULE']),
    onFunction: async (_, context) => {
      contexts.push(context);
    },
    ...changes,
  });
  return { ...result, contexts };
}

/** The plan of a repo with one function. */
async function planOne(...args: Parameters<typeof plan>): Promise<PlannedFunction> {
  const [fn] = (await plan(...args)).functions;
  if (fn === undefined) throw new Error('nothing was planned');
  return fn;
}

const handler = { 'fn/handler.ts': 'export default 1;\n' };

describe('planning a stack', () => {
  it('names, packs and describes each function', async () => {
    const { functions, warnings, contexts } = await plan({
      'stack.yml': stack(),
      ...handler,
      'other.txt': 'x',
    });
    const [fn] = functions;
    const [context] = contexts;
    if (fn === undefined || context === undefined) throw new Error('nothing was planned');
    expect(fn).to.deep.include({
      key: 'fn',
      service: 'alice-fn',
      lang: 'node-ts',
      image: 'registry:5000/alice/hello-fn:latest-master-aaaaaaa',
      contextDigest: context.digest,
      contextSize: context.size,
      buildArgs: {},
      environment: {},
      secrets: [],
    });
    expect('envProcess' in fn).to.equal(false);
    expect(await filesOf(context)).to.deep.equal({
      'context/Dockerfile': 'FROM node\n',
      'context/function/handler.ts': 'export default 1;\n',
      'context/template.yml': 'language: node-ts\n',
    });
    expect(warnings).to.deep.equal([]);
  });

  it('gives the same digests for the same content, whatever the commit', async () => {
    const first = await planOne({ 'stack.yml': stack(), ...handler });
    const second = await planOne(
      { 'README.md': 'new', 'stack.yml': stack(), ...handler },
      { push: { sha: 'b'.repeat(40) } },
    );
    expect(second.contextDigest).to.equal(first.contextDigest);
    expect(second.buildKey).to.equal(first.buildKey);
    expect(second.image).to.not.equal(first.image);
    const changed = await planOne({ 'stack.yml': stack(), 'fn/handler.ts': 'export default 2;\n' });
    expect(changed.buildKey).to.not.equal(first.buildKey);
  });

  describe('reads', () => {
    it('stack.yaml before stack.yml, as faas-cli does', async () => {
      const files = { ...handler, 'stack.yml': stack('', 'b'), 'stack.yaml': stack('', 'a') };
      const { functions, warnings } = await plan(files);
      expect(functions.map(({ key }) => key)).to.deep.equal(['a']);
      expect(warnings).to.deep.equal(['stack.yml is ignored, because there is stack.yaml.']);
      expect(await planOne({ ...handler, 'stack.yaml': stack() })).to.include({ key: 'fn' });
    });

    for (const [what, files, said] of [
      ['there is none', {}, /root folder\. Make one with "faas-cli new/],
      ['another YAML file is no stack', { 'a.yml': 'provider: x\n' }, /root folder\. Make one/],
      ['it is in a folder', { 'x/stack.yml': stack() }, /, but "x\/stack.yml"\. Move it/],
      ['it has another case', { 'Stack.YML': stack() }, /, but "Stack.YML"\. Rename it/],
      ['it has another name', { 'fn.yml': stack() }, /, but "fn.yml"\. Rename it/],
      [
        'it is a link',
        { 'stack.yml': { kind: 'symlink', content: '/var/openfaas/secrets/x' } },
        /: stack.yml is a symbolic link\. Commit the file itself/,
      ],
      ['it is a folder', { 'stack.yml/x': '' }, /: stack.yml is a folder\. Commit the file/],
    ] as const satisfies readonly (readonly [string, Record<string, MemoryEntry>, RegExp])[]) {
      it(`no stack file where ${what}, and says so`, async () => {
        const error = await expectCode(plan({ ...handler, ...files }), 'OFC_STACK_MISSING');
        expect(error.text).to.match(said);
      });
    }

    it('UTF-8 only, and says so of what Windows writes by itself', async () => {
      for (const bytes of [
        Buffer.from(`\ufeff${stack()}`, 'utf16le'),
        Buffer.from(stack('', 'ü'), 'latin1'),
      ]) {
        const error = await expectCode(
          plan({ ...handler, 'stack.yml': bytes }),
          'OFC_STACK_INVALID',
        );
        expect(error.text).to.include('stack.yml is not a text in UTF-8. Save it');
      }
      const marked = await planOne({ ...handler, 'stack.yml': `\ufeff${stack()}` });
      expect(marked.key).to.equal('fn');
    });

    it('names of functions that are DNS labels, with the line where not', async () => {
      const files = { ...handler, 'stack.yaml': stack('', 'Fn_1') };
      const error = await expectCode(plan(files), 'OFC_STACK_INVALID');
      expect(error.text).to.include('Fn_1').and.include('stack.yaml line 4');
    });

    it('nothing for functions that are not built', async () => {
      const error = await expectCode(
        plan({ ...handler, 'stack.yml': stack('    skip_build: true') }),
        'OFC_STACK_INVALID',
      );
      expect(error.hint).to.include('skip_build');
    });
  });

  describe('has the environment', () => {
    it('of the map and of files, the last one first', async () => {
      const files = {
        ...handler,
        'stack.yml': stack(`    environment:
      A: map
      B: map
      C: map
    environment_file: [one.yml, env/two.yml]`),
        'one.yml': 'environment:\n  B: one\n  C: one\n',
        'env/two.yml': 'environment:\n  C: two\n',
      };
      expect((await planOne(files)).environment).to.deep.equal({ A: 'map', B: 'one', C: 'two' });
    });

    for (const [what, entry] of [
      ['is missing', undefined],
      ['is a link', { kind: 'symlink', content: '/etc/passwd' }],
      ['is a folder', { kind: 'directory' }],
    ] as const) {
      it(`, or says that a file of it ${what}`, async () => {
        const error = await expectCode(
          plan({
            ...handler,
            'stack.yml': stack('    environment_file: [env.yml]'),
            ...(entry === undefined ? {} : { 'env.yml': entry }),
          }),
          'OFC_STACK_INVALID',
        );
        expect(error.text).to.include('stack.yml line 8').and.include('env.yml');
      });
    }

    it('of nothing else: the platform’s own is not seen', async () => {
      process.env['OFC_TEST_SECRET'] = 'hunter2';
      const files = {
        ...handler,
        'stack.yml': stack(`    environment: { A: "\${OFC_TEST_SECRET:-none}" }`),
      };
      expect((await planOne(files)).environment).to.deep.equal({ A: 'none' });
      delete process.env['OFC_TEST_SECRET'];
    });
  });

  it('has the owner’s secrets, by their name in the cluster', async () => {
    const fn = await planOne(
      { ...handler, 'stack.yml': stack('    secrets: [s1, s2]') },
      { push: { owner: 'AlexEllis' } },
    );
    expect(fn.secrets).to.deep.equal(['alexellis-s1', 'alexellis-s2']);
  });

  describe('has images by the rule of the original', () => {
    for (const [url, image, expected] of [
      [
        'registry:5000',
        'func:0.2',
        'registry:5000/alexellis/go-fns-tester-func:0.2-master-04b8e44',
      ],
      [
        'registry:5000',
        'alexellis2/func:0.2',
        'registry:5000/alexellis/go-fns-tester-func:0.2-master-04b8e44',
      ],
      [
        'registry:5000',
        'alexellis2/func',
        'registry:5000/alexellis/go-fns-tester-func:latest-master-04b8e44',
      ],
      [
        'docker.io/of-community/',
        'alexellis2/func',
        'docker.io/of-community/alexellis-go-fns-tester-func:latest-master-04b8e44',
      ],
    ] as const) {
      it(`${image} at ${url}`, async () => {
        const push = { owner: 'alexellis', repo: 'go-fns-tester', sha: '04b8e44988'.repeat(4) };
        const text = stack().replace('image: fn', `image: ${image}`);
        const fn = await planOne(
          { ...handler, 'stack.yml': text },
          { push, pushRepositoryUrl: url },
        );
        expect(fn.image).to.equal(expected);
      });
    }
  });

  it('takes the build arguments that are allowed, and says which are not', async () => {
    const { functions, warnings } = await plan({
      ...handler,
      'stack.yml': stack(
        '    build_args: { GO111MODULE: "on", EVIL: "1" }\n    build_options: [dev]',
      ),
    });
    expect(functions[0]?.buildArgs).to.deep.equal({ GO111MODULE: 'on' });
    expect(warnings.join()).to.include('EVIL').and.include('build_options');
  });

  it('says which keys have no effect', async () => {
    const text = stack(
      '    limits: { memory: 64Mi }\n    namespace: mine\n    platforms: linux/arm64',
    );
    const { warnings } = await plan({ ...handler, 'stack.yml': text });
    expect(warnings).to.include('fn: has no effect here: limits, namespace, platforms.');
  });

  it('builds a language by another template, which the tenant cannot undo', async () => {
    const text = stack('    build_args: { OFC_CLASSIC: "x" }').replace('node-ts', 'node22');
    const { functions, warnings } = await plan(
      { 'fn/handler.js': '', 'stack.yml': text },
      { allowedBuildArgs: new Set(['OFC_CLASSIC']) },
    );
    expect(functions[0]?.buildArgs).to.deep.equal({ OFC_CLASSIC: 'node22' });
    expect(warnings[0]).to.include('"node22" runs on the node-ts runtime');
  });

  it('says that a language is unknown, with its line', async () => {
    const text = stack().replace('node-ts', 'smalltalk');
    const error = await expectCode(plan({ ...handler, 'stack.yml': text }), 'OFC_TEMPLATE');
    expect(error.text).to.include('stack.yml line 5: There is no template for "lang: smalltalk"');
  });

  for (const [what, lang, files, found] of [
    [
      'no file that the template loads',
      'node-ts',
      ['index.ts', 'Handler.ts'],
      'It has index.ts, Handler.ts.',
    ],
    ['TypeScript for a template of JavaScript', 'node22', ['handler.ts'], 'It has handler.ts.'],
  ] as const) {
    it(`refuses a handler's folder with ${what}: the template's sample would be deployed`, async () => {
      const sources = Object.fromEntries(files.map((name) => [`fn/${name}`, '']));
      const error = await expectCode(
        plan({ ...sources, 'stack.yml': stack().replace('node-ts', lang) }),
        'OFC_STACK_INVALID',
      );
      expect(error.text).to.include('stack.yml line 6: the folder "fn" of "fn" has no handler.');
      expect(error.text).to.include(found).and.include(`"lang: ${lang}" name the file handler.`);
    });
  }

  it('takes a handler that is copied into the folder', async () => {
    const text = stack('', 'fn', 'configuration: { copy: [handler.mjs] }');
    await planOne({ 'stack.yml': text, 'handler.mjs': '', 'fn/package.json': '{}' });
  });

  it('builds a Dockerfile only where that is enabled', async () => {
    const files = {
      'stack.yml': stack().replace('node-ts', 'Dockerfile'),
      'fn/Dockerfile': 'FROM scratch\n',
    };
    await expectCode(plan(files), 'OFC_TEMPLATE');
    const { contexts } = await plan(files, { enableDockerfile: true });
    expect(await filesOf(contexts[0] as PackedContext)).to.deep.equal({
      'context/Dockerfile': 'FROM scratch\n',
    });
  });

  it('refuses names that cannot be deployed, or are the platform’s', async () => {
    const long = { ...handler, 'stack.yml': stack('', 'x'.repeat(60)) };
    expect((await expectCode(plan(long), 'OFC_NAME_INVALID')).text).to.include('yml line 4: The');
    const tar = { ...handler, 'stack.yml': stack('', 'tar') };
    await expectCode(plan(tar, { push: { owner: 'git' } }), 'OFC_NAME_TAKEN');
    const secret = { ...handler, 'stack.yml': stack('    secrets: [secret]') };
    const error = await expectCode(plan(secret, { push: { owner: 'payload' } }), 'OFC_NAME_TAKEN');
    expect(error.text).to.include('stack.yml line 8: ');
  });
});
