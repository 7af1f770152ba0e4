import { expect } from 'chai';
import { apiStage, hello, refused } from './api-stage.ts';
import { getJson } from './harness.ts';

describe('git server: REST API', () => {
  const api = apiStage();

  it('shows repos, commits and files, also without a token', async () => {
    const guest = api.server.anonymous();
    expect((await guest.repos.get({ owner: 'Alice', repo: 'HELLO' })).data).to.include({
      full_name: 'alice/hello',
      default_branch: 'main',
      private: false,
    });
    const { data: commit } = await guest.repos.getCommit({ ...hello, ref: 'main' });
    expect(commit.sha).to.equal(api.sha);
    expect(commit.commit.message).to.equal('first');
    await api.server.git(api.folder, 'push', '--quiet', 'origin', 'main:feature/x');
    expect((await guest.repos.getCommit({ ...hello, ref: 'feature/x' })).data.sha).to.equal(
      api.sha,
    );
    const { data: file } = await guest.repos.getContent({ ...hello, path: 'stack.yml' });
    expect(file).to.include({
      type: 'file',
      encoding: 'base64',
      content: Buffer.from('version: 1\n').toString('base64'),
    });
    const raw = await guest.repos.getContent({
      ...hello,
      path: 'fn/handler.ts',
      ref: api.sha,
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
    await fetch(`${api.server.api}/repos/carol/secret`, {
      method: 'PUT',
      body: '{"private": true}',
    });
    const work = await api.server.workFolder('carol', 'secret');
    await api.server.commit(work, { a: 'hidden' });
    await api.server.git(work, 'push', '--quiet', 'origin', 'main');
    const guest = await fetch(
      `${api.server.url}/carol/secret.git/info/refs?service=git-upload-pack`,
    );
    expect(guest.status).to.equal(401);
    expect(guest.headers.get('www-authenticate')).to.match(/^Basic /);
    expect((await fetch(`${api.server.api}/repos/carol/secret`)).status).to.equal(404);
    expect((await fetch(`${api.server.url}/carol/secret`)).status).to.equal(404);
    expect(await (await fetch(`${api.server.url}/`)).text()).not.to.contain('secret');
    const tokenOf = async (login: string, options: object = {}) => {
      const { data } = await api.server.app().apps.getUserInstallation({ username: login });
      return (
        await api.server
          .app()
          .apps.createInstallationAccessToken({ installation_id: data.id, ...options })
      ).data.token;
    };
    const clone = (token: string, target: string) =>
      api.server.git(
        api.server.temp,
        'clone',
        '--quiet',
        `${api.server.url.replace('://', `://x-access-token:${token}@`)}/carol/secret.git`,
        target,
      );
    await clone(await tokenOf('carol'), 'secret-clone');
    await refused(clone(await tokenOf('alice'), 'no-clone'));
    await refused(clone('ghs_guess', 'no-clone'));
    await api.server.pushed('carol', 'public');
    await refused(clone(await tokenOf('carol', { repositories: ['public'] }), 'no-clone'));
    const outsider = api.server.app(api.installationId);
    expect((await refused(outsider.repos.get({ owner: 'carol', repo: 'secret' }))).status).to.equal(
      404,
    );
    expect(
      (
        await refused(
          outsider.checks.create({ owner: 'carol', repo: 'secret', name: 'x', head_sha: api.sha }),
        )
      ).status,
    ).to.equal(404);
  });

  it('has organisations with members', async () => {
    const put = await fetch(`${api.server.api}/orgs/acme/memberships/alice`, { method: 'PUT' });
    expect(put.status).to.equal(200);
    expect(
      (await getJson<{ login: string }[]>(`${api.server.api}/users/alice/orgs`)).map(
        ({ login }) => login,
      ),
    ).to.deep.equal(['acme']);
    expect(await getJson(`${api.server.api}/users/acme`)).to.include({ type: 'Organization' });
    await api.server.pushed('acme', 'tool');
    expect(
      (await api.server.app().apps.getOrgInstallation({ org: 'acme' })).data.target_type,
    ).to.equal('Organization');
  });

  it("answers malformed requests with an error of GitHub's shape", async () => {
    const token = (
      await api.server
        .app()
        .apps.createInstallationAccessToken({ installation_id: api.installationId })
    ).data.token;
    const send = (body: string) =>
      fetch(`${api.server.api}/repos/alice/hello/check-runs`, {
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
    expect((await fetch(`${api.server.api}/nothing`)).status).to.equal(404);
    expect((await fetch(`${api.server.api}/repos/alice/%E0%A4%A`)).status).to.equal(400);
  });
});
