import { generateKeyPairSync } from 'node:crypto';
import type { Octokit } from '@octokit/rest';
import { expect } from 'chai';
import jwt from 'jsonwebtoken';
import { appId, getJson, keys, startGitServer, type TestGitServer } from './harness.ts';

interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly response: {
    readonly data: { readonly errors?: readonly { field: string; code: string }[] };
  };
}

const refused = async (work: Promise<unknown>): Promise<Refusal> => {
  try {
    await work;
  } catch (error) {
    return error as Refusal;
  }
  throw new Error('the request should have been refused');
};

describe('git server: REST API', () => {
  let server: TestGitServer;
  let sha = '';
  let folder = '';
  let octokit: Octokit;
  let installationId = 0;
  const hello = { owner: 'alice', repo: 'hello' };

  before(async () => {
    server = await startGitServer();
    ({ sha, folder } = await server.pushed('alice', 'hello', {
      'stack.yml': 'version: 1\n',
      'fn/handler.ts': 'x\n',
    }));
    installationId = (await server.app().apps.getRepoInstallation(hello)).data.id;
    octokit = server.app(installationId);
  });
  after(() => server.close());

  describe('the app', () => {
    it('finds itself and its installations', async () => {
      const app = server.app();
      expect((await app.apps.getAuthenticated()).data).to.include({
        id: appId,
        slug: 'openfaas-cloud',
      });
      expect((await app.apps.getUserInstallation({ username: 'ALICE' })).data.id).to.equal(
        installationId,
      );
      expect(
        (await app.apps.getInstallation({ installation_id: installationId })).data.account,
      ).to.include({ login: 'alice' });
      expect((await app.apps.listInstallations()).data.map(({ id }) => id)).to.include(
        installationId,
      );
      expect((await refused(app.apps.getUserInstallation({ username: 'nobody' }))).status).to.equal(
        404,
      );
      expect(
        (await refused(app.apps.getRepoInstallation({ owner: 'alice', repo: 'none' }))).status,
      ).to.equal(404);
    });

    it('gets tokens that end after an hour, for chosen repos and permissions', async () => {
      await server.pushed('alice', 'other');
      const { data, status } = await server.app().apps.createInstallationAccessToken({
        installation_id: installationId,
        repositories: ['hello'],
        permissions: { checks: 'write' },
      });
      expect(status).to.equal(201);
      expect(data.token).to.match(/^ghs_[A-Za-z0-9]{36}$/);
      expect(Date.parse(data.expires_at) - Date.now()).to.be.closeTo(3_600_000, 5000);
      expect(data.permissions).to.deep.equal({ checks: 'write', metadata: 'read' });
      expect(data.repositories?.map(({ name }) => name)).to.deep.equal(['hello']);
      const send = (path: string, body: object) =>
        fetch(`${server.api}/repos/alice/${path}`, {
          method: 'POST',
          headers: { authorization: `token ${data.token}` },
          body: JSON.stringify(body),
        }).then((response) => response.status);
      expect(await send('hello/check-runs', { name: 'x', head_sha: sha })).to.equal(201);
      expect(await send('other/check-runs', { name: 'x', head_sha: sha })).to.equal(403);
      expect(await send(`hello/statuses/${sha}`, { state: 'success' })).to.equal(403);
      for (const wrong of [
        { repositories: ['none'] },
        { repository_ids: [1] },
        { permissions: { contents: 'write' } },
        { permissions: { administration: 'read' } },
      ]) {
        const request = server
          .app()
          .request('POST /app/installations/{id}/access_tokens', { id: installationId, ...wrong });
        expect((await refused(request)).status, JSON.stringify(wrong)).to.equal(422);
      }
    });

    it('is known by its signed token only', async () => {
      const now = Math.floor(Date.now() / 1000);
      const good = { iat: now - 30, exp: now + 500, iss: appId };
      const sign = (
        claims: object,
        key: string = keys.privateKey,
        algorithm: jwt.Algorithm = 'RS256',
      ) => jwt.sign(claims, key, { algorithm });
      const other = generateKeyPairSync('rsa', { modulusLength: 2048 })
        .privateKey.export({ type: 'pkcs8', format: 'pem' })
        .toString();
      const parts = (header: object) =>
        [header, good]
          .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
          .join('.');
      const status = (token: string) =>
        fetch(`${server.api}/app`, { headers: { authorization: `Bearer ${token}` } }).then(
          (response) => response.status,
        );
      expect(await status(sign(good))).to.equal(200);
      expect(await status(sign({ ...good, iss: String(appId) }))).to.equal(200);
      expect(await status(sign({ ...good, iss: 'local-client' }))).to.equal(200);
      expect(await status(sign({ ...good, iat: now + 30 }))).to.equal(200);
      const attacks: Record<string, string> = {
        'another app': sign({ ...good, iss: 43 }),
        'out of date': sign({ ...good, exp: now - 5 }),
        'lives too long': sign({ ...good, exp: now + 3600 }),
        'no end': sign({ iat: now, iss: appId }),
        'from the future': sign({ ...good, iat: now + 300 }),
        'another key': sign(good, other),
        'another algorithm': sign(good, keys.privateKey, 'RS512'),
        'no algorithm': `${parts({ alg: 'none', typ: 'JWT' })}.`,
        'the public key as an HMAC secret': `${parts({ alg: 'HS256', typ: 'JWT' })}.AAAA`,
      };
      for (const [name, token] of Object.entries(attacks))
        expect(await status(token), name).to.equal(401);
      expect((await fetch(`${server.api}/app`)).status).to.equal(401);
    });
  });

  describe('check runs', () => {
    it('are made, changed in place, found by name, and survive a restart', async () => {
      const { data: made, status } = await octokit.checks.create({
        ...hello,
        name: 'stack-deploy',
        head_sha: sha,
        status: 'in_progress',
        details_url: 'http://127.0.0.1/x',
        external_id: 'd1',
        output: { title: 'Deploy', summary: 'running' },
      });
      expect(status).to.equal(201);
      expect(made).to.include({
        status: 'in_progress',
        conclusion: null,
        head_sha: sha,
        name: 'stack-deploy',
        external_id: 'd1',
      });
      expect(made.app?.id).to.equal(appId);
      await server.restart();
      const { data: done } = await octokit.checks.update({
        ...hello,
        check_run_id: made.id,
        conclusion: 'success',
        output: { title: 'Deployed', summary: 'fine', text: 'log' },
      });
      expect(done).to.include({
        id: made.id,
        status: 'completed',
        conclusion: 'success',
        external_id: 'd1',
      });
      expect(done.completed_at).to.match(/Z$/);
      expect((await octokit.checks.get({ ...hello, check_run_id: made.id })).data).to.deep.equal(
        done,
      );
      for (const ref of [sha, 'main', 'heads/main', sha.slice(0, 10)]) {
        const { data } = await octokit.checks.listForRef({
          ...hello,
          ref,
          check_name: 'stack-deploy',
          app_id: appId,
        });
        expect(
          data.check_runs.map(({ id }) => id),
          ref,
        ).to.deep.equal([made.id]);
      }
      expect(
        (await octokit.checks.listForRef({ ...hello, ref: sha, app_id: 1 })).data.total_count,
      ).to.equal(0);
    });

    it('are listed newest first, the latest of each name, page by page', async () => {
      const { sha: target } = await server.pushed('alice', 'pages');
      const pages = { owner: 'alice', repo: 'pages' };
      for (let index = 0; index < 7; index += 1) {
        await octokit.checks.create({ ...pages, name: `fn-${index}`, head_sha: target });
      }
      await octokit.checks.create({
        ...pages,
        name: 'fn-0',
        head_sha: target,
        conclusion: 'skipped',
        status: 'completed',
      });
      const first = await octokit.checks.listForRef({ ...pages, ref: target, per_page: 3 });
      expect(first.data.total_count).to.equal(7);
      expect(first.data.check_runs.map(({ name }) => name)).to.deep.equal(['fn-0', 'fn-6', 'fn-5']);
      expect(first.headers.link)
        .to.contain('rel="next"')
        .and.to.contain(`${server.api}/repos/alice/pages/commits/`);
      const all = await octokit.paginate(octokit.checks.listForRef, {
        ...pages,
        ref: target,
        per_page: 3,
        filter: 'all',
      });
      expect(all).to.have.length(8);
    });

    it('are refused as GitHub refuses them', async () => {
      const make = (fields: object) =>
        refused(
          octokit.request('POST /repos/{owner}/{repo}/check-runs', {
            ...hello,
            name: 'x',
            head_sha: sha,
            ...fields,
          }),
        );
      const cases: [object, string][] = [
        [{ status: 'finished' }, 'status'],
        [{ conclusion: 'great' }, 'conclusion'],
        [{ status: 'completed' }, 'conclusion'],
        [{ name: '' }, 'name'],
        [{ name: undefined }, 'name'],
        [{ head_sha: undefined }, 'head_sha'],
        [{ details_url: 'javascript:alert(1)' }, 'details_url'],
        [{ started_at: 'yesterday' }, 'started_at'],
        [{ output: { title: 'x', summary: 's', text: 'x'.repeat(65_536) } }, 'output.text'],
        [{ output: { title: 'x' } }, 'output.summary'],
      ];
      for (const [fields, field] of cases) {
        const { status, response } = await make(fields);
        expect(status, field).to.equal(422);
        expect(
          response.data.errors?.map((error) => error.field),
          field,
        ).to.deep.equal([field]);
      }
      expect((await make({ head_sha: 'f'.repeat(40) })).message).to.contain(
        'No commit found for SHA',
      );
      const { data } = await octokit.checks.create({
        ...hello,
        name: 'long',
        head_sha: sha,
        output: { title: 't', summary: 's', text: 'x'.repeat(65_535) },
      });
      expect(data.output.text).to.have.length(65_535);
      expect(
        (await refused(octokit.checks.update({ ...hello, check_run_id: 1, status: 'queued' })))
          .status,
      ).to.equal(404);
      expect(
        (
          await refused(
            octokit.checks.update({ ...hello, check_run_id: data.id, status: 'completed' }),
          )
        ).status,
      ).to.equal(422);
    });

    it("need a token of the owner's installation", async () => {
      const create = { ...hello, name: 'x', head_sha: sha };
      expect((await refused(server.anonymous().checks.create(create))).status).to.equal(401);
      const { sha: bobs } = await server.pushed('bob', 'his');
      const bob = server.app(
        (await server.app().apps.getUserInstallation({ username: 'bob' })).data.id,
      );
      expect((await refused(bob.checks.create(create))).status).to.equal(403);
      expect(
        (await bob.checks.create({ owner: 'bob', repo: 'his', name: 'x', head_sha: bobs })).status,
      ).to.equal(201);
      const wrong = await fetch(`${server.api}/repos/alice/hello`, {
        headers: { authorization: 'Bearer ghs_wrong' },
      });
      expect(wrong.status).to.equal(401);
    });

    it('keep all of several updates at once', async () => {
      const { data } = await octokit.checks.create({ ...hello, name: 'busy', head_sha: sha });
      const annotation = {
        path: 'a',
        start_line: 1,
        end_line: 1,
        annotation_level: 'notice' as const,
        message: 'm',
      };
      await Promise.all(
        Array.from({ length: 10 }, () =>
          octokit.checks.update({
            ...hello,
            check_run_id: data.id,
            output: { title: 't', summary: 's', annotations: [annotation] },
          }),
        ),
      );
      expect(
        (await octokit.checks.get({ ...hello, check_run_id: data.id })).data.output
          .annotations_count,
      ).to.equal(10);
    });
  });

  it('keeps statuses: all, and the latest of each context with their sum', async () => {
    const state = async () =>
      (await octokit.repos.getCombinedStatusForRef({ ...hello, ref: 'main' })).data;
    expect(await state()).to.deep.include({ state: 'pending', total_count: 0 });
    const set = (context: string, value: 'pending' | 'success' | 'error') =>
      octokit.repos.createCommitStatus({
        ...hello,
        sha,
        state: value,
        context,
        target_url: 'http://127.0.0.1/log',
        description: 'd',
      });
    expect((await set('a', 'pending')).status).to.equal(201);
    await set('b', 'success');
    expect((await state()).state).to.equal('pending');
    await set('a', 'success');
    expect(await state()).to.deep.include({ state: 'success', total_count: 2 });
    await set('b', 'error');
    expect((await state()).state).to.equal('failure');
    expect(
      (await octokit.repos.listCommitStatusesForRef({ ...hello, ref: sha })).data.map(
        ({ context }) => context,
      ),
    ).to.deep.equal(['b', 'a', 'b', 'a']);
    const wrong = { ...hello, sha, state: 'done' as 'success' };
    expect((await refused(octokit.repos.createCommitStatus(wrong))).status).to.equal(422);
    expect(
      (
        await refused(
          octokit.repos.createCommitStatus({
            ...hello,
            sha,
            state: 'success',
            description: 'x'.repeat(141),
          }),
        )
      ).status,
    ).to.equal(422);
    expect(
      (
        await refused(
          octokit.repos.createCommitStatus({ ...hello, sha: 'e'.repeat(40), state: 'success' }),
        )
      ).status,
    ).to.equal(422);
    expect(
      (
        await refused(
          server.anonymous().repos.createCommitStatus({ ...hello, sha, state: 'success' }),
        )
      ).status,
    ).to.equal(401);
  });

  it('keeps deployments and their statuses', async () => {
    const created = await octokit.repos.createDeployment({
      ...hello,
      ref: 'main',
      environment: 'production',
      required_contexts: [],
      auto_merge: false,
    });
    expect(created.status).to.equal(201);
    const deployment = created.data as { id: number; sha: string };
    expect(deployment.sha).to.equal(sha);
    const { status } = await octokit.repos.createDeploymentStatus({
      ...hello,
      deployment_id: deployment.id,
      state: 'success',
      environment_url: 'http://alice.localhost/hello',
    });
    expect(status).to.equal(201);
    const { data } = await octokit.repos.listDeploymentStatuses({
      ...hello,
      deployment_id: deployment.id,
    });
    expect(data[0]).to.include({
      state: 'success',
      environment_url: 'http://alice.localhost/hello',
      environment: 'production',
    });
    expect(
      (await octokit.repos.listDeployments({ ...hello, sha })).data.map(({ id }) => id),
    ).to.deep.equal([deployment.id]);
    expect(
      (await octokit.repos.listDeployments({ ...hello, environment: 'test' })).data,
    ).to.deep.equal([]);
  });

  it('shows repos, commits and files, also without a token', async () => {
    const guest = server.anonymous();
    expect((await guest.repos.get({ owner: 'Alice', repo: 'HELLO' })).data).to.include({
      full_name: 'alice/hello',
      default_branch: 'main',
      private: false,
    });
    const { data: commit } = await guest.repos.getCommit({ ...hello, ref: 'main' });
    expect(commit.sha).to.equal(sha);
    expect(commit.commit.message).to.equal('first');
    await server.git(folder, 'push', '--quiet', 'origin', 'main:feature/x');
    expect((await guest.repos.getCommit({ ...hello, ref: 'feature/x' })).data.sha).to.equal(sha);
    const { data: file } = await guest.repos.getContent({ ...hello, path: 'stack.yml' });
    expect(file).to.include({
      type: 'file',
      encoding: 'base64',
      content: Buffer.from('version: 1\n').toString('base64'),
    });
    const raw = await guest.repos.getContent({
      ...hello,
      path: 'fn/handler.ts',
      ref: sha,
      mediaType: { format: 'raw' },
    });
    expect(Buffer.from(raw.data as unknown as ArrayBuffer).toString()).to.equal('x\n');
    const { data: root } = await guest.repos.getContent({ ...hello, path: '' });
    expect(
      (root as { name: string; type: string }[]).map(({ name, type }) => `${type} ${name}`),
    ).to.deep.equal(['dir fn', 'file stack.yml']);
    const { data: inside } = await guest.repos.getContent({ ...hello, path: 'fn' });
    expect((inside as { path: string }[]).map(({ path }) => path)).to.deep.equal(['fn/handler.ts']);
    for (const path of ['none', 'fn/../stack.yml', '.git/config', '*']) {
      expect((await refused(guest.repos.getContent({ ...hello, path }))).status, path).to.equal(
        404,
      );
    }
    for (const ref of [
      'main~1',
      'main:stack.yml',
      '--all',
      '-n1',
      'main^{tree}',
      'main..main',
      'none',
    ]) {
      expect((await refused(guest.repos.getCommit({ ...hello, ref }))).status, ref).to.equal(422);
    }
  });

  it('hides private repos from everybody without a token', async () => {
    await fetch(`${server.api}/repos/carol/secret`, { method: 'PUT', body: '{"private": true}' });
    const work = await server.workFolder('carol', 'secret');
    await server.commit(work, { a: 'hidden' });
    await server.git(work, 'push', '--quiet', 'origin', 'main');
    const guest = await fetch(`${server.url}/carol/secret.git/info/refs?service=git-upload-pack`);
    expect(guest.status).to.equal(401);
    expect(guest.headers.get('www-authenticate')).to.match(/^Basic /);
    expect((await fetch(`${server.api}/repos/carol/secret`)).status).to.equal(404);
    expect((await fetch(`${server.url}/carol/secret`)).status).to.equal(404);
    expect(await (await fetch(`${server.url}/`)).text()).not.to.contain('secret');
    const tokenOf = async (login: string, options: object = {}) => {
      const { data } = await server.app().apps.getUserInstallation({ username: login });
      return (
        await server
          .app()
          .apps.createInstallationAccessToken({ installation_id: data.id, ...options })
      ).data.token;
    };
    const clone = (token: string, target: string) =>
      server.git(
        server.temp,
        'clone',
        '--quiet',
        `${server.url.replace('://', `://x-access-token:${token}@`)}/carol/secret.git`,
        target,
      );
    await clone(await tokenOf('carol'), 'secret-clone');
    await refused(clone(await tokenOf('alice'), 'no-clone'));
    await refused(clone('ghs_guess', 'no-clone'));
    await server.pushed('carol', 'public');
    await refused(clone(await tokenOf('carol', { repositories: ['public'] }), 'no-clone'));
    const outsider = server.app(installationId);
    expect((await refused(outsider.repos.get({ owner: 'carol', repo: 'secret' }))).status).to.equal(
      404,
    );
    expect(
      (
        await refused(
          outsider.checks.create({ owner: 'carol', repo: 'secret', name: 'x', head_sha: sha }),
        )
      ).status,
    ).to.equal(404);
  });

  it('has organisations with members', async () => {
    const put = await fetch(`${server.api}/orgs/acme/memberships/alice`, { method: 'PUT' });
    expect(put.status).to.equal(200);
    expect(
      (await getJson<{ login: string }[]>(`${server.api}/users/alice/orgs`)).map(
        ({ login }) => login,
      ),
    ).to.deep.equal(['acme']);
    expect(await getJson(`${server.api}/users/acme`)).to.include({ type: 'Organization' });
    await server.pushed('acme', 'tool');
    expect((await server.app().apps.getOrgInstallation({ org: 'acme' })).data.target_type).to.equal(
      'Organization',
    );
  });

  it("answers malformed requests with an error of GitHub's shape", async () => {
    const token = (
      await server.app().apps.createInstallationAccessToken({ installation_id: installationId })
    ).data.token;
    const send = (body: string) =>
      fetch(`${server.api}/repos/alice/hello/check-runs`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body,
      });
    for (const body of ['{', '[]', '"x"', 'null']) {
      const answer = await send(body);
      expect(answer.status, body).to.equal(400);
      expect(await answer.json()).to.have.keys('message', 'documentation_url', 'status');
    }
    expect((await send(`{"name":"${'x'.repeat(1024 * 1024)}"}`)).status).to.equal(413);
    expect((await fetch(`${server.api}/nothing`)).status).to.equal(404);
    expect((await fetch(`${server.api}/repos/alice/%E0%A4%A`)).status).to.equal(400);
  });
});
