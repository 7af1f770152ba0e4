import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { fetchCommit } from '#shared/git/fetch-commit.ts';
import { parseSha } from '#shared/names.ts';
import { type Deployment, refOf } from '#shared/pipeline/deployment.ts';
import type { PlanRecord } from '#shared/pipeline/plan.ts';
import { createRecords } from '#shared/pipeline/records.ts';
import { defaultSourceLimits } from '#shared/shrinkwrap/limits.ts';
import { createMemoryTree } from '#shared/shrinkwrap/memory-tree.ts';
import { planDeployment } from '../../functions/git-tar/plan-deployment.ts';
import { createTemplates } from '../../functions/git-tar/templates.ts';
import { serveGit } from '../helpers/git-http-server.ts';
import { type GitRepo, gitRepo, type RepoFiles } from '../helpers/git-repo.ts';
import { createMemoryObjectStore } from '../helpers/memory-object-store.ts';
import { noSecrets } from '../helpers/no-secrets.ts';
import { testPush } from '../helpers/pipeline-fixtures.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const stack = (fn: string, top = '') => `provider: { name: openfaas }\nfunctions:\n  ${fn}\n${top}`;
const usual = 'fn: { lang: node-ts, handler: ./fn, image: fn }';
const handler: RepoFiles = { 'fn/handler.ts': 'export default 1;\n' };
const secret = 'THE-PLATFORM-SECRET';

interface Attack {
  readonly plan: PlanRecord | undefined;
  /** Every build context that was stored, as bytes in a text. */
  readonly contexts: string;
}

describe('a hostile repo', () => {
  let repo: GitRepo;
  let secrets: Awaited<ReturnType<typeof tempDir>>;

  before(async () => {
    secrets = await tempDir();
    await writeFile(join(secrets.path, 'payload-secret'), secret);
  });
  after(() => secrets.remove());
  beforeEach(async () => {
    repo = await gitRepo('unused');
  });
  afterEach(() => repo.remove());

  /** Pushes a commit through a real git server into git-tar's planning. */
  async function push(files: RepoFiles, prepare?: () => Promise<void>): Promise<Attack> {
    await prepare?.();
    const sha = parseSha(await repo.commit(files));
    const server = await serveGit(repo.folder);
    try {
      const { defaultBranch: _, ...deployment }: ReturnType<typeof testPush> = testPush({ sha });
      return await plan(deployment, server.url);
    } finally {
      await server.close();
    }
  }

  async function plan(deployment: Deployment, url: string): Promise<Attack> {
    const store = createMemoryObjectStore();
    const records = createRecords(store);
    await records.begin(deployment);
    const record = await planDeployment(
      {
        records,
        store,
        fetch: ({ sha }) => fetchCommit({ url, sha }, { maxBytes: 1e7, timeoutMs: 15_000 }),
        planning: {
          templates: createTemplates({
            builtIn: createMemoryTree({
              'node-ts/template.yml': 'language: node-ts\n',
              'node-ts/Dockerfile': 'FROM the-operators-image\n',
            }),
            aliases: {},
            repositories: [],
            enableDockerfile: false,
            fetch: () => Promise.reject(new Error('no network')),
          }),
          pushRepositoryUrl: 'registry:5000',
          limits: defaultSourceLimits,
          allowedBuildArgs: new Set(),
        },
        secrets: noSecrets,
        imageExists: async () => false,
      },
      refOf(deployment),
    );
    const stored = [...store.objects].filter(([key]) => key.endsWith('context.tar'));
    return { plan: record, contexts: stored.map(([, bytes]) => bytes.toString('latin1')).join() };
  }

  /** Nothing of the machine, and nothing at all, was stored. */
  function refused({ plan: record, contexts }: Attack, code: string, text = ''): void {
    expect(record).to.include({ outcome: 'failed', code });
    expect(record?.outcome === 'failed' ? record.text : '').to.include(text);
    expect(contexts).to.equal('');
  }

  for (const [what, link] of [
    ['a file of the platform', () => join(secrets.path, 'payload-secret')],
    ['the folder of secrets', () => '/var/openfaas/secrets'],
    ['its own folder', () => '.'],
    ['something above', () => '../../../etc/passwd'],
  ] as const) {
    it(`cannot take in ${what} by a link`, async () => {
      const attack = await push({
        'stack.yml': stack(usual),
        ...handler,
        'fn/link': { link: link() },
      });
      refused(attack, 'OFC_SOURCE_REFUSED', 'fn/link');
    });
  }

  it('cannot be a link in the place of its handler or a copied folder', async () => {
    const linked = await push({ 'stack.yml': stack(usual), fn: { link: secrets.path } });
    expect(linked.plan?.outcome).to.equal('failed');
    expect(linked.contexts).to.equal('');
    const copied = await push({
      'stack.yml': stack(usual, 'configuration: { copy: [shared] }'),
      fn: null,
      ...handler,
      shared: { link: secrets.path },
    });
    expect(copied.plan?.outcome).to.equal('failed');
    expect(copied.contexts).to.equal('');
  });

  for (const path of [
    '../..',
    '/var/openfaas/secrets',
    'fn/../../..',
    './../x',
    '.git',
    'fn/.git',
    '..\\\\x',
    '~',
  ]) {
    it(`cannot name ${path} as its handler or a copied path`, async () => {
      const asHandler = stack(`fn: { lang: node-ts, handler: "${path}", image: fn }`);
      const one = await push({ 'stack.yml': asHandler, ...handler });
      expect(one.plan?.outcome).to.equal('failed');
      expect(one.contexts).to.equal('');
      const two = await push({ 'stack.yml': stack(usual, `configuration: { copy: ["${path}"] }`) });
      expect(two.plan?.outcome).to.equal('failed');
      expect(two.contexts).to.equal('');
    });
  }

  for (const key of ['../../x', '"a/b"', '""', '"fn;rm -rf"', '"$(id)"', 'FN', '"fn\\n"']) {
    it(`cannot call a function ${key}`, async () => {
      const text = stack(`${key}: { lang: node-ts, handler: ./fn, image: fn }`);
      refused(await push({ 'stack.yml': text, ...handler }), 'OFC_STACK_INVALID');
    });
  }

  it('cannot bring its own template', async () => {
    const { plan: record, contexts } = await push({
      'stack.yml': stack(
        usual,
        'configuration: { templates: [{ name: node-ts, source: "https://evil.example/t" }] }',
      ),
      ...handler,
      'template/node-ts/template.yml': 'language: node-ts\nhandler_folder: ../..\n',
      'template/node-ts/Dockerfile': 'FROM evil\n',
      'template/evil/template.yml': 'language: evil\n',
    });
    expect(record?.outcome).to.equal('planned');
    expect(contexts).to.include('FROM the-operators-image').and.not.include('FROM evil');
    const warnings = record?.outcome === 'planned' ? record.warnings.join() : '';
    expect(warnings).to.include('"node-ts" of "configuration.templates" is ignored');
    const evil = stack('fn: { lang: evil, handler: ./fn, image: fn }');
    refused(await push({ 'stack.yml': evil }), 'OFC_TEMPLATE');
  });

  it('cannot blow up a stack file by aliases', async () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 12; level += 1) {
      const before = String.fromCharCode(96 + level);
      const name = String.fromCharCode(97 + level);
      lines.push(`${name}: &${name} [${Array(10).fill(`*${before}`).join(', ')}]`);
    }
    const bomb = lines.join('\n');
    const started = Date.now();
    const used = stack('fn: { lang: node-ts, handler: ./fn, image: fn, secrets: *l }');
    refused(await push({ 'stack.yml': `${bomb}\n${used}`, ...handler }), 'OFC_STACK_INVALID');
    // Where nobody looks at it, it is never expanded.
    const { plan: record } = await push({ 'stack.yml': `${stack(usual)}\n${bomb}` });
    expect(JSON.stringify(record).length).to.be.lessThan(10_000);
    expect(Date.now() - started).to.be.lessThan(10_000);
  });

  it('cannot bring a submodule or a .git folder', async () => {
    await repo.commit({ 'stack.yml': stack(usual), ...handler });
    await repo.git('update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},fn/sub`);
    await repo.git('commit', '--quiet', '--message=sub');
    const sha = parseSha(await repo.git('rev-parse', 'HEAD'));
    const server = await serveGit(repo.folder);
    const { defaultBranch: _, ...deployment } = testPush({ sha });
    refused(await plan(deployment, server.url), 'OFC_SOURCE_REFUSED', 'fn/sub');
    await server.close();
  });

  it('with the whole repo as handler does not take git’s own files in', async () => {
    const whole = stack('fn: { lang: node-ts, handler: ., image: fn }');
    await mkdir(join(repo.folder, 'x'), { recursive: true });
    const { plan: record, contexts } = await push({ 'stack.yml': whole, 'handler.ts': 'x' });
    expect(record?.outcome).to.equal('planned');
    expect(contexts).to.not.include('.git/').and.not.include('[remote "origin"]');
  });

  it('never gets at the file of a secret, whatever it tries at once', async () => {
    const { contexts } = await push({
      'stack.yml': stack(
        `fn: { lang: node-ts, handler: ./fn, image: fn, environment_file: [env.yml] }`,
      ),
      ...handler,
      'env.yml': { link: join(secrets.path, 'payload-secret') },
    });
    expect(contexts).to.not.include(secret);
  });

  it('cannot name the language dockerfile in another spelling', async () => {
    for (const lang of ['dockerfile', 'Dockerfile', 'DOCKERFILE']) {
      const text = stack(`fn: { lang: ${lang}, handler: ./fn, image: fn }`);
      const attack = await push({ 'stack.yml': text, 'fn/Dockerfile': 'FROM evil\n' });
      refused(attack, 'OFC_TEMPLATE');
    }
  });
});
