import type { IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { Webhook } from 'standardwebhooks';
import { parseOwner } from '#shared/names.ts';
import { createAllowedAddresses } from '#shared/notifications/allowed-addresses.ts';
import { deliver, deliverDue } from '#shared/notifications/deliver.ts';
import { createDestinations, maxDestinations } from '#shared/notifications/destinations.ts';
import {
  createNotices,
  isAnythingDue,
  type Notice,
  noticeState,
} from '#shared/notifications/notices.ts';
import { createPostNotice } from '#shared/notifications/post-notice.ts';
import { resultNotice, testNotice } from '#shared/notifications/result-notice.ts';
import { retryDelayMs } from '#shared/notifications/retry-schedule.ts';
import type { DeploymentRecords } from '#shared/pipeline/states.ts';
import { createPublicUrls } from '#shared/public-urls.ts';
import { createVault } from '#shared/vault.ts';
import { notify } from '../../../functions/audit-event/notify.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';
import { testFunction, testPush } from '../../helpers/pipeline-fixtures.ts';

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const alice = { owner: parseOwner('alice'), scm: 'github' as const };
const urls = createPublicUrls({ publicUrl: '', prettyUrl: 'https://user.example.com/function' });

function ended(state: 'live' | 'failed' | 'skipped', closedText = 'It is so.'): DeploymentRecords {
  const deployment = testPush();
  const fn = testFunction('hello');
  const at = deployment.receivedAt + 5000;
  const url = 'https://alice.example.com/hello';
  return {
    deployment,
    plan: { outcome: 'planned', functions: [fn], warnings: [], at },
    builds: new Map(),
    deploys: new Map(state === 'live' ? [[fn.key, { outcome: 'live', url, at }]] : []),
    closed: { state, text: closedText, at },
    claimed: new Set(),
  };
}

describe('notifications', () => {
  let receiver: TestServer;
  let received: Received[];
  let answer: (count: number) => number | 'hang';
  let now: number;

  beforeEach(async () => {
    received = [];
    answer = () => 204;
    now = Date.now();
    receiver = await listen(async (request, response) => {
      received.push({ headers: request.headers, body: await text(request) });
      const status = answer(received.length);
      if (status !== 'hang') response.writeHead(status, { location: receiver.url }).end();
    });
  });
  afterEach(() => receiver.close());

  function setUp(allowed: readonly string[] = ['127.0.0.1']) {
    const store = createMemoryObjectStore();
    const clock = () => now;
    const destinations = createDestinations(store, createVault({ current: 'secret' }), clock);
    const notices = createNotices(store, clock);
    const addresses = createAllowedAddresses(allowed);
    const timeoutMs = 300;
    const post = createPostNotice(addresses, timeoutMs, clock);
    const delivering = { notices, destinations, post, timeoutMs, now: clock };
    const tell = (records: DeploymentRecords) =>
      notify(
        { records: { load: async () => records }, destinations, delivering, urls },
        records.deployment,
      );
    const add = (kind: 'slack' | 'webhook', events: 'all' | 'failed' = 'all', at = alice) =>
      destinations.add(
        at,
        { kind, events, url: `${receiver.url}/hook` },
        new URL(`${receiver.url}/hook`),
        'alice',
      );
    return { store, destinations, notices, delivering, tell, add };
  }

  it('reach a webhook signed as Standard Webhooks has it', async () => {
    const { tell, add, notices } = setUp();
    const { secret } = await add('webhook');
    await tell(ended('live'));
    const [{ headers, body } = { headers: {}, body: '' }] = received;
    const message = new Webhook(secret).verify(body, headers as Record<string, string>) as {
      type: string;
      data: object;
    };
    expect(message.type).to.equal('deployment.live');
    const { id, sha } = testPush();
    expect(message.data).to.deep.include({
      owner: 'alice',
      repo: 'hello',
      deployment: id,
      sha,
      state: 'live',
      url: `https://system.example.com/dashboard/alice/deployments/hello/${id}`,
      functions: [{ name: 'hello', state: 'live', url: 'https://alice.example.com/hello' }],
    });
    expect(() =>
      new Webhook(`whsec_${'A'.repeat(43)}=`).verify(body, headers as Record<string, string>),
    ).to.throw();
    const [history] = await notices.newest(alice, 10);
    expect(history && noticeState(history)).to.equal('delivered');
    expect(history?.attempts).to.have.length(1);
    expect(history?.attempts[0]).to.include({ status: 204, last: true });
  });

  it('reach Slack without a signature, and nobody writes markup', async () => {
    const { tell, add } = setUp();
    await add('slack');
    await tell(ended('failed', 'The build of <!channel> & co failed.'));
    expect(received[0]?.headers).not.to.have.property('webhook-signature');
    const { text: said } = JSON.parse(received[0]?.body ?? '') as { text: string };
    expect(said).to.include('alice/hello master aaaaaaa: failed');
    expect(said).to.include('&lt;!channel&gt; &amp; co');
  });

  it('go out once for a result, whoever asks how often', async () => {
    const { tell, add, delivering } = setUp();
    await add('webhook');
    await Promise.all([tell(ended('live')), tell(ended('live'))]);
    await tell(ended('live'));
    now += 60 * 60_000;
    await deliverDue(delivering);
    expect(received).to.have.length(1);
  });

  it('are only of what a destination wants to know, and only of its owner at its SCM', async () => {
    const { tell, add } = setUp();
    await add('webhook', 'failed');
    await add('webhook', 'all', { ...alice, owner: parseOwner('bob') });
    await tell(ended('live'));
    await tell(ended('skipped'));
    expect(received).to.have.length(0);
    const elsewhere = ended('failed');
    await tell({ ...elsewhere, deployment: { ...elsewhere.deployment, scm: 'gitlab' } });
    expect(received).to.have.length(0);
    await tell(ended('failed'));
    expect(received).to.have.length(1);
  });

  it('are tried again with longer and longer breaks, the same bytes, then given up', async () => {
    const { tell, add, delivering, notices, store } = setUp();
    answer = () => 500;
    await add('webhook');
    await tell(ended('live'));
    for (const [index, delay] of retryDelayMs.entries()) {
      now += delay - 1;
      expect(await isAnythingDue(store, now)).to.equal(false);
      await deliverDue(delivering);
      expect(received).to.have.length(index + 1);
      now += 1;
      expect(await isAnythingDue(store, now)).to.equal(true);
      await deliverDue(delivering);
      expect(received).to.have.length(index + 2);
    }
    now += 365 * 24 * 60 * 60_000;
    await deliverDue(delivering);
    expect(received).to.have.length(retryDelayMs.length + 1);
    expect(new Set(received.map(({ body }) => body)).size).to.equal(1);
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).to.equal(1);
    const [history] = await notices.newest(alice, 10);
    expect(history && noticeState(history)).to.equal('failed');
    expect(await store.list('notices-due/')).to.deep.equal([]);
  });

  it('arrive at a later try, and then there is no other', async () => {
    const { tell, add, delivering, notices } = setUp();
    answer = (count) => (count === 1 ? 503 : 200);
    await add('webhook');
    await tell(ended('live'));
    now += retryDelayMs[0] ?? 0;
    await deliverDue(delivering);
    now += 24 * 60 * 60_000;
    await deliverDue(delivering);
    expect(received).to.have.length(2);
    const [history] = await notices.newest(alice, 10);
    expect(history?.attempts.map(({ status }) => status)).to.deep.equal([503, 200]);
  });

  it('survive a process that dies while it sends', async () => {
    const { add, delivering, notices } = setUp();
    const { destination } = await add('webhook');
    const notice = resultNotice(ended('live'), destination, urls) as Notice;
    const mark = await notices.add(notice);
    let begun: () => void = () => undefined;
    const sending = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const post = () => {
      begun();
      return new Promise<never>(() => undefined);
    };
    const dies = { ...delivering, post };
    void deliver(dies, notice, mark);
    await sending;
    now += retryDelayMs[0] ?? 0;
    await deliverDue(delivering);
    expect(received).to.have.length(1);
  });

  it('do not wait for a receiver that hangs, and follow no redirect', async () => {
    const { tell, add, notices } = setUp();
    answer = (count) => (count === 1 ? 'hang' : 302);
    await add('webhook');
    await tell(ended('live'));
    expect((await notices.newest(alice, 1))[0]?.attempts[0]?.problem).to.equal(
      'No answer in time.',
    );
    await add('slack');
    await tell(ended('failed'));
    const redirected = (await notices.newest(alice, 9)).flatMap(({ attempts }) => attempts);
    expect(redirected.filter(({ status }) => status === 302)).to.have.length.above(0);
    expect(received).to.have.length(3);
  });

  it('end for good with 410, and when the destination was removed', async () => {
    const { tell, add, delivering, destinations, notices, store } = setUp();
    answer = () => 410;
    const { destination } = await add('webhook');
    await tell(ended('live'));
    expect(await store.list('notices-due/')).to.deep.equal([]);
    answer = () => 500;
    const notice = testNotice(alice, destination, now);
    await deliver(delivering, notice, await notices.add(notice));
    expect(await destinations.remove(alice, destination.id)).to.equal(true);
    expect(await destinations.remove(alice, destination.id)).to.equal(false);
    now += retryDelayMs[0] ?? 0;
    await deliverDue(delivering);
    const history = await notices.load(notice);
    expect(history?.attempts.at(-1)?.problem).to.equal('The destination was removed.');
    expect(await store.list('notices-due/')).to.deep.equal([]);
    expect(received).to.have.length(2);
  });

  it('never reach an address that is not public, also if it was allowed when it was added', async () => {
    const { tell, add, notices } = setUp([]);
    await add('webhook');
    await tell(ended('live'));
    expect(received).to.have.length(0);
    const [history] = await notices.newest(alice, 1);
    expect(history?.attempts[0]?.problem).to.match(/must begin with https/);
  });

  it('of one owner do not hold up those of others', async () => {
    const { add, delivering, notices, store } = setUp();
    const { destination } = await add('webhook');
    for (let count = 0; count < 200; count += 1) {
      await notices.add(testNotice(alice, destination, now - count));
    }
    const bob = { ...alice, owner: parseOwner('bob') };
    const { destination: bobs } = await add('webhook', 'all', bob);
    const notice = testNotice(bob, bobs, now);
    await notices.add(notice);
    await deliverDue(delivering);
    expect(received).to.have.length(11);
    const history = await notices.load(notice);
    expect(history && noticeState(history)).to.equal('delivered');
    expect(await store.list('notices-due/')).to.have.length(190);
  });

  it('keep address and secret where nobody reads them in the store', async () => {
    const { add, store, destinations } = setUp();
    const { destination, secret } = await add('webhook');
    const stored = [...store.objects.values()].map(String).join('\n');
    expect(stored).not.to.include(secret);
    expect(stored).not.to.include('/hook');
    expect(await destinations.list(alice)).to.deep.equal([destination]);
    expect(await destinations.open(alice, destination.id)).to.include({ secret });
    const bob = { ...alice, owner: parseOwner('bob') };
    expect(await destinations.open(bob, destination.id)).to.equal(undefined);
    const [[key, value] = ['', Buffer.alloc(0)]] = [...store.objects];
    await store.put(key.replace('alice', 'bob'), value);
    await expectCode(destinations.open(bob, destination.id), 'OFC_SECRETS');
  });

  it('outlive a rotation of the secret that seals them', async () => {
    const { add, store } = setUp();
    const { destination, secret } = await add('webhook');
    const rotating = createVault({ current: 'new', previous: 'secret' });
    await createDestinations(store, rotating).open(alice, destination.id);
    const rotated = createDestinations(store, createVault({ current: 'new' }));
    expect(await rotated.open(alice, destination.id)).to.include({ secret });
  });

  it('have a bounded number of destinations', async () => {
    const { add } = setUp();
    for (let count = 0; count < maxDestinations; count += 1) await add('webhook');
    await expectCode(add('webhook'), 'OFC_BUSY');
  });
});
