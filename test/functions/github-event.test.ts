import { expect } from 'chai';
import { createCustomers } from '#shared/customers.ts';
import type { Deployment } from '#shared/pipeline/deployment.ts';
import type { PushMessage } from '#shared/pipeline/messages.ts';
import { type Receiving, receiveWebhook } from '#shared/webhooks/receive-webhook.ts';
import { setUpPage } from '../../functions/github-event/set-up-page.ts';
import { expectCode } from '../helpers/expect-code.ts';
import { createReceiving } from '../helpers/github-receiving.ts';
import { githubPayload, githubWebhook } from '../helpers/github-webhook.ts';

const delivery = '72d3162e-cc78-11e3-81ab-4c9367dc0958';
const onlyAlex: Receiving['customers'] = { has: async (login) => login === 'alexellis' };
const nobody: Receiving['customers'] = { has: async () => false };

describe('github-event', () => {
  it('accepts a push with one message, records it and its owner, and answers with its deployment', async () => {
    const deps = createReceiving({ customers: onlyAlex });
    const answer = await receiveWebhook(
      deps,
      githubWebhook('push', githubPayload('go-fns'), { delivery }),
    );
    const [push] = deps.messages.of('pushed') as PushMessage[];
    expect(answer).to.deep.equal({
      status: 202,
      body: {
        result: 'accepted',
        deployment: push?.id,
        owner: 'alexellis',
        repo: 'go-fns-tester',
        sha: '27c584a2bcb7843f79249dfb058d6daeb164d69f',
      },
    });
    expect(push).to.deep.equal({
      owner: 'alexellis',
      ownerId: 6358735,
      repo: 'go-fns-tester',
      repoId: 110000000,
      fullName: 'alexellis/go-fns-tester',
      private: false,
      cloneUrl: 'https://github.com/alexellis/go-fns-tester.git',
      repoUrl: 'https://github.com/alexellis/go-fns-tester',
      branch: 'master',
      defaultBranch: 'master',
      sha: '27c584a2bcb7843f79249dfb058d6daeb164d69f',
      before: 'c1f1a9e2a45a4a0a1bd6f3f3a8f5bb1f4a2d7a10',
      pusher: 'alexellis',
      scm: 'github',
      id: push?.id,
      receivedAt: 1_700_000_000_000,
      installationId: 67049,
    });
    expect([...deps.store.objects.keys()].sort()).to.deep.equal([
      `deliveries/github/${delivery}/001`,
      'owners/alexellis.json',
    ]);
    expect(deps.messages.sent).to.have.length(1);
  });

  // Samples of the original with their refs and ids; whether a branch is built is github-push's.
  const samples = [
    ['go-fns', 'master', 'go-fns-tester', '27c584a2bcb7843f79249dfb058d6daeb164d69f', 67049],
    ['push-apr', 'master', 'kubecon-tester', 'd6cc2414dbede1c631589b8e960c43e6297c008d', 67049],
    [
      'raw-gh',
      'master',
      'gh-latest-release',
      'be67967c0a456d5cdf280e6b0517736c7c09a106',
      undefined,
    ],
    ['raw-non-master', 'test', 'go-fns-tester', '9101b0e1230d3c64fd0d750ee979db112f15bcac', 67049],
    [
      'fullsample',
      'idea',
      'gh-latest-release',
      '577fda7fb722150814047924393d454c757184d8',
      undefined,
    ],
  ] as const;
  for (const [name, branch, repo, sha, installationId] of samples) {
    it(`reads the sample ${name}.json`, async () => {
      const deps = createReceiving();
      await receiveWebhook(deps, githubWebhook('push', githubPayload(name)));
      const [push] = deps.messages.of('pushed') as Deployment[];
      expect(push).to.include({ owner: 'alexellis', branch, repo, sha });
      expect(push?.installationId).to.equal(installationId);
    });
  }

  it('collects the repos that the sample remove_installation.json takes away', async () => {
    // The owner is no customer any more: what is theirs must go all the same.
    const deps = createReceiving({ customers: nobody });
    const payload = githubPayload('remove_installation');
    const answer = await receiveWebhook(deps, githubWebhook('installation_repositories', payload));
    expect(answer.status).to.equal(202);
    expect(deps.messages.of('collectGarbage')).to.deep.equal([
      { owner: 'alexellis', repo: 'release', functions: [], from: { scm: 'github' } },
    ]);
  });

  it('collects everything of an owner who uninstalls the app', async () => {
    const deps = createReceiving({ customers: nobody });
    const payload = { action: 'deleted', installation: { account: { login: 'AlexEllis' } } };
    await receiveWebhook(deps, githubWebhook('installation', payload));
    expect(deps.messages.of('collectGarbage')).to.deep.equal([
      { owner: 'alexellis', repo: '*', functions: [], from: { scm: 'github' } },
    ]);
  });

  it('only takes a note of an installation', async () => {
    const deps = createReceiving();
    const repositories = [
      { name: 'b', full_name: 'alexellis/b' },
      { name: 'c', full_name: 'alexellis/c' },
    ];
    const installation = { account: { login: 'alexellis' } };
    const payload = { action: 'created', installation, repositories };
    const answer = await receiveWebhook(deps, githubWebhook('installation', payload));
    expect(answer).to.deep.equal({
      status: 202,
      body: 'Message received with event: installation',
    });
    expect(deps.messages.sent).to.deep.equal([
      [
        'audit',
        {
          source: 'github-event',
          message: 'alexellis added repositories: alexellis/b, alexellis/c',
          owner: 'alexellis',
        },
      ],
    ]);
  });

  it('answers ping', async () => {
    const answer = await receiveWebhook(createReceiving(), githubWebhook('ping', { zen: 'x' }));
    expect(answer).to.deep.equal({ status: 200, body: 'pong' });
  });

  it('shows the page after an installation', () => {
    expect(setUpPage('GET', 'setup_action=other')).to.equal(undefined);
    expect(setUpPage('POST', 'setup_action=install')).to.equal(undefined);
    expect(setUpPage('GET', 'setup_action=install&code=1')).to.deep.equal({
      status: 200,
      body: 'Installation completed, please return to the installation guide.',
    });
  });

  it('says of an event that is not handled that it is ignored', async () => {
    const deps = createReceiving();
    const answer = await receiveWebhook(deps, githubWebhook('other', {}));
    expect(answer).to.deep.equal({
      status: 202,
      body: 'Ignored: github-event cannot handle event: other',
    });
    expect(deps.messages.sent).to.deep.equal([]);
  });

  it('does not build what was deleted', async () => {
    const deps = createReceiving();
    const gone = { ...githubPayload('go-fns'), after: '0'.repeat(40) };
    for (const payload of [gone, { ...gone, deleted: true }]) {
      const answer = await receiveWebhook(deps, githubWebhook('push', payload));
      expect(answer.status).to.equal(202);
      expect(answer.body).to.contain('was deleted');
    }
    expect(deps.store.objects.size).to.equal(0);
  });

  it('does not build tags, and says so', async () => {
    const deps = createReceiving();
    const tag = { ...githubPayload('go-fns'), ref: 'refs/tags/simple-tag' };
    const answer = await receiveWebhook(deps, githubWebhook('push', tag));
    expect(answer).to.deep.equal({
      status: 202,
      body: 'Ignored: "refs/tags/simple-tag" is not a branch: it is not built.',
    });
    expect(deps.messages.sent).to.deep.equal([]);
  });

  it('marks a push whose commit asks not to be built', async () => {
    const deps = createReceiving();
    const payload = { ...githubPayload('go-fns'), head_commit: { message: 'Docs\n\n[skip ci]' } };
    await receiveWebhook(deps, githubWebhook('push', payload));
    const [push] = deps.messages.of('pushed') as Deployment[];
    expect(push?.skip).to.equal('The commit message says [skip ci]: it is not built.');
  });

  it('refuses an owner who is not on the list, and keeps a record of it', async () => {
    const deps = createReceiving({ customers: onlyAlex });
    const payload = githubPayload('go-fns');
    payload.repository.owner.login = 'rgee0';
    payload.repository.full_name = 'rgee0/go-fns-tester';
    payload.repository.clone_url = 'https://github.com/rgee0/go-fns-tester.git';
    const error = await expectCode(
      receiveWebhook(deps, githubWebhook('push', payload)),
      'OFC_NOT_CUSTOMER',
    );
    expect(error.status).to.equal(403);
    expect(error.message).to.equal('Customer: "rgee0" not found in customers ACL');
    expect(deps.messages.sent).to.have.length(1);
    expect(deps.messages.of('audit')).to.deep.include.members([
      {
        source: 'github-event',
        message: 'Customer not found',
        owner: 'rgee0',
        repo: 'go-fns-tester',
      },
    ]);
    expect(deps.store.objects.size).to.equal(0);
  });

  it('lets nobody in while the list cannot be read', async () => {
    const customers = createCustomers({ path: '/nowhere/customers' });
    const deps = createReceiving({ customers });
    const request = githubWebhook('push', githubPayload('go-fns'));
    await expectCode(receiveWebhook(deps, request), 'OFC_UPSTREAM');
    expect(deps.messages.sent).to.deep.equal([]);
  });

  describe('a delivery that comes again', () => {
    const request = () => githubWebhook('push', githubPayload('go-fns'), { delivery });

    it('starts nothing while its deployment is under way', async () => {
      const deps = createReceiving();
      await receiveWebhook(deps, request());
      const [push] = deps.messages.of('pushed') as PushMessage[];
      if (push === undefined) throw new Error('nothing was sent');
      await deps.records.begin(push);
      const answer = await receiveWebhook(deps, request());
      expect(answer.body).to.deep.include({ result: 'already received', deployment: push.id });
      expect(deps.messages.of('pushed')).to.have.length(1);
    });

    it('is sent on again, with the same id, if it was lost before it began', async () => {
      const deps = createReceiving();
      deps.messages.fail = new Error('the queue is down');
      await receiveWebhook(deps, request()).then(
        () => expect.fail('it was accepted'),
        () => undefined,
      );
      deps.messages.fail = undefined;
      const first = await receiveWebhook({ ...deps, now: () => 1_800_000_000_000 }, request());
      const second = await receiveWebhook({ ...deps, now: () => 1_900_000_000_000 }, request());
      expect(first.body).to.deep.equal(second.body);
      expect(deps.messages.of('pushed')).to.have.length(2);
      expect(
        new Set(deps.messages.of('pushed').map((push) => (push as PushMessage).id)).size,
      ).to.equal(1);
    });

    it('runs again after a failure: later than the first attempt, earlier than a newer push', async () => {
      const deps = createReceiving();
      const ids: string[] = [];
      for (let attempt = 1; attempt <= 3; attempt += 1) {
        await receiveWebhook({ ...deps, now: () => 1_700_000_000_000 + attempt }, request());
        const push = (deps.messages.of('pushed') as PushMessage[]).at(-1);
        if (push === undefined) throw new Error('nothing was sent');
        ids.push(push.id);
        await deps.records.begin(push);
        await deps.records.close(push, { state: 'failed', text: 'no', at: 1 });
      }
      await receiveWebhook(
        { ...deps, now: () => 1_700_000_000_002 },
        githubWebhook('push', githubPayload('go-fns')),
      );
      ids.push((deps.messages.of('pushed') as PushMessage[]).at(-1)?.id ?? '');
      expect(new Set(ids).size).to.equal(4);
      expect([...ids].sort()).to.deep.equal(ids);
    });

    for (const state of ['live', 'superseded', 'cancelled', 'skipped'] as const) {
      it(`starts nothing after the deployment ended as ${state}`, async () => {
        const deps = createReceiving();
        await receiveWebhook(deps, request());
        const [push] = deps.messages.of('pushed') as PushMessage[];
        if (push === undefined) throw new Error('nothing was sent');
        await deps.records.begin(push);
        await deps.records.close(push, { state, text: '', at: 1 });
        await receiveWebhook(deps, request());
        expect(deps.messages.of('pushed')).to.have.length(1);
      });
    }

    it('is one deployment even if both come at the same moment', async () => {
      const deps = createReceiving();
      const answers = await Promise.all([
        receiveWebhook(deps, request()),
        receiveWebhook(deps, request()),
      ]);
      const ids = answers.map(({ body }) => (typeof body === 'string' ? body : body['deployment']));
      expect(new Set(ids).size).to.equal(1);
    });
  });

  it('answers within 100 ms when warm', async () => {
    const deps = createReceiving({ customers: onlyAlex });
    await receiveWebhook(deps, githubWebhook('push', githubPayload('go-fns')));
    const times: number[] = [];
    for (let round = 0; round < 21; round += 1) {
      const request = githubWebhook('push', githubPayload('go-fns'));
      const begun = performance.now();
      await receiveWebhook(deps, request);
      times.push(performance.now() - begun);
    }
    expect(times.sort((a, b) => a - b)[10]).to.be.lessThan(100);
  });
});
