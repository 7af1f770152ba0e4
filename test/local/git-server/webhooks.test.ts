import { createHmac } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { verify } from '@octokit/webhooks-methods';
import { expect } from 'chai';
import { eventually } from '../../helpers/eventually.ts';
import {
  getJson,
  type ListedDelivery,
  type Received,
  secret,
  shut,
  startGitServer,
  type TestGitServer,
} from './harness.ts';

const zero = '0'.repeat(40);

describe('git server: webhooks', () => {
  let server: TestGitServer;
  before(async () => {
    server = await startGitServer();
  });
  after(() => server.close());
  afterEach(() => server.receiver.answerWith(() => 202));

  const nextPush = async (name: string, ref: string, count = 1): Promise<Received> =>
    eventually(() => {
      const found = server.receiver
        .pushes()
        .filter(({ body }) => body.repository.name === name && body.ref === ref);
      expect(found).to.have.length(count);
      return found.at(-1) as Received;
    });

  it("are signed as GitHub signs, with GitHub's headers", async () => {
    await server.pushed('alice', 'signed');
    const { headers, text } = await nextPush('signed', 'refs/heads/main');
    expect(await verify(secret, text, String(headers['x-hub-signature-256']))).to.equal(true);
    expect(headers['x-hub-signature']).to.equal(
      `sha1=${createHmac('sha1', secret).update(text).digest('hex')}`,
    );
    expect(headers['x-github-delivery']).to.match(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(headers['user-agent']).to.match(/^GitHub-Hookshot\//);
    expect(headers['content-type']).to.equal('application/json');
  });

  it('tell of a new repo: installation first, then a push with all that GitHub tells', async () => {
    const { sha } = await server.pushed('Nina', 'First-Repo', {
      'stack.yml': 'a\n',
      'fn/b c.ts': 'b\n',
      'fn/ü.ts': '',
    });
    const { body } = await nextPush('First-Repo', 'refs/heads/main');
    const html = `${server.url}/Nina/First-Repo`;
    expect(body).to.include({
      ref: 'refs/heads/main',
      before: zero,
      after: sha,
      created: true,
      deleted: false,
      forced: false,
      base_ref: null,
    });
    expect(body.compare).to.equal(`${html}/compare/main`);
    expect(body.repository).to.include({
      name: 'First-Repo',
      full_name: 'Nina/First-Repo',
      private: false,
      html_url: html,
      url: html,
      clone_url: `${html}.git`,
      default_branch: 'main',
      master_branch: 'main',
    });
    expect(body.repository.owner).to.include({ name: 'Nina', login: 'Nina', type: 'User' });
    expect(body.repository.pushed_at)
      .to.be.a('number')
      .and.to.be.closeTo(Date.now() / 1000, 60);
    expect(body.repository.created_at).to.be.a('number');
    expect(body.pusher.name).to.equal('Nina');
    expect(body.sender.id).to.equal(body.repository.owner.id);
    expect(body.commits).to.have.length(1);
    expect(body.head_commit).to.deep.equal(body.commits[0]);
    expect(body.head_commit).to.deep.include({
      id: sha,
      distinct: true,
      message: 'first',
      url: `${html}/commit/${sha}`,
      added: ['fn/b c.ts', 'fn/ü.ts', 'stack.yml'],
      removed: [],
      modified: [],
    });
    expect(body.head_commit.author).to.include({ name: 'Ann', email: 'ann@example.com' });
    expect(body.head_commit.committer).to.include({ name: 'Carl', email: 'carl@example.com' });

    const events = server.receiver.received.filter(({ text }) => text.includes('Nina'));
    expect(events.map(({ headers }) => headers['x-github-event'])).to.deep.equal([
      'installation',
      'push',
    ]);
    expect(events[0]?.body).to.deep.include({ action: 'created' });
    expect(events[0]?.body.repositories[0]).to.include({ full_name: 'Nina/First-Repo' });
    expect(events[0]?.body.installation).to.include({ id: body.installation.id, app_id: 42 });
    expect(events[0]?.body.installation.account.login).to.equal('Nina');

    await server.pushed('nina', 'second');
    const second = await nextPush('second', 'refs/heads/main');
    expect(second.body.repository.owner).to.deep.equal(body.repository.owner);
    expect(second.body.installation).to.deep.equal(body.installation);
    const added = server.receiver.received.find(
      ({ headers }) => headers['x-github-event'] === 'installation_repositories',
    );
    expect(added?.body).to.deep.include({ action: 'added', repositories_removed: [] });
    expect(added?.body.repositories_added[0]?.full_name).to.equal('Nina/second');
  });

  it('list the new commits, oldest first, with what each changed', async () => {
    const { folder, sha } = await server.pushed('alice', 'several', { a: '1', b: '1' });
    const one = await server.commit(folder, { a: '2', c: '1' }, 'one\n\nwith a body\nA');
    await server.git(folder, 'rm', '--quiet', 'b');
    const two = await server.commit(folder, {}, 'two');
    await server.git(folder, 'push', '--quiet', 'origin', 'main');
    const { body } = await nextPush('several', 'refs/heads/main', 2);
    expect(body).to.include({ before: sha, after: two, created: false, forced: false });
    expect(body.compare).to.match(/compare\/[0-9a-f]{12}\.\.\.[0-9a-f]{12}$/);
    const seen = body.commits.map((commit) => [
      commit.id,
      commit.message,
      commit.added,
      commit.removed,
      commit.modified,
    ]);
    expect(seen).to.deep.equal([
      [one, 'one\n\nwith a body\nA', ['c'], [], ['a']],
      [two, 'two', [], ['b'], []],
    ]);
    expect(body.head_commit.id).to.equal(two);
  });

  it('tell force pushes, new branches without new commits, deletions and tags apart', async () => {
    const { folder, sha } = await server.pushed('alice', 'kinds');
    await server.git(folder, 'push', '--quiet', 'origin', 'main:copy');
    const copy = (await nextPush('kinds', 'refs/heads/copy')).body;
    expect(copy).to.deep.include({ created: true, base_ref: 'refs/heads/main', commits: [] });
    expect(copy.head_commit.id).to.equal(sha);

    await server.git(folder, 'commit', '--amend', '--quiet', '-m', 'other');
    const other = (await server.git(folder, 'rev-parse', 'HEAD')).trim();
    await server.git(folder, 'push', '--quiet', '--force', 'origin', 'main');
    const forced = (await nextPush('kinds', 'refs/heads/main', 2)).body;
    expect(forced).to.include({ forced: true, before: sha, after: other });

    await server.git(folder, 'push', '--quiet', '--force', 'origin', 'main:copy');
    const known = (await nextPush('kinds', 'refs/heads/copy', 2)).body;
    expect(known.commits.map((commit) => commit.distinct)).to.deep.equal([false]);

    await server.git(folder, 'push', '--quiet', '--force', 'origin', `${sha}:refs/heads/copy`);
    await server.git(folder, 'push', '--quiet', 'origin', ':copy');
    const deleted = (await nextPush('kinds', 'refs/heads/copy', 4)).body;
    expect(deleted).to.deep.include({
      deleted: true,
      forced: false,
      before: sha,
      after: zero,
      head_commit: null,
      commits: [],
    });

    await server.git(folder, 'tag', '-a', 'v1', '-m', 'one');
    await server.git(folder, 'push', '--quiet', 'origin', 'v1');
    const tag = (await nextPush('kinds', 'refs/tags/v1')).body;
    expect(tag).to.include({ created: true });
    expect(tag.head_commit.id).to.equal(other);
    for (const name of ['t1', 't2', 't3', 't4']) await server.git(folder, 'tag', name);
    await server.git(folder, 'push', '--quiet', 'origin', '--tags', 'main:last');
    await nextPush('kinds', 'refs/heads/last');
    const tags = server.receiver
      .pushes()
      .filter(({ body }) => body.repository.name === 'kinds' && body.ref.startsWith('refs/tags/t'));
    expect(tags).to.deep.equal([]);
  });

  it('say nothing for a push that changed nothing or was refused', async () => {
    const { folder } = await server.pushed('alice', 'quiet');
    await nextPush('quiet', 'refs/heads/main');
    await server.git(folder, 'push', '--quiet', 'origin', 'main');
    await server.commit(folder, { a: '2' });
    await server.git(folder, 'push', '--quiet', 'origin', 'main');
    await nextPush('quiet', 'refs/heads/main', 2);
  });

  it('do not hold up the push, and are tried again under the same id while the receiver fails', async () => {
    let refusals = 2;
    server.receiver.answerWith(({ text }) =>
      text.includes('"stubborn"') && refusals-- > 0 ? 503 : 202,
    );
    await server.pushed('alice', 'stubborn');
    await eventually(async () => {
      const list = await getJson<ListedDelivery[]>(
        `${server.api}/repos/alice/stubborn/hooks/1/deliveries`,
      );
      const push = list.find(({ event }) => event === 'push');
      expect(push).to.include({ status: 'OK', status_code: 202 });
    });
    const tries = server.receiver.received.filter(({ text }) => text.includes('"stubborn"'));
    const guids = new Set(tries.map(({ headers }) => headers['x-github-delivery']));
    expect(tries).to.have.length(4);
    expect(guids.size).to.equal(2);
  });

  it('are not repeated when the receiver refuses them, until somebody asks', async () => {
    server.receiver.answerWith(() => 401);
    await server.pushed('gina', 'refused');
    const deliveries = `${server.api}/repos/gina/refused/hooks/1/deliveries`;
    const failed = await eventually(async () => {
      const list = await getJson<ListedDelivery[]>(deliveries);
      const push = list.find(({ event }) => event === 'push');
      expect(push).to.include({ status: 'failed', status_code: 401, redelivery: false });
      return push as ListedDelivery;
    });
    server.receiver.answerWith(() => 202);
    expect(
      (await fetch(`${deliveries}/${failed.id}/attempts`, { method: 'POST' })).status,
    ).to.equal(202);
    const repeated = await nextPush('refused', 'refs/heads/main', 2);
    expect(repeated.headers['x-github-delivery']).to.equal(failed.guid);
    await eventually(async () => {
      const detail = await getJson<ListedDelivery>(`${deliveries}/${failed.id}`);
      expect(detail).to.include({ status: 'OK', redelivery: true });
      expect(detail.request.payload.repository.name).to.equal('refused');
      expect(detail.response.payload).to.equal('seen');
    });
    expect((await fetch(`${deliveries}/1/attempts`, { method: 'POST' })).status).to.equal(404);
  });

  it('tell of a repo that is removed, and of one made anew under its name', async () => {
    const { folder } = await server.pushed('henry', 'shortlived');
    const before = (await nextPush('shortlived', 'refs/heads/main')).body.repository.id;
    expect(
      (await fetch(`${server.api}/repos/henry/shortlived`, { method: 'DELETE' })).status,
    ).to.equal(204);
    expect((await fetch(`${server.api}/repos/henry/shortlived`)).status).to.equal(404);
    const removed = await eventually(() => {
      const found = server.receiver.received.find(({ body }) => body.action === 'removed');
      expect(found).not.to.equal(undefined);
      return found;
    });
    expect(removed?.headers['x-github-event']).to.equal('installation_repositories');
    expect(removed?.body.repositories_removed[0]).to.include({ name: 'shortlived', id: before });
    await server.git(folder, 'push', '--quiet', 'origin', 'main');
    const again = await nextPush('shortlived', 'refs/heads/main', 2);
    expect(again.body.created).to.equal(true);
    expect(again.body.repository.id).to.be.greaterThan(before);
  });

  it('go to the address given with the Host given', async () => {
    const hosts: (string | undefined)[] = [];
    const target = createServer((request, response) => {
      hosts.push(request.headers.host);
      request.resume().on('end', () => response.end());
    });
    await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
    const { port } = target.address() as AddressInfo;
    const other = await startGitServer({
      webhook: {
        url: () => `http://127.0.0.1:${port}/github-event`,
        secret,
        hostHeader: 'system.localhost',
      },
    });
    try {
      await other.pushed('alice', 'hosted');
      await eventually(() => expect(hosts).to.deep.equal(['system.localhost', 'system.localhost']));
    } finally {
      await other.close();
      await shut(target);
    }
  });

  it('survive a restart: what was not delivered is delivered after it, with the same numbers', async () => {
    server.receiver.answerWith(() => 503);
    const { folder, sha } = await server.pushed('ivy', 'lasting');
    await eventually(() =>
      expect(server.receiver.received.some(({ text }) => text.includes('lasting'))).to.equal(true),
    );
    await server.restart(async () => server.receiver.answerWith(() => 202));
    const { body } = await nextPush('lasting', 'refs/heads/main');
    expect(body.after).to.equal(sha);
    await server.commit(folder, { b: '2' });
    await server.git(folder, 'push', '--quiet', 'origin', 'main');
    const next = await nextPush('lasting', 'refs/heads/main', 2);
    expect(next.body.repository.id).to.equal(body.repository.id);
    expect(next.body.installation).to.deep.equal(body.installation);
    expect(next.body.before).to.equal(sha);
  });

  it('make up for a server that died between moving the refs and recording the webhook', async () => {
    const { folder, sha } = await server.pushed('jack', 'crashed');
    await nextPush('crashed', 'refs/heads/main');
    const second = await server.commit(folder, { b: '2' });
    const bare = join(server.options.folder, 'owners/jack/repos/crashed/git');
    const journals = join(server.options.folder, 'pushes');
    await server.restart(async () => {
      // The state right after git moved the ref: the journal says what was there before.
      await server.git(folder, 'push', '--quiet', bare, 'main');
      await mkdir(journals, { recursive: true });
      const journal = {
        id: 'a-push',
        owner: 'jack',
        name: 'crashed',
        refsBefore: { 'refs/heads/main': sha },
      };
      await writeFile(join(journals, 'a-push.json'), JSON.stringify(journal));
    });
    await server.git(folder, 'ls-remote', 'origin');
    const { body, headers } = await nextPush('crashed', 'refs/heads/main', 2);
    expect(body).to.include({ before: sha, after: second });
    expect(await readdir(journals)).to.deep.equal([]);
    // Had it died once more, after recording, the same push would not be told under another id.
    await server.restart(async () => {
      const journal = {
        id: 'a-push',
        owner: 'jack',
        name: 'crashed',
        refsBefore: { 'refs/heads/main': sha },
      };
      await writeFile(join(journals, 'a-push.json'), JSON.stringify(journal));
    });
    await server.git(folder, 'ls-remote', 'origin');
    const list = await getJson<ListedDelivery[]>(
      `${server.api}/repos/jack/crashed/hooks/1/deliveries`,
    );
    expect(list.filter(({ guid }) => guid === headers['x-github-delivery'])).to.have.length(1);
    expect(list.filter(({ event }) => event === 'push')).to.have.length(2);
  });
});
