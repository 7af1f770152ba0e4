import { expect } from 'chai';
import { signedCallbackUrl } from '#shared/messages/callback-url.ts';
import { createSigner, signatureHeader } from '#shared/messages/signature.ts';
import { parseOwner, parseRepoName } from '#shared/names.ts';
import { answering, deploymentsOn, stackFile } from '../helpers/deployments.ts';
import { eventually } from '../helpers/eventually.ts';
import { httpGet } from '../helpers/http-get.ts';
import { type PlatformProcess, secretOf } from '../helpers/platform-process.ts';
import { storeOf } from '../helpers/platform-store.ts';
import { sharedPlatform } from '../helpers/shared-platform.ts';
import { refusesHostileRepos } from './cases/hostile-repos.ts';

describe('hostile tenants and callers', function () {
  this.timeout(240_000);
  let platform: PlatformProcess;
  const on = deploymentsOn(() => platform);
  before(async () => {
    platform = await sharedPlatform();
  });

  const base = () => `http://127.0.0.1:${platform.port}`;

  refusesHostileRepos(() => platform);

  for (const [owner, fn] of [
    ['git', 'tar'],
    ['github', 'push'],
  ] as const) {
    it(`does not let ${owner} + ${fn} replace the platform's ${owner}-${fn}`, async () => {
      const repo = await on.repo(owner, 'impostor');
      const sha = await on.push(repo, {
        'stack.yml': stackFile(fn),
        [`${fn}/handler.ts`]: answering('impostor'),
      });
      const checks = await on.completed(owner, 'impostor', sha);
      expect(checks.get('stack-deploy')?.conclusion).to.equal('failure');
      expect(checks.get('stack-deploy')?.output.summary).to.contain(`${owner}-${fn}`);
      expect((await on.call(owner, `/${fn}`)).status).to.equal(404);
      await repo.remove();
      // The platform's function still does its work.
      const other = await on.repo('carol', `after-${owner}`);
      const next = await on.push(other, {
        'stack.yml': stackFile(`after-${owner}`),
        [`after-${owner}/handler.ts`]: answering('fine'),
      });
      const after = await on.completed('carol', `after-${owner}`, next);
      expect(after.get('stack-deploy')?.conclusion).to.equal('success');
      await other.remove();
    });
  }

  it('no internal function answers to visitors', async () => {
    for (const path of [
      '/tar',
      '/Tar',
      '/%74ar',
      '//tar',
      '/./tar',
      '/x/../tar',
      '/tar%2f',
      '/tar/',
    ]) {
      const { status } = await on.call('git', path);
      expect(status, path).to.be.oneOf([400, 404]);
    }
    for (const path of ['/git-tar', '/buildshiprun', '/of-builder', '/garbage-collect', '/echo']) {
      expect((await on.call('system', path)).status, path).to.equal(404);
    }
  });

  it('refuses an unsigned call, a signature for another function, and an old one', async () => {
    const body = JSON.stringify({ owner: 'alice', repo: 'two', id: '000000000-0000000-00000000' });
    const current = await secretOf(platform, 'payload-secret');
    const sign = (receiver: string, ageMs: number) =>
      createSigner({ current }, () => Date.now() - ageMs).sign({
        receiver,
        method: 'POST',
        path: '/',
        body,
      });
    const call = async (headers: Record<string, string>): Promise<number> => {
      const answer = await httpGet(
        `${base()}/function/git-tar`,
        { 'content-length': String(body.length), ...headers },
        { method: 'POST', body },
      );
      return answer.status;
    };
    expect(await call({})).to.equal(401);
    expect(await call({ [signatureHeader]: sign('of-builder', 0) })).to.equal(401);
    expect(await call({ [signatureHeader]: sign('git-tar', 2 * 3600_000) })).to.equal(401);
    // The control: signed as it should be, it gets as far as to miss the deployment.
    expect(await call({ [signatureHeader]: sign('git-tar', 0) })).to.equal(404);
  });

  it('a call that somebody recorded and sends again changes nothing', async () => {
    const repo = await on.repo('carol', 'replayed');
    const sha = await on.push(repo, {
      'stack.yml': stackFile('replayed'),
      'replayed/handler.ts':
        'const born = String(Math.random());\nexport default async () => born;\n',
    });
    await on.completed('carol', 'replayed', sha);
    const born = (await on.call('carol', '/replayed')).text;
    const { store, records } = await storeOf(platform);
    /** Everything that is recorded of the repo, and the logs of its builds. */
    const recorded = async () => {
      const keys = (
        await Promise.all(
          ['deployments', 'heads', 'logs'].map((root) => store.list(`${root}/carol/replayed/`)),
        )
      ).flat();
      const values = await Promise.all(keys.map(async (key) => String(await store.get(key))));
      return Object.fromEntries(keys.map((key, index) => [key, values[index]]));
    };
    const owner = parseOwner('carol');
    const [ref] = await records.deploymentsOf(owner, parseRepoName('replayed'));
    const deployment = ref && (await records.load(ref))?.deployment;
    if (ref === undefined || deployment === undefined) throw new Error('no deployment');
    await eventually(async () => expect(await records.isOpen(ref)).to.equal(false));
    const before = await recorded();

    const signer = createSigner({ current: await secretOf(platform, 'payload-secret') });
    const messages: [string, object][] = [
      ['github-push', { ...deployment, defaultBranch: 'main' }],
      ['git-tar', ref],
      ['buildshiprun', ref],
      ['of-builder', { ...ref, function: 'replayed' }],
      ['github-status', ref],
      [
        'garbage-collect',
        {
          ...{ owner, repo: 'replayed', functions: ['replayed'] },
          of: { branch: 'main', id: ref.id },
        },
      ],
    ];
    for (const [receiver, message] of messages) {
      const body = JSON.stringify(message);
      const signature = signer.sign({ receiver, method: 'POST', path: '/', body });
      const headers = { 'content-length': String(body.length), [signatureHeader]: signature };
      const once = () =>
        httpGet(`${base()}/function/${receiver}`, headers, { method: 'POST', body });
      const answers = [await once(), ...(await Promise.all([once(), once()]))];
      expect(
        answers.map(({ status }) => status),
        receiver,
      ).to.deep.equal([200, 200, 200]);
    }
    const query = { ...ref, claim: 'build/replayed' };
    const callback = signedCallbackUrl(signer, base(), 'buildshiprun', query);
    const answer = await httpGet(
      callback.replace('/async-function/', '/function/'),
      { 'x-function-status': '200', 'content-length': '0' },
      { method: 'POST' },
    );
    expect(answer.status).to.equal(200);

    const after = await recorded();
    expect(Object.keys(after)).to.deep.equal(Object.keys(before));
    expect(after).to.deep.equal(before);
    expect((await on.call('carol', '/replayed')).text, 'the same process').to.equal(born);
    const runs = await on.checks('carol', 'replayed', sha);
    expect(runs.map(({ conclusion }) => conclusion)).to.deep.equal(['success', 'success']);
    await repo.remove();
  });

  it('a function sees its own environment and nothing of the platform', async () => {
    const repo = await on.repo('carol', 'spy');
    const sha = await on.push(repo, {
      'stack.yml': stackFile('spy'),
      'spy/handler.ts': `import { readdirSync } from 'node:fs';
export default async (event: { headers: object }) => {
  const list = (path: string) => { try { return readdirSync(path); } catch { return []; } };
  return { env: Object.keys(process.env), headers: event.headers, secrets: list('/var/openfaas/secrets'),
    cwd: process.cwd() };
};\n`,
    });
    await on.completed('carol', 'spy', sha);
    const answer = await on.call('carol', '/spy', {
      cookie: 'openfaas_cloud_token=abc; theme=dark',
      'x-cloud-signature': 'forged',
      'x-callback-url': 'http://127.0.0.1/',
    });
    const seen = JSON.parse(answer.text) as {
      env: string[];
      headers: Record<string, string>;
      secrets: string[];
    };
    expect(seen.secrets).to.deep.equal([]);
    expect(seen.env).to.not.include('s3_url');
    expect(seen.env.filter((name) => /npm_|HOME_|SHELL|USER$/i.test(name))).to.deep.equal([]);
    expect(seen.headers['cookie']).to.equal('theme=dark');
    expect(seen.headers).to.not.have.any.keys('x-cloud-signature', 'x-callback-url');
    await repo.remove();
  });
});
