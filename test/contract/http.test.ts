import { once } from 'node:events';
import { expect } from 'chai';
import { createMetricsServer } from '../../local/metrics/metrics-server.ts';
import { eventually } from '../helpers/eventually.ts';
import { begin, send, sendRaw } from '../helpers/http-client.ts';
import { listen, type TestServer } from '../helpers/listen.ts';
import {
  readSeen,
  type Seen,
  startTestGateway,
  type TestGateway,
} from '../helpers/test-gateway.ts';

/** What HTTP clients of OpenFaaS's gateway rely on, one test per row of the contract's table. */
describe('contract: HTTP', () => {
  const seen: Seen[] = [];
  let gateway: TestGateway;
  let port = 0;
  let nextEvent: () => void = () => undefined;

  before(async () => {
    gateway = await startTestGateway(
      {
        echo: {
          async handle(request, response) {
            seen.push(await readSeen(request));
            response.setHeader('Set-Cookie', ['a=1', 'b=2']);
            response.setHeader('X-Echo', 'yes');
            response.writeHead(Number(request.headers['x-want-status'] ?? 200));
            response.end(seen.at(-1)?.body);
          },
        },
        drop: { handle: (request) => void request.socket.destroy() },
        silent: { handle: () => undefined },
        events: {
          handle(_request, response) {
            response.writeHead(200, { 'Content-Type': 'text/event-stream' });
            response.write('data: 1\n\n');
            nextEvent = () => void response.end('data: 2\n\n');
          },
        },
      },
      {
        timeouts: { upstreamMs: 500, idleMs: 5000 },
        queue: { executionTimeoutMs: 2000, maxAnswerBytes: 200_000 },
      },
    );
    ({ port } = gateway);
    const once = { annotations: { 'com.openfaas.retry.attempts': '1' } };
    await gateway.deploy('f1', 'echo', once);
    for (const name of ['drop', 'silent', 'events']) await gateway.deploy(name, name, once);
  });
  after(() => gateway.close());
  beforeEach(() => {
    seen.length = 0;
  });

  it('1: system routes need credentials', async () => {
    const locked = await startTestGateway({}, { auth: { user: 'u', password: 'p' } });
    try {
      const answer = await send(locked.port, '/system/functions');
      expect(answer.status).to.equal(401);
      expect(answer.headers['www-authenticate']).to.equal('Basic realm="Restricted"');
      expect(answer.body).to.equal('invalid credentials');
    } finally {
      await locked.close();
    }
  });

  it('2: an empty bearer token, where no credentials are needed', async () => {
    const answer = await send(port, '/system/functions', { headers: { authorization: 'Bearer ' } });
    expect(answer.status).to.equal(200);
  });

  it('3: wrong methods and unknown paths', async () => {
    for (const [method, path, status] of [
      ['PATCH', '/system/functions', 405],
      ['OPTIONS', '/system/functions', 405],
      ['HEAD', '/system/functions', 405],
      ['POST', '/healthz', 405],
      ['POST', '/system/info', 405],
      ['GET', '/async-function/f1', 405],
      ['GET', '/nope', 404],
      ['GET', '/system/functions/', 404],
      ['GET', '/system/telemetry', 404],
      ['GET', '/metrics', 404],
      ['GET', '/system/namespace', 404],
    ] as const) {
      expect((await send(port, path, { method })).status, `${method} ${path}`).to.equal(status);
    }
  });

  it('4: the root leads to the start page', async () => {
    const answer = await send(port, '/');
    expect([answer.status, answer.headers.location]).to.deep.equal([307, '/ui/']);
  });

  it('5: all methods, path, query, body; status, headers, cookies', async () => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']) {
      const answer = await send(port, '/function/f1/a/b?q=1', {
        method,
        headers: { 'content-length': 4, 'x-want-status': '201' },
        body: 'body',
      });
      expect(answer.status, method).to.equal(201);
      expect(answer.headers, method).to.include({ 'x-echo': 'yes' });
      expect(answer.headers['set-cookie']).to.deep.equal(['a=1', 'b=2']);
      expect(seen.at(-1)).to.include({ method, url: '/a/b?q=1' });
      expect(String(seen.at(-1)?.body), method).to.equal('body');
    }
  });

  it('6: headers of an answer', async () => {
    const fresh = await send(port, '/function/f1');
    expect(fresh.headers['x-call-id']).to.match(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(fresh.headers['x-start-time']).to.match(/^\d{19}$/);
    expect(fresh.headers['x-served-by']).to.be.a('string');
    const given = await send(port, '/function/f1', { headers: { 'x-call-id': 'mine' } });
    expect(given.headers).not.to.have.property('x-call-id');
  });

  it('7: headers at the function', async () => {
    await send(port, '/function/f1', { headers: { host: 'h.example', te: 'trailers' } });
    expect(seen[0]?.headers).to.include({ 'x-forwarded-host': 'h.example' });
    expect(seen[0]?.headers).to.include.keys('x-call-id', 'x-start-time', 'x-forwarded-for');
    expect(seen[0]?.headers).not.to.have.property('te');
    await send(port, '/function/f1', {
      headers: { 'x-forwarded-host': 'a', 'x-forwarded-for': 'b' },
    });
    expect(seen[1]?.headers).to.include({ 'x-forwarded-host': 'a', 'x-forwarded-for': 'b' });
  });

  it('8: redirects and errors pass; a dropped connection and a timeout are 502', async () => {
    for (const status of [302, 500]) {
      const headers = { 'x-want-status': String(status) };
      expect((await send(port, '/function/f1', { headers })).status).to.equal(status);
    }
    expect((await send(port, '/function/drop')).status).to.equal(502);
    expect((await send(port, '/function/silent')).status).to.equal(502);
  });

  it('9: events arrive one by one', async () => {
    const answer = await begin(port, '/function/events', {
      headers: { accept: 'text/event-stream' },
    });
    expect(String((await once(answer, 'data'))[0])).to.equal('data: 1\n\n');
    nextEvent();
    expect(String((await once(answer, 'data'))[0])).to.equal('data: 2\n\n');
  });

  it('10: a cold function starts once', async () => {
    await gateway.api('POST', '/system/scale-function/f1', { replicas: 0 });
    const before = gateway.provider.starts('f1');
    const answers = await Promise.all([1, 2, 3].map(() => send(port, '/function/f1')));
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 200]);
    expect(gateway.provider.starts('f1')).to.equal(before + 1);
  });

  it('11: an unknown function', async () => {
    const answer = await send(port, '/function/nope');
    expect(answer.status).to.equal(404);
    expect(answer.body).not.to.equal('');
  });

  describe('asynchronous calls', () => {
    let receiver: TestServer;
    const callbacks: Seen[] = [];
    beforeEach(async () => {
      callbacks.length = 0;
      receiver = await listen(async (request, response) => {
        callbacks.push(await readSeen(request));
        response.end();
      });
    });
    afterEach(() => receiver.close());

    const enqueue = (
      path: string,
      headers: Record<string, string> = {},
      body: string | Buffer = 'b',
    ) =>
      send(port, path, {
        method: 'POST',
        headers: { 'x-callback-url': receiver.url, ...headers },
        body,
      });
    const callback = async (): Promise<Seen> =>
      eventually(() => {
        const [first] = callbacks;
        if (first === undefined) throw new Error('no callback yet');
        return first;
      });

    it('12: are accepted, made and reported', async () => {
      const answer = await enqueue('/async-function/f1/p?a=1', {
        'x-mine': '1',
        authorization: 'Bearer t',
      });
      expect([answer.status, answer.body]).to.deep.equal([202, '']);
      expect(answer.headers).to.include.keys('x-call-id', 'x-start-time', 'x-served-by');
      const { headers, body } = await callback();
      expect(seen[0]).to.include({ method: 'POST', url: '/p?a=1' });
      expect(seen[0]?.headers).to.include({
        'x-mine': '1',
        authorization: 'Bearer t',
        'x-callback-url': receiver.url,
        'x-call-id': answer.headers['x-call-id'],
      });
      expect(seen[0]?.rawHeaders.filter((name) => name === 'X-Start-Time')).to.have.length(2);
      expect(headers).to.include({
        'x-call-id': answer.headers['x-call-id'],
        'x-function-name': 'f1',
        'x-function-status': '200',
        'x-echo': 'yes',
      });
      expect(headers['x-duration-seconds']).to.match(/^\d+\.\d{6}$/);
      expect(String(body)).to.equal('b');
    });

    it('12: a bare name reaches the function at its root', async () => {
      await enqueue('/async-function/f1');
      await callback();
      expect(seen[0]?.url).to.equal('/');
    });

    for (const [what, name, status] of [
      ['an unknown function', 'nope', '404'],
      ['a function that drops the connection', 'drop', '502'],
      ['a function that never answers', 'silent', '504'],
    ] as const) {
      it(`13: report ${what}`, async () => {
        expect((await enqueue(`/async-function/${name}`)).status).to.equal(202);
        expect((await callback()).headers['x-function-status']).to.equal(status);
      });
    }

    it('13: report a 500', async () => {
      await enqueue('/async-function/f1', { 'x-want-status': '500' });
      expect((await callback()).headers['x-function-status']).to.equal('500');
    });

    it('report an answer that a callback cannot carry, and the call is not made again', async () => {
      await enqueue('/async-function/f1', {}, Buffer.alloc(200_001));
      const { headers, body } = await callback();
      expect(headers['x-function-status']).to.equal('500');
      expect(String(body)).to.contain('200000 bytes');
      expect(seen).to.have.length(1);
    });

    it('13: are refused with a callback URL that is none', async () => {
      for (const url of [
        '::',
        '/relative',
        'ftp://h/x',
        'javascript:1',
        'http://',
        'file:///etc/passwd',
      ]) {
        expect(
          (await enqueue('/async-function/f1', { 'x-callback-url': url })).status,
          url,
        ).to.equal(400);
      }
    });

    it('13: are refused over 256000 bytes, with and without a length', async () => {
      expect((await enqueue('/async-function/f1', {}, Buffer.alloc(256_000))).status).to.equal(202);
      const large = await enqueue('/async-function/f1', {}, Buffer.alloc(256_001));
      expect(large.status).to.equal(500);
      expect(large.body).to.contain('256000');
      const size = (256_001).toString(16);
      const chunked = await sendRaw(
        port,
        `POST /async-function/f1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n${size}\r\n${'x'.repeat(256_001)}\r\n0\r\n\r\n`,
      );
      expect(chunked).to.match(/^HTTP\/1\.1 500 /);
    });

    it('can go on with a callback to a function of the same gateway', async () => {
      const answer = await send(port, '/async-function/f1/first', {
        method: 'POST',
        headers: { 'x-callback-url': `${gateway.url}/async-function/f1/second?x=1` },
        body: 'hop',
      });
      await eventually(() => expect(seen).to.have.length(2));
      expect(seen[1]).to.include({ method: 'POST', url: '/second?x=1' });
      expect(seen[1]?.headers).to.include({
        'x-call-id': answer.headers['x-call-id'],
        'x-function-name': 'f1',
        'x-function-status': '200',
      });
      expect(String(seen[1]?.body)).to.equal('hop');
    });
  });

  it('14: status and scale', async () => {
    const status = async () =>
      JSON.parse((await send(port, '/system/function/f1?namespace=openfaas-fn')).body);
    expect(await status()).to.include({ name: 'f1', namespace: 'openfaas-fn' });
    const scaled = await gateway.api('POST', '/system/scale-function/f1', { replicas: 2 });
    expect(scaled.status).to.be.within(200, 299);
    await eventually(async () => expect((await status()).replicas).to.equal(2));
  });

  it('15: information', async () => {
    const info = JSON.parse((await send(port, '/system/info')).body);
    for (const part of [info.provider, info.version, info.provider.version]) {
      expect(part).to.be.an('object');
    }
    expect(info.arch).to.be.a('string');
  });

  it('16: metrics on a port of their own', async () => {
    await send(port, '/function/f1');
    const server = await createMetricsServer({ render: gateway.metrics.render });
    try {
      const { body } = await send(Number(new URL(server.url).port), '/metrics');
      const labels = 'function_name="f1.openfaas-fn"';
      expect(body).to.match(
        new RegExp(`gateway_function_invocation_total{${labels},code="200"} \\d`),
      );
      expect(body).to.match(new RegExp(`gateway_function_invocation_started{${labels}} \\d`));
      expect(body).to.contain(`gateway_functions_seconds_bucket{${labels},code="200",le="0.005"}`);
      expect(body).to.contain(`gateway_service_count{${labels}} 2`);
    } finally {
      await server.close();
    }
    const [listed] = JSON.parse((await send(port, '/system/functions')).body).filter(
      ({ name }: { name: string }) => name === 'f1',
    );
    expect(listed.invocationCount).to.be.above(0);
  });

  it('17: logs are sent line by line and end with the client', async () => {
    const logs = await begin(port, '/system/logs?name=f1&follow=true');
    expect(logs.headers['content-type']).to.equal('application/x-ndjson');
    for (const text of ['one', 'two']) {
      gateway.provider.print('f1', text);
      const [line] = await once(logs, 'data');
      expect(String(line)).to.match(/^\{.*\}\n$/);
      expect(JSON.parse(line)).to.include({ name: 'f1', text });
    }
    logs.destroy();
    expect((await send(port, '/system/logs?name=nope')).status).to.equal(404);
    expect((await send(port, '/system/logs')).status).to.equal(400);
    expect((await send(port, '/system/logs?name=f1&since=yesterday')).status).to.equal(400);
  });

  it('18: oversized headers', async () => {
    const large = 'x'.repeat(1024 * 1024 + 1);
    const answer = await sendRaw(
      port,
      `GET /function/f1 HTTP/1.1\r\nHost: h\r\nX-Large: ${large}\r\n\r\n`,
    );
    expect(answer).to.match(/^HTTP\/1\.1 431 /);
  });

  it('19: a large body', async () => {
    const body = Buffer.alloc(20 * 1024 * 1024, 'x');
    // With the usual time-outs: so many bytes can take longer than the other rows may.
    const patient = await startTestGateway({
      echo: { handle: (request, response) => void request.pipe(response) },
    });
    try {
      await patient.deploy('f1', 'echo');
      const answer = await send(patient.port, '/function/f1', { method: 'POST', body });
      expect([answer.status, answer.body.length]).to.deep.equal([200, body.length]);
    } finally {
      await patient.close();
    }
  });

  it('20: no functions', async () => {
    const empty = await startTestGateway({});
    try {
      const answer = await send(empty.port, '/system/functions');
      expect(answer.body).to.equal('[]');
      expect(answer.headers['content-type']).to.match(/^application\/json/);
    } finally {
      await empty.close();
    }
  });
});
