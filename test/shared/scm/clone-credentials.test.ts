import { generateKeyPairSync } from 'node:crypto';
import { json } from 'node:stream/consumers';
import { expect } from 'chai';
import jwt from 'jsonwebtoken';
import { createGiteaCredentials } from '#shared/scm/gitea/clone-credentials.ts';
import { createGithubCredentials } from '#shared/scm/github/clone-credentials.ts';
import { createGitlabCredentials } from '#shared/scm/gitlab/clone-credentials.ts';
import { createGitlabClient } from '#shared/scm/gitlab/gitlab-client.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { startGitlab } from '../../helpers/gitlab-server.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';
import { testPush } from '../../helpers/pipeline-fixtures.ts';

const keep = async <T>(access: T) => access;

describe('tokens of a GitHub App for a clone', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  let api: TestServer;
  let asked: { body: unknown; issuedAt: number }[];
  let lifeMs: number;
  let clockMs: number;

  beforeEach(async () => {
    asked = [];
    lifeMs = 3_600_000;
    clockMs = 0;
    api = await listen(async (request, response) => {
      const token = String(request.headers.authorization).replace(/^bearer /i, '');
      const now = Date.now() + clockMs;
      const date = new Date(now).toUTCString();
      const claims = jwt.verify(token, publicKey, { ignoreExpiration: true }) as {
        iat: number;
        exp: number;
      };
      const body = await json(request);
      const answer = (status: number, content: object) =>
        response
          .writeHead(status, { 'content-type': 'application/json', date })
          .end(JSON.stringify(content));
      if (claims.exp * 1000 > now + 600_000 + 5_000 || claims.exp * 1000 < now) {
        answer(401, { message: "'Expiration time' claim ('exp') is too far in the future" });
        return;
      }
      asked.push({ body, issuedAt: claims.iat });
      const expires_at = new Date(Date.now() + lifeMs).toISOString();
      answer(201, { token: `ghs_${asked.length}`, expires_at, permissions: { contents: 'read' } });
    });
  });
  afterEach(() => api.close());

  const credentials = () => createGithubCredentials({ apiUrl: api.url, appId: '8123', privateKey });
  const push = testPush({ private: true });

  it('read the content of the one repo, and are kept while they hold', async () => {
    const { lend } = credentials();
    const first = await lend(push, keep);
    expect(first).to.deep.equal({ username: 'x-access-token', password: 'ghs_1' });
    expect(await lend(push, keep)).to.deep.equal(first);
    expect(asked.map(({ body }) => body)).to.deep.equal([
      { repository_ids: [22], permissions: { contents: 'read' } },
    ]);
  });

  it('are replaced before they end', async () => {
    const { lend } = credentials();
    lifeMs = 9 * 60_000;
    await lend(push, keep);
    lifeMs = 3_600_000;
    expect((await lend(push, keep))?.password).to.not.equal('ghs_1');
  });

  it('allow for a clock that is wrong', async () => {
    clockMs = -20 * 60_000;
    const access = await credentials().lend(push, keep);
    expect(access?.password).to.equal('ghs_1');
  });

  it('are not asked for where none is needed, or none can be had', async () => {
    expect(await credentials().lend(testPush(), keep)).to.equal(undefined);
    const none = createGithubCredentials({ apiUrl: api.url, appId: '', privateKey: undefined });
    await expectCode(none.lend(push, keep), 'OFC_CONFIG');
    expect(asked).to.deep.equal([]);
  });
});

describe('credentials for a clone from GitLab', () => {
  it('are made for one fetch, and gone after it, also if it fails', async () => {
    const gitlab = await startGitlab();
    const project = await gitlab.add('acme/site', { visibility: 'private' });
    const push = testPush({ scm: 'gitlab', private: true, repoId: project.id });
    const { api } = createGitlabClient(gitlab.url, gitlab.token);
    const { lend } = createGitlabCredentials({ deployToken: undefined, api });
    await lend(push, async (access) => {
      expect(access?.password).to.match(/^gldt-/);
      expect(gitlab.deployTokens.size).to.equal(1);
    });
    const failed = lend(push, () => Promise.reject(new Error('no')));
    await failed.then(
      () => expect.fail('it did not fail'),
      () => undefined,
    );
    expect(gitlab.deployTokens.size).to.equal(0);
    await gitlab.close();
  });

  it('can be the operator’s deploy token; then the API is not asked', async () => {
    const { lend } = createGitlabCredentials({ deployToken: 'user:token:x', api: undefined });
    expect(await lend(testPush({ private: true }), keep)).to.deep.equal({
      username: 'user',
      password: 'token:x',
    });
    for (const deployToken of [undefined, 'token', ':x', 'x:']) {
      const { lend: bad } = createGitlabCredentials({ deployToken, api: undefined });
      await expectCode(bad(testPush({ private: true }), keep), 'OFC_CONFIG');
    }
  });
});

describe('credentials for a clone from Gitea', () => {
  it('are the operator’s, for private repos only', async () => {
    const { lend } = createGiteaCredentials('read-only');
    expect(await lend(testPush(), keep)).to.equal(undefined);
    expect((await lend(testPush({ private: true }), keep))?.password).to.equal('read-only');
    const none = createGiteaCredentials(undefined);
    await expectCode(none.lend(testPush({ private: true }), keep), 'OFC_CONFIG');
  });
});
