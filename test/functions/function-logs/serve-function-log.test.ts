import { expect } from 'chai';
import { toCloudError } from '#shared/errors.ts';
import { createGatewayClient } from '#shared/gateway/gateway-client.ts';
import type { ReceivedRequest } from '#shared/messages/receive.ts';
import { serveFunctionLog } from '../../../functions/function-logs/serve-function-log.ts';
import { eventually } from '../../helpers/eventually.ts';
import { begin, send } from '../../helpers/http-client.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';
import { get, signedGet, testSigner, visitorGet } from '../../helpers/signed-request.ts';

const receiver = 'function-logs';
const fn = (name: string, owner?: string) => ({
  name,
  image: 'x',
  labels:
    owner === undefined
      ? {}
      : { 'com.openfaas.cloud.git-cloud': '1', 'com.openfaas.cloud.git-owner': owner },
});
const functions = [fn('alice-hello', 'Alice'), fn('bob-hello', 'bob'), fn('git-tar')];
const line = (text: string, second = 0, instance = 'hello-1') => ({
  name: 'alice-hello',
  instance,
  timestamp: `2030-01-01T00:00:0${second}.5Z`,
  text,
});

describe('function-logs', () => {
  let gateway: TestServer;
  let server: TestServer;
  let asked: URLSearchParams[] = [];
  let logs: (write: (text: string) => void) => Promise<void> | void;
  let status = 200;
  let hidden: Buffer[] = [];

  before(async () => {
    gateway = await listen(async (request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://gateway');
      const found = functions.find(({ name }) => pathname === `/system/function/${name}`);
      if (found !== undefined) return void response.end(JSON.stringify(found));
      if (pathname !== '/system/logs') return void response.writeHead(404).end();
      asked.push(searchParams);
      response.writeHead(status);
      await logs((text) => response.write(text));
      response.end();
    });
    const config = { url: gateway.url };
    server = await listen(async (request, response) => {
      const gone = new AbortController();
      response.on('close', () => gone.abort());
      const deps = {
        signer: testSigner,
        gateway: config,
        client: createGatewayClient(config),
        sealedValues: async ({ name }: { name: string }) => (name === 'alice-hello' ? hidden : []),
        maxFollowMs: 10_000,
        now: Date.now,
      };
      try {
        await serveFunctionLog(deps, request, response, gone.signal);
      } catch (error) {
        const { status: code, code: name } = toCloudError(error);
        if (response.headersSent) response.destroy();
        else response.writeHead(code).end(name);
      }
    });
  });
  beforeEach(() => {
    asked = [];
    status = 200;
    hidden = [];
    logs = (write) =>
      write(`${JSON.stringify(line('one'))}\n${JSON.stringify(line('Two\n', 1))}\n`);
  });
  after(async () => {
    await server.close();
    await gateway.close();
  });

  const ask = async ({ method, rawQuery, headers }: ReceivedRequest, accept?: string) => {
    const answer = await send(server.port, `/?${rawQuery}`, {
      method,
      headers: { ...(headers as Record<string, string>), ...(accept ? { accept } : {}) },
    });
    return { ...answer, told: `${answer.status} ${answer.body}` };
  };
  const mine = (query: string) => visitorGet(receiver, `function=alice-hello${query}`, ['alice']);

  it('gives the lines of the last half hour as text, as the original does', async () => {
    const answer = await ask(mine(''));
    expect(answer.told).to.equal('200 one\nTwo\n');
    expect(answer.headers['content-type']).to.equal('text/plain; charset=utf-8');
    const since = Date.parse(asked[0]?.get('since') ?? '');
    expect(Date.now() - since).to.be.within(30 * 60_000, 31 * 60_000);
    expect([asked[0]?.get('tail'), asked[0]?.get('follow')]).to.deep.equal(['-1', 'false']);
  });

  it('gives JSON lines or events to who asks for them', async () => {
    const { name: _, ...first } = line('one');
    const json = await ask(mine(''), 'application/x-ndjson');
    expect(JSON.parse(json.body.split('\n')[0] ?? '')).to.deep.equal(first);
    const events = await ask(mine(''), 'text/event-stream');
    expect(events.headers['content-type']).to.equal('text/event-stream');
    expect(events.body.startsWith(`data: ${JSON.stringify(first)}\n\n`)).to.equal(true);
  });

  it('sends lines on while they come, until the reader leaves', async () => {
    let more: (text: string) => void = () => undefined;
    let left: () => void = () => undefined;
    const end = new Promise<void>((resolve) => {
      left = resolve;
    });
    logs = (write) => {
      more = write;
      return end;
    };
    const { headers } = mine('&follow=1');
    const reading = await begin(server.port, '/?function=alice-hello&follow=1', {
      headers: headers as Record<string, string>,
    });
    expect(reading.statusCode).to.equal(200);
    await eventually(async () => expect(asked[0]?.get('follow')).to.equal('true'));
    for (const text of ['first', 'second']) {
      const read = new Promise((resolve) => reading.once('data', resolve));
      more(`${JSON.stringify(line(text))}\n`);
      expect(String(await read)).to.equal(`${text}\n`);
    }
    reading.destroy();
    left();
  });

  it('filters by text, time, replica and count', async () => {
    expect((await ask(mine('&filter=TWO'))).body).to.equal('Two\n');
    expect((await ask(mine('&until=2030-01-01T00:00:01Z'))).body).to.equal('one\n');
    await ask(mine('&since=2029-12-31T00:00:00Z&tail=5&instance=hello-1'));
    const last = Object.fromEntries(asked.at(-1) ?? []);
    expect(last).to.include({
      since: '2029-12-31T00:00:00.000Z',
      tail: '5',
      instance: 'hello-1',
    });
  });

  it('hides what the repo sealed, also from who filters by it', async () => {
    hidden = [Buffer.from('s3cret-value')];
    const base64 = Buffer.from('bot:s3cret-value').toString('base64');
    logs = (write) => {
      for (const text of ['it is s3cret-value.', `basic ${base64}`, 'nothing']) {
        write(`${JSON.stringify(line(text))}\n`);
      }
    };
    for (const accept of [undefined, 'application/x-ndjson', 'text/event-stream']) {
      const { body } = await ask(mine(''), accept);
      expect(body).to.contain('it is •••.').and.to.contain('nothing');
      expect(body).to.not.contain('s3cret').and.to.not.contain(base64);
    }
    expect((await ask(mine('&filter=s3cret'))).body).to.equal('');
  });

  it('shows nobody what belongs to others, or whether it exists', async () => {
    for (const name of ['bob-hello', 'git-tar', 'no-such']) {
      const other = visitorGet(receiver, `function=${name}`, ['alice']);
      expect((await ask(other)).told).to.equal('404 OFC_NOT_FOUND');
    }
    expect((await ask(get('function=alice-hello'))).told).to.equal('401 OFC_UNAUTHENTICATED');
    expect((await ask(signedGet('echo', 'function=git-tar'))).status).to.equal(401);
    expect((await ask(signedGet(receiver, 'function=git-tar'))).status).to.equal(200);
    expect(asked).to.have.length(1);
  });

  it('knows an owner in any case', async () => {
    const shouting = visitorGet(receiver, 'function=alice-hello', ['ALICE']);
    expect((await ask(shouting)).status).to.equal(200);
  });

  it('refuses what is not a question about a log', async () => {
    const queries = ['since=soon', 'until=soon', 'tail=-1', 'tail=9999999', 'instance=a%2Fb'];
    for (const query of [...queries, `filter=${'x'.repeat(201)}`].map((each) => `&${each}`)) {
      expect((await ask(mine(query))).told, query).to.equal('400 OFC_BAD_REQUEST');
    }
    const odd = visitorGet(receiver, 'function=..%2Fx', ['alice']);
    expect((await ask(odd)).told).to.equal('422 OFC_NAME_INVALID');
    expect((await ask({ ...mine(''), method: 'POST' })).told).to.equal('405 OFC_METHOD');
  });

  it('hands on that the gateway has no log, or none that can be read', async () => {
    status = 500;
    expect((await ask(mine(''))).told).to.equal('502 OFC_UPSTREAM');
    status = 200;
    logs = (write) => write('no json\n');
    expect((await ask(mine(''))).told).to.equal('502 OFC_UPSTREAM');
    logs = () => undefined;
    expect((await ask(mine(''))).told).to.equal('200 ');
  });
});
