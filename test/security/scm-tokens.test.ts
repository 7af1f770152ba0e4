import { generateKeyPairSync } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { expect } from 'chai';
import * as v from 'valibot';
import { createGithubApp } from '#shared/scm/github/app-client.ts';
import { createGithubCredentials } from '#shared/scm/github/clone-credentials.ts';
import { createGitlabCredentials } from '#shared/scm/gitlab/clone-credentials.ts';
import { createGitlabClient } from '#shared/scm/gitlab/gitlab-client.ts';
import { createJsonApi } from '#shared/scm/json-api.ts';
import { listen, type TestServer } from '../helpers/listen.ts';
import { testPush } from '../helpers/pipeline-fixtures.ts';

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const push = testPush({ private: true });
const appOf = (apiUrl: string) => createGithubApp({ apiUrl, appId: '8', privateKey });

describe('an SCM whose API redirects to another host', () => {
  let scm: TestServer;
  let evil: TestServer;
  let status: number;
  /** What is answered before, such as the token that is then lured away. */
  let tokenFirst: boolean;
  let seen: { url: string; headers: IncomingHttpHeaders; body: string }[];

  beforeEach(async () => {
    seen = [];
    tokenFirst = false;
    evil = await listen(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      seen.push({ url: request.url ?? '', headers: request.headers, body });
      response.writeHead(201, { 'content-type': 'application/json' }).end('{"id":1}');
    });
    scm = await listen((request, response) => {
      request.resume();
      if (tokenFirst && /access_tokens$/.test(request.url ?? '')) {
        const expires_at = new Date(Date.now() + 3_600_000).toISOString();
        response.writeHead(201, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ token: 'ghs_s3cret', expires_at, permissions: {} }));
        return;
      }
      response.writeHead(status, { location: `${evil.url}${request.url}` }).end();
    });
  });
  afterEach(async () => {
    await scm.close();
    await evil.close();
  });

  const calls: Record<string, () => Promise<unknown>> = {
    'GitHub, when the App asks for a token': () =>
      createGithubCredentials({ apiUrl: scm.url, appId: '8', privateKey }).lend(
        push,
        async (access) => access,
      ),
    'GitHub, when a check is written': () => {
      tokenFirst = true;
      return appOf(scm.url).act({ installationId: 7, repoId: 22 }, { checks: 'write' }, (octokit) =>
        octokit.rest.checks.create({
          ...{ owner: 'alice', repo: 'hello', name: 'x', head_sha: push.sha },
        }),
      );
    },
    'GitLab, when a deploy token is made': () =>
      createGitlabCredentials({
        deployToken: undefined,
        api: createGitlabClient(scm.url, 'glpat-s3cret').api,
      }).lend(push, async (access) => access),
    'GitLab, when it is asked about a project': () =>
      createGitlabClient(scm.url, 'glpat-s3cret').project(70),
    'Gitea, when a status is written': () =>
      createJsonApi({
        ...{ name: 'Gitea', baseUrl: scm.url, headers: { authorization: 'token gitea-s3cret' } },
      }).call({ method: 'POST', path: '/statuses', body: {} }, v.unknown()),
  };
  for (const [what, call] of Object.entries(calls)) {
    it(`gets no credential sent there: ${what}`, async () => {
      for (status of [301, 302, 303, 307, 308]) {
        const outcome = await call().then(
          (value) => JSON.stringify(value) ?? '',
          (error: Error) => JSON.stringify(error, Object.getOwnPropertyNames(error)),
        );
        expect(outcome).to.not.contain('s3cret');
      }
      for (const { headers, url, body } of seen) {
        const said = JSON.stringify([headers, url, body]);
        expect(said)
          .to.not.contain('s3cret')
          .and.to.not.match(/authorization|private-token/i);
      }
    });
  }

  it('would see it, had it been sent: the test can fail', async () => {
    await fetch(`${evil.url}/x`, { headers: { authorization: 'token gitea-s3cret' } });
    expect(JSON.stringify(seen)).to.contain('s3cret');
  });
});
