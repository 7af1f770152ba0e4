import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ReceivedRequest } from '#shared/messages/receive.ts';
import type { PushMessage } from '#shared/pipeline/messages.ts';
import { createGiteaWebhooks } from '#shared/scm/gitea/webhooks.ts';
import { createGitlabClient } from '#shared/scm/gitlab/gitlab-client.ts';
import { createGitlabWebhooks } from '#shared/scm/gitlab/webhooks.ts';
import { receiveWebhook } from '#shared/webhooks/receive-webhook.ts';
import { giteaHeaders } from '../helpers/gitea-server.ts';
import { createReceiving } from '../helpers/github-receiving.ts';
import { githubWebhook, webhookSecret } from '../helpers/github-webhook.ts';
import { startGitlab, type TestGitlab } from '../helpers/gitlab-server.ts';
import { gitlabToken, gitlabWebhook } from '../helpers/gitlab-webhook.ts';
import { root } from '../helpers/source-files.ts';

interface Example {
  readonly name: string;
  readonly examples: readonly Record<string, unknown>[];
}
const examples = createRequire(import.meta.url)('@octokit/webhooks-examples') as Example[];

describe('every payload that GitHub documents', () => {
  for (const { name, examples: payloads } of examples) {
    it(`is answered: ${name} (${payloads.length})`, async () => {
      for (const payload of payloads) {
        const deps = createReceiving();
        const answer = await receiveWebhook(deps, githubWebhook(name, payload)).then(
          ({ status }) => status,
          (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
        );
        expect(answer).to.be.oneOf([200, 202]);
      }
    });
  }
});

describe('payloads as GitLab and Gitea document them', () => {
  /** What is answered; to whatever is not named that nothing is to be done for it. */
  const answers: Record<string, RegExp> = {
    'gitlab/push': /"accepted".*"acme\/tools"/,
    'gitlab/system-push': /"accepted".*"acme\/tools"/,
    'gitlab/push-deleted-branch': /was deleted/,
    'gitlab/tag-push': /is not a branch/,
    'gitlab/system-tag-push': /is not a branch/,
    'gitlab/merge-request': /received with event: merge_request/,
    'gitlab/system-project-update': /Nothing is to be done for project_update/,
    'gitlab/system-project-destroy': /Nothing is to be done for project_destroy/,
    'gitlab/system-project-rename': /received with event: project_rename/,
    'gitlab/system-project-transfer': /received with event: project_transfer/,
    'gitlab/system-user-rename': /Nothing is known here of a rename of "jane"/,
    'gitlab/system-group-rename': /Nothing is known here of a rename of "acme\/kit"/,
    'gitlab/system-project-create': /cannot handle event: project_create/,
    'gitlab/system-repository-update': /cannot handle event: repository_update/,
    'gitlab/issue': /cannot handle event: issue/,
    'gitlab/pipeline': /cannot handle event: pipeline/,
    'gitea/push': /"accepted".*"gitea"/,
    'gitea/push-private': /"accepted".*"gitea"/,
    'gitea/push-tag': /is not a branch/,
    'gitea/repository-deleted': /received with event: repository/,
    'gitea/repository-created': /Nothing is to be done for repository "created"/,
    'gitea/pull-request': /cannot handle event: pull_request/,
    'gitea/issues': /cannot handle event: issues/,
    'gitea/create': /cannot handle event: create/,
    'gitea/delete': /cannot handle event: delete/,
  };
  const about: Record<string, unknown> = {
    '/api/v4/projects/15': {
      id: 15,
      path_with_namespace: 'acme/tools/site',
      default_branch: 'main',
      visibility: 'private',
      topics: ['openfaas-cloud'],
      namespace: { id: 23 },
    },
    '/api/v4/projects/15/repository/branches/main': {
      commit: { id: 'd2a1b5c8e7f60493827161504f3e2d1c0b9a8877' },
    },
  };
  const fixtures = async (scm: string) => {
    const folder = join(root, 'test/fixtures', scm);
    const files = (await readdir(folder)).sort();
    return Promise.all(
      files.map(async (file) => ({
        name: `${scm}/${file.replace('.json', '')}`,
        text: await readFile(join(folder, file), 'utf8'),
      })),
    );
  };
  const answered = async (
    deps: ReturnType<typeof createReceiving>,
    name: string,
    request: ReceivedRequest,
  ) => {
    const { status, body } = await receiveWebhook(deps, request);
    expect(status, name).to.equal(202);
    const isOther = /Users, keys and groups are not kept here/;
    expect(typeof body === 'string' ? body : JSON.stringify(body), name).to.match(
      answers[name] ?? isOther,
    );
  };

  let gitlab: TestGitlab;
  beforeEach(async () => {
    gitlab = await startGitlab();
    gitlab.intercept = ({ path }, response) => {
      if (about[path] === undefined) return;
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(about[path]));
    };
  });
  afterEach(() => gitlab.close());

  it('are answered each with its reason: GitLab', async () => {
    const webhooks = createGitlabWebhooks({
      scm: 'gitlab',
      secrets: { tokens: [gitlabToken] },
      rules: { instance: gitlab.url, topic: 'openfaas-cloud' },
      client: createGitlabClient(gitlab.url, gitlab.token),
    });
    const deps = createReceiving({ scms: [webhooks] });
    const all = await fixtures('gitlab');
    for (const { name, text } of all) {
      const payload = JSON.parse(text.replaceAll('https://gitlab.example.com', gitlab.url));
      const kind = payload.object_kind === undefined ? 'System Hook' : 'Push Hook';
      await answered(deps, name, gitlabWebhook(kind, payload));
    }
    expect(all).to.have.length.above(20);
    expect((deps.messages.of('pushed') as PushMessage[]).map(({ sha }) => sha)).to.have.length(2);
    expect(deps.messages.of('collectGarbage')).to.deep.equal([
      { owner: 'acme/labs', repo: 'site', functions: [], from: { scm: 'gitlab', repoId: 15 } },
    ]);
  });

  it('are answered each with its reason: Gitea', async () => {
    const secrets = { current: webhookSecret };
    const webhooks = createGiteaWebhooks({ scm: 'gitea', secrets, url: 'http://localhost:3000' });
    const deps = createReceiving({ scms: [webhooks] });
    const all = await fixtures('gitea');
    for (const { name, text } of all) {
      const event = /gitea\/(push|repository|pull-request|\w+)/.exec(name)?.[1]?.replace('-', '_');
      const headers = giteaHeaders(event ?? '', text, webhookSecret);
      const rawBody = Buffer.from(text);
      await answered(deps, name, { method: 'POST', path: '/', rawQuery: '', rawBody, headers });
    }
    expect(all).to.have.length.above(8);
    const pushes = deps.messages.of('pushed') as PushMessage[];
    expect(pushes.map(({ private: isPrivate }) => isPrivate)).to.have.members([true, false]);
    expect(deps.messages.of('collectGarbage')).to.deep.equal([
      { owner: 'gitea', repo: 'webhooks', functions: [], from: { scm: 'gitea', repoId: 140 } },
    ]);
  });
});
