import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { parseOwner } from '#shared/names.ts';
import type { PushMessage } from '#shared/pipeline/messages.ts';
import { createRecords } from '#shared/pipeline/records.ts';
import { createGitlabClient } from '#shared/scm/gitlab/gitlab-client.ts';
import type { GitlabSecrets } from '#shared/scm/gitlab/verify-webhook.ts';
import { createGitlabWebhooks } from '#shared/scm/gitlab/webhooks.ts';
import { createOwnerClaims } from '#shared/scm/owner-claims.ts';
import type { Receiving } from '#shared/webhooks/receive-webhook.ts';
import { receiveWebhook } from '#shared/webhooks/receive-webhook.ts';
import { expectCode } from '../helpers/expect-code.ts';
import {
  type GitlabPush,
  startGitlab,
  type TestGitlab,
  type TestProject,
} from '../helpers/gitlab-server.ts';
import {
  gitlabToken,
  gitlabWebhook,
  signedHeaders,
  signingToken,
} from '../helpers/gitlab-webhook.ts';
import { listen } from '../helpers/listen.ts';
import { createMemoryObjectStore } from '../helpers/memory-object-store.ts';
import { createRecordingMessages } from '../helpers/recording-messages.ts';

describe('gitlab-event', () => {
  let gitlab: TestGitlab;
  let project: TestProject;
  let push: GitlabPush;

  beforeEach(async () => {
    gitlab = await startGitlab();
    project = await gitlab.add('acme/Tools/site');
    push = await gitlab.push(project, { 'a.txt': 'a' }, 'First');
  });
  afterEach(() => gitlab.close());

  function setUp(
    secrets: GitlabSecrets = { tokens: [gitlabToken] },
    changes: Partial<Receiving> = {},
  ) {
    const store = createMemoryObjectStore();
    const messages = createRecordingMessages();
    const rules = { instance: gitlab.url, topic: 'openfaas-cloud' };
    const client = createGitlabClient(gitlab.url, gitlab.token);
    const deps = {
      scms: [createGitlabWebhooks({ scm: 'gitlab', secrets, rules, client })],
      customers: undefined,
      store,
      owners: createOwnerClaims(store),
      records: createRecords(store),
      messages,
      now: () => 1_700_000_000_000,
      ...changes,
    };
    const receive = (payload: unknown, headers?: Record<string, string | undefined>) =>
      receiveWebhook(deps, gitlabWebhook('Push Hook', payload, headers));
    return { store, messages, deps, receive };
  }
  const ignored = (answer: { body: unknown }) => String(answer.body).replace(/^Ignored: /, '');

  it('hands on what GitLab says of the project, with names from its path and stable ids', async () => {
    project.visibility = 'internal';
    const { messages, receive } = setUp();
    const answer = await receive(push);
    expect(answer.status).to.equal(202);
    expect(messages.of('pushed')[0]).to.deep.include({
      scm: 'gitlab',
      owner: 'acme/tools',
      ownerId: 30,
      repo: 'site',
      repoId: 70,
      fullName: 'acme/Tools/site',
      private: true,
      cloneUrl: `${gitlab.url}/acme/Tools/site.git`,
      branch: 'main',
      defaultBranch: 'main',
      sha: push.after,
      pusher: 'jsmith',
    });
  });

  it('takes system hooks, which hold no commits', async () => {
    const { object_kind: _, commits: __, ...system } = push;
    const { messages, receive } = setUp();
    await receive(system, { 'x-gitlab-event': 'System Hook' });
    expect(messages.of('pushed')).to.have.length(1);
  });

  it('says why it builds nothing', async () => {
    const { messages, receive } = setUp();
    const zero = '0'.repeat(40);
    expect(ignored(await receive({ ...push, after: zero }))).to.contain('was deleted');
    const tag = { ...push, object_kind: 'tag_push', event_name: 'tag_push', ref: 'refs/tags/v1' };
    expect(ignored(await receive(tag))).to.contain('is not a branch');
    expect(ignored(await receive({ event_name: 'user_create' }))).to.contain('user_create');
    expect(ignored(await receive({ event_name: 'repository_update' }))).to.contain('cannot handle');
    project.topics = [];
    expect(ignored(await receive(push))).to.contain('has no topic "openfaas-cloud"');
    gitlab.projects.clear();
    expect(ignored(await receive(push))).to.contain('does not see the project');
    expect(messages.of('pushed')).to.deep.equal([]);
    gitlab.projects.set(project.id, project);
  });

  it('knows the topic in any case, and by its old name', async () => {
    const { messages, receive } = setUp();
    project.topics = ['OpenFaaS-Cloud'];
    await receive(push);
    gitlab.intercept = (call, response) => {
      if (!/projects\/\d+$/.test(call.path)) return;
      const namespace = { id: project.namespaceId };
      const old = { id: project.id, path_with_namespace: project.path, visibility: 'public' };
      response.end(JSON.stringify({ ...old, namespace, tag_list: ['openfaas-cloud'] }));
    };
    await receive(push);
    expect(messages.of('pushed')).to.have.length(2);
  });

  it('does not build what the branch no longer points to', async () => {
    const second = await gitlab.push(project, { 'a.txt': 'b' });
    const { receive } = setUp();
    expect(ignored(await receive(push))).to.contain('points to another commit');
    expect((await receive(second)).body).to.include({ result: 'accepted' });
  });

  describe('authenticity', () => {
    it('needs the secret token', async () => {
      const { receive } = setUp();
      for (const token of [undefined, '', 'other', `${gitlabToken}x`, gitlabToken.slice(1)]) {
        await expectCode(receive(push, { 'x-gitlab-token': token }), 'OFC_UNAUTHENTICATED');
      }
      expect(gitlab.calls).to.deep.equal([]);
    });

    it('takes the token before, while it is being replaced', async () => {
      const { receive } = setUp({ tokens: ['new', gitlabToken] });
      expect((await receive(push)).status).to.equal(202);
    });

    it('needs a signature where there is a signing token: the secret token is not enough', async () => {
      const { receive } = setUp({ signing: [signingToken] });
      const text = JSON.stringify(push);
      await expectCode(receive(push), 'OFC_UNAUTHENTICATED');
      const good = signedHeaders(text);
      expect((await receive(text, good)).status).to.equal(202);
      const other = `whsec_${Buffer.from('another signing token of 32 byte').toString('base64')}`;
      const minutes = (count: number) => new Date(Date.now() + count * 60_000);
      for (const bad of [
        signedHeaders(`${text} `),
        signedHeaders(text, { secret: other }),
        signedHeaders(text, { at: minutes(-6) }),
        signedHeaders(text, { at: minutes(6) }),
        { ...good, 'webhook-id': randomUUID() },
        { ...good, 'webhook-timestamp': `${good['webhook-timestamp']}x` },
        { ...good, 'webhook-signature': '' },
        { ...good, 'webhook-signature': 'v1' },
        { ...good, 'webhook-signature': String(good['webhook-signature']).replace('v1', 'v2') },
      ]) {
        await expectCode(receive(text, bad), 'OFC_UNAUTHENTICATED');
      }
      const several = `v1,AAAA ${good['webhook-signature']}`;
      expect((await receive(text, { ...good, 'webhook-signature': several })).status).to.equal(202);
    });
  });

  it('is idempotent by each of the ids that GitLab has', async () => {
    for (const id of [
      { 'idempotency-key': 'key-12345678' },
      { 'idempotency-key': undefined, 'webhook-id': 'msg_12345678' },
      { 'idempotency-key': undefined, 'x-gitlab-event-uuid': randomUUID() },
    ]) {
      const { receive, deps, messages } = setUp();
      await receive(push, id);
      const [message] = messages.of('pushed') as PushMessage[];
      if (message !== undefined) await createRecords(deps.store).begin(message);
      expect((await receive(push, id)).body).to.include({ result: 'already received' });
    }
    const { receive } = setUp();
    const without = { 'idempotency-key': undefined, 'x-gitlab-event-uuid': undefined };
    await expectCode(receive(push, without), 'OFC_BAD_REQUEST');
  });

  it('asks for a customer: the owner, or a group above', async () => {
    const list = (...names: string[]) => ({ has: async (name: string) => names.includes(name) });
    await expectCode(
      setUp(undefined, { customers: list('site') }).receive(push),
      'OFC_NOT_CUSTOMER',
    );
    for (const name of ['acme/tools', 'acme']) {
      const { receive } = setUp(undefined, { customers: list(name) });
      expect((await receive(push)).status).to.equal(202);
    }
  });

  it('keeps the newest state of a merge request', async () => {
    const { store, receive, messages } = setUp();
    const request = (state: string) => ({
      object_kind: 'merge_request',
      project: { id: project.id, path_with_namespace: project.path },
      object_attributes: {
        iid: 4,
        state,
        source_branch: 'change',
        target_branch: 'main',
        source_project_id: 70,
        target_project_id: 70,
        last_commit: { id: push.after },
      },
    });
    await receive(request('opened'));
    await receive(request('merged'));
    const record = store.objects.get('merge-requests/gitlab/70/4.json');
    expect(JSON.parse(String(record))).to.include({
      owner: 'acme/tools',
      number: 4,
      state: 'merged',
    });
    expect(messages.of('pushed')).to.deep.equal([]);
  });

  describe('a change of a project', () => {
    const event = (name: string, more: object = {}) => ({
      event_name: name,
      project_id: 70,
      path_with_namespace: project.path,
      ...more,
    });
    const garbage = {
      owner: 'acme/tools',
      repo: 'site',
      functions: [],
      from: { scm: 'gitlab', repoId: 70 },
    };

    it('removes its functions when it has lost the topic or is gone', async () => {
      const { messages, receive } = setUp();
      await receive(event('project_update'));
      expect(messages.of('collectGarbage')).to.deep.equal([]);
      project.topics = ['other'];
      await receive(event('project_update'));
      gitlab.projects.clear();
      await receive(event('project_destroy'));
      expect(messages.of('collectGarbage')).to.deep.equal([garbage, garbage]);
      gitlab.projects.set(70, project);
    });

    it('leaves them after a rename, and removes them where it was before a transfer', async () => {
      const { messages, receive } = setUp();
      const before = { old_path_with_namespace: project.path };
      project.path = 'acme/Tools/page';
      await receive(event('project_rename', before));
      expect(messages.of('collectGarbage')).to.deep.equal([]);
      project.path = 'bob/site';
      await receive(event('project_transfer', before));
      expect(messages.of('collectGarbage')).to.deep.equal([garbage]);
    });

    it('is believed only if GitLab says so', async () => {
      const { messages, receive } = setUp();
      await receive(event('project_destroy'));
      expect(messages.of('collectGarbage')).to.deep.equal([]);
    });

    it('touches nothing of an owner of that name at another SCM', async () => {
      const { messages, receive, deps } = setUp();
      await deps.owners.claim(parseOwner('acme/tools'), { scm: 'gitea', id: 30 });
      gitlab.projects.clear();
      const answer = await receive(event('project_destroy'));
      expect(ignored(answer)).to.contain('is one of gitea here');
      expect(messages.of('collectGarbage')).to.deep.equal([]);
      gitlab.projects.set(70, project);
    });

    it('removes everything of a group or user that has another name now', async () => {
      const { messages, receive } = setUp();
      await receive(push);
      const rename = {
        event_name: 'group_rename',
        old_full_path: 'acme/Tools',
        full_path: 'acme/new',
      };
      await receive(rename);
      expect(messages.of('collectGarbage')).to.deep.equal([]);
      gitlab.namespaces.set(30, 'acme/new');
      await receive(rename);
      const all = { owner: 'acme/tools', repo: '*', functions: [], from: { scm: 'gitlab' } };
      expect(messages.of('collectGarbage')).to.deep.equal([all]);
    });
  });

  describe('a forged hook of somebody who knows the secret token', () => {
    it('does not choose where a repo is cloned from, nor where the token goes', async () => {
      const seen: string[] = [];
      const evil = await listen((request, response) => {
        seen.push(request.url ?? '');
        response.end('{}');
      });
      const { receive, messages } = setUp();
      const path = push.project.path_with_namespace;
      for (const url of [
        `${evil.url}/${path}.git`,
        `${gitlab.url}@${evil.url.slice(7)}/${path}.git`,
        `${gitlab.url}/other/repo.git`,
        `${gitlab.url}/${path}.git#${evil.url}`,
        'file:///etc/passwd',
      ]) {
        const forged = {
          ...push,
          project: { ...push.project, git_http_url: url, web_url: evil.url },
        };
        await expectCode(receive(forged), 'OFC_BAD_REQUEST');
      }
      await evil.close();
      expect(seen).to.deep.equal([]);
      expect(messages.of('pushed')).to.deep.equal([]);
    });

    it('does not build another commit of a project, nor name another project', async () => {
      const { receive, messages } = setUp();
      // The head of a merge request is in the repo too.
      const foreign = await project.repo.commit({ 'evil.txt': 'x' });
      await project.repo.git('reset', '--quiet', '--hard', push.after);
      expect(ignored(await receive({ ...push, after: foreign }))).to.contain('another commit');
      await gitlab.add('mallory/site');
      await expectCode(receive({ ...push, project_id: 71 }), 'OFC_BAD_REQUEST');
      expect(messages.of('pushed')).to.deep.equal([]);
    });

    it('does not have the token follow a redirect', async () => {
      const seen: unknown[] = [];
      const evil = await listen((request, response) => {
        seen.push(request.headers);
        response.end('{}');
      });
      gitlab.intercept = (call, response) => {
        response.writeHead(302, { location: `${evil.url}${call.path}` }).end();
      };
      const error = await expectCode(setUp().receive(push), 'OFC_CONFIG');
      await evil.close();
      expect(seen).to.deep.equal([]);
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).to.not.contain(gitlab.token);
    });

    for (const path of [
      '..',
      '../..',
      'acme/..',
      'acme/../x',
      '/site',
      'site',
      'system/site',
      'a b/c',
    ]) {
      it(`does not get in by the path ${path}`, async () => {
        project.path = path;
        const url = `${gitlab.url}/${path}.git`;
        const named = { ...push.project, path_with_namespace: path, git_http_url: url };
        const thrown = await setUp()
          .receive({ ...push, project: named })
          .then(
            () => undefined,
            (error: { code: string }) => error.code,
          );
        expect(thrown).to.match(/OFC_(?:NAME_INVALID|BAD_REQUEST)/);
      });
    }
  });
});
