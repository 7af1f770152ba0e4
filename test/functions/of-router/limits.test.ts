import type { ServerResponse } from 'node:http';
import { expect } from 'chai';
import { eventually } from '../../helpers/eventually.ts';
import { begin, send } from '../../helpers/http-client.ts';
import { buildStage, type Stage, toAlice, toSystem, valuesOf } from './stage.ts';

const none = { perSecond: 0, concurrency: 0 };
const from = (address: string) => ({
  headers: { ...toAlice.headers, 'x-forwarded-for': address },
});

describe('limits of of-router', () => {
  let stage: Stage;
  afterEach(() => stage.close());

  it('hold an address to its rate, also for what does not exist', async () => {
    const limits = { owner: none, address: { perSecond: 1, concurrency: 0 } };
    stage = await buildStage({ config: { limits } });
    const statuses: number[] = [];
    for (const path of ['/none', '/hello', '/hello', '/hello/../x']) {
      statuses.push((await send(stage.port, path, from('192.0.2.1'))).status);
    }
    expect(statuses).to.deep.equal([404, 200, 429, 429]);
    const answer = await send(stage.port, '/hello', from('192.0.2.1'));
    expect(Number(answer.headers['retry-after'])).to.be.within(1, 2);
    expect((await send(stage.port, '/hello', from('192.0.2.2'))).status).to.equal(200);
    // Whatever stands left of what the trusted proxy wrote is the visitor's own invention.
    expect((await send(stage.port, '/hello', from('198.51.100.1, 192.0.2.1'))).status).to.equal(
      429,
    );
    expect(await stage.metrics()).to.contain('ofc_router_limited_total{limit="address"} 4');
  });

  it('hold an owner to a number at once, and let the next in when one has ended', async () => {
    const waiting: ServerResponse[] = [];
    const limits = { owner: { perSecond: 0, concurrency: 2 }, address: none };
    stage = await buildStage({
      config: { limits },
      functions: { 'alice-hello': 'alice', 'bob-hello': 'bob' },
      answer: (_, response) => void waiting.push(response.writeHead(200)),
    });
    const first = [begin(stage.port, '/hello', toAlice), begin(stage.port, '/hello', toAlice)];
    await eventually(() => expect(waiting).to.have.length(2));
    expect((await send(stage.port, '/hello', toAlice)).status).to.equal(429);
    const bob = begin(stage.port, '/hello', { headers: { 'x-forwarded-host': 'bob.example.com' } });
    await eventually(() => expect(waiting).to.have.length(3));
    for (const response of waiting.splice(0)) response.end();
    for (const message of await Promise.all([...first, bob])) message.resume();
    // Nobody's place is lost, neither by an end nor by a refusal.
    const again = begin(stage.port, '/hello', toAlice);
    await eventually(() => expect(waiting).to.have.length(1));
    waiting[0]?.end();
    (await again).resume();
  });

  it('leave the platform functions to the limits of addresses', async () => {
    const limits = { owner: { perSecond: 1, concurrency: 1 }, address: none };
    stage = await buildStage({ config: { limits } });
    for (let i = 0; i < 5; i++) {
      expect((await send(stage.port, '/list-functions', toSystem)).status).to.equal(200);
    }
  });
});

describe('asynchronous calls from outside', () => {
  let stage: Stage;
  afterEach(() => stage.close());
  const asking = (more: Record<string, string> = {}) => ({
    method: 'POST',
    body: 'x',
    headers: {
      ...toAlice.headers,
      prefer: 'respond-async',
      'x-callback-url': 'http://evil',
      ...more,
    },
  });
  const open = { 'alice-hello': { 'com.openfaas.cloud.async': 'true' } };
  const answer = (_: unknown, response: ServerResponse) =>
    void response.writeHead(202, { 'x-call-id': 'x' }).end();

  it('reach the queue of a function that opened itself, without a callback', async () => {
    stage = await buildStage({ annotations: open, answer });
    const queued = await send(stage.port, '/hello/a?b', asking());
    expect(queued.status).to.equal(202);
    expect(queued.headers['preference-applied']).to.equal('respond-async');
    expect(stage.seen[0]?.url).to.equal('/async-function/alice-hello/a?b');
    expect(valuesOf(stage.seen[0]?.rawHeaders ?? [], 'x-callback-url')).to.deep.equal([]);
  });

  it('are ordinary calls where the function did not, or nobody asked', async () => {
    const odd = { 'alice-hello': { 'com.openfaas.cloud.async': 'yes' } };
    for (const annotations of [{}, odd]) {
      stage = await buildStage({ annotations });
      await send(stage.port, '/hello', asking());
      expect(stage.seen[0]?.url).to.equal('/alice-hello');
      await stage.close();
    }
    stage = await buildStage({ annotations: open });
    await send(stage.port, '/hello', asking({ prefer: 'return=minimal' }));
    await send(stage.port, '/hello', { ...asking(), method: 'PUT' });
    await send(stage.port, '/async-function/hello', asking());
    expect(stage.seen.map(({ url }) => url)).to.deep.equal(['/alice-hello', '/alice-hello']);
  });

  it('have a quota, and the size of the queue', async () => {
    stage = await buildStage({ annotations: open, answer, config: { asyncQuota: 2 } });
    const large = { ...asking(), body: 'x'.repeat(256_001) };
    expect((await send(stage.port, '/hello', large)).status).to.equal(413);
    const chunked = asking({ 'transfer-encoding': 'chunked' });
    expect((await send(stage.port, '/hello', chunked)).status).to.equal(411);
    const statuses: number[] = [];
    for (let i = 0; i < 3; i++) statuses.push((await send(stage.port, '/hello', asking())).status);
    expect(statuses).to.deep.equal([202, 202, 429]);
    const refused = await send(stage.port, '/hello', asking());
    expect(Number(refused.headers['retry-after'])).to.be.within(20, 60);
    await stage.close();
    stage = await buildStage({ annotations: open, config: { asyncQuota: 0 } });
    expect((await send(stage.port, '/hello', asking())).status).to.equal(200);
  });
});
