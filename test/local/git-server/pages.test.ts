import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { expect } from 'chai';
import { eventually } from '../../helpers/eventually.ts';
import { getJson, type ListedDelivery, startGitServer, type TestGitServer } from './harness.ts';

describe('git server: pages and who may come in', () => {
  let server: TestGitServer;
  let sha = '';
  before(async () => {
    server = await startGitServer();
    ({ sha } = await server.pushed('alice', 'hello'));
  });
  after(() => server.close());

  it('list the repos and say how to push', async () => {
    const page = await (await fetch(`${server.url}/`)).text();
    expect(page)
      .to.contain('<a href="/git/alice/hello">alice/hello</a>')
      .and.to.contain('git push');
    expect((await fetch(server.url)).status).to.equal(200);
    await server.pushed('bob', 'his');
    const ofBob = await (await fetch(`${server.url}/bob`)).text();
    expect(ofBob).to.contain('bob/his').and.not.to.contain('alice/');
  });

  it('show commits with check runs, statuses and deliveries; no text becomes markup', async () => {
    const evil = '<script>alert("&")</script>';
    const folder = await server.workFolder('alice', 'evil');
    const target = await server.commit(folder, { a: '1' }, `${evil} in the message`);
    await server.git(folder, 'push', '--quiet', 'origin', 'main');
    const { data } = await server.app().apps.getUserInstallation({ username: 'alice' });
    const octokit = server.app(data.id);
    const repo = { owner: 'alice', repo: 'evil' };
    await octokit.checks.create({
      ...repo,
      name: `fn ${evil}`,
      head_sha: target,
      status: 'completed',
      conclusion: 'failure',
      details_url: `http://127.0.0.1/log?${evil}`,
      output: { title: `title ${evil}`, summary: `summary ${evil}`, text: `log ${evil}` },
    });
    await octokit.repos.createCommitStatus({
      ...repo,
      sha: target,
      state: 'success',
      context: `context ${evil}`,
      description: evil,
    });
    for (const path of ['', `/commit/${target}`, '/compare/a...b']) {
      const response = await fetch(`${server.url}/alice/evil${path}`);
      expect(response.status).to.equal(200);
      const page = await response.text();
      for (const part of [
        'in the message',
        'fn &lt;script',
        'title &lt;',
        'summary &lt;',
        'log &lt;',
        'context &lt;',
        '✘',
        '✔',
        '<details id="log-',
      ]) {
        expect(page).to.contain(part);
      }
      expect(page).not.to.contain('<script>alert');
      const policy = response.headers.get('content-security-policy') ?? '';
      expect(policy).to.contain("default-src 'none'").and.not.to.contain('unsafe');
      const script = /<script>([\s\S]*?)<\/script>/.exec(page)?.[1] ?? '';
      const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? '';
      for (const text of [script, style]) {
        expect(policy).to.contain(createHash('sha256').update(text).digest('base64'));
      }
    }
  });

  it('have a button that sends a webhook again', async () => {
    const [delivery] = await eventually(async () => {
      const list = await getJson<ListedDelivery[]>(
        `${server.api}/repos/alice/hello/hooks/1/deliveries`,
      );
      expect(list[0]?.status).to.equal('OK');
      return list;
    });
    const page = await (await fetch(`${server.url}/alice/hello`)).text();
    const action = new RegExp(
      `action="(/git/alice/hello/deliveries/${delivery?.id}/redeliver)"`,
    ).exec(page)?.[1];
    const press = (headers: Record<string, string>) =>
      fetch(`${server.base}${action}`, { method: 'POST', redirect: 'manual', headers }).then(
        ({ status }) => status,
      );
    expect(await press({ origin: 'http://alice.localhost' })).to.equal(403);
    expect(await press({ 'sec-fetch-site': 'same-site' })).to.equal(403);
    const before = server.receiver.received.length;
    expect(await press({ origin: server.base })).to.equal(303);
    await eventually(() => expect(server.receiver.received).to.have.length(before + 1));
    expect(server.receiver.received.at(-1)?.headers['x-github-delivery']).to.equal(delivery?.guid);
    expect((await fetch(`${server.base}${action}`)).status).to.equal(405);
  });

  it('show an empty repo, and 404 for what is not there', async () => {
    await fetch(`${server.api}/repos/alice/empty`, { method: 'PUT', body: '{}' });
    expect((await fetch(`${server.url}/alice/empty`)).status).to.equal(200);
    for (const path of [
      'alice/none',
      'nobody',
      'alice/hello/none',
      'alice/hello/commit/none',
      'login/x',
      `alice/hello/commit/${sha}/x`,
    ]) {
      expect((await fetch(`${server.url}/${path}`)).status, path).to.equal(404);
    }
  });

  it('answer loopback names only', async () => {
    const status = async (host: string, method = 'GET'): Promise<number> => {
      const client = request(`${server.url}/`, { headers: { host }, method });
      client.end();
      const [response] = await once(client, 'response');
      response.resume();
      return response.statusCode;
    };
    for (const host of ['127.0.0.1', 'localhost:8080', '[::1]:8080', 'LOCALHOST'])
      expect(await status(host), host).to.equal(200);
    for (const host of [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      'alice.localhost:8080',
      'evil.example:8080',
      '10.0.0.1',
      'localhost:x',
    ]) {
      expect(await status(host), host).to.equal(403);
    }
  });

  it('let no other site write, also not through the API', async () => {
    const put = (headers: Record<string, string>) =>
      fetch(`${server.api}/repos/alice/planted`, { method: 'PUT', body: '{}', headers }).then(
        ({ status }) => status,
      );
    expect(await put({ origin: 'http://evil.example' })).to.equal(403);
    expect(await put({ origin: 'null' })).to.equal(403);
    expect(await put({ 'sec-fetch-site': 'cross-site' })).to.equal(403);
    expect((await fetch(`${server.api}/repos/alice/planted`)).status).to.equal(404);
    expect(await put({ origin: server.base, 'sec-fetch-site': 'same-origin' })).to.equal(201);
    const preflight = await fetch(`${server.api}/repos/alice/hello`, {
      method: 'OPTIONS',
      headers: { origin: 'http://evil.example', 'access-control-request-method': 'PUT' },
    });
    expect(preflight.headers.get('access-control-allow-origin')).to.equal(null);
  });

  it('leave other paths to others', async () => {
    for (const path of ['/', '/gitx', '/v2/', '/git/../v2/']) {
      expect(await (await fetch(`${server.base}${path}`)).text(), path).to.equal('not served');
    }
  });
});
