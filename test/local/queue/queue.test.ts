import { expect } from 'chai';
import { createLogger } from '#shared/log.ts';
import { headerValue } from '../../../local/http/raw-headers.ts';
import type { FunctionAnswer, Message } from '../../../local/queue/message.ts';
import { createQueue, type Queue } from '../../../local/queue/queue.ts';
import { defaultRetryPolicy } from '../../../local/queue/retry-policy.ts';
import { eventually } from '../../helpers/eventually.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';
import { tempDir } from '../../helpers/temp-dir.ts';
import { readSeen, type Seen } from '../../helpers/test-gateway.ts';

const log = createLogger({}, () => undefined);

function message(name: string, more: Partial<Message> = {}): Message {
  return {
    function: name,
    path: '/',
    headers: ['X-A', 'b'],
    body: Buffer.from('body'),
    callId: 'c',
    ...more,
  };
}

function answer(status: number, headers: string[] = [], body = ''): FunctionAnswer {
  return { status, headers, body: Buffer.from(body) };
}

describe('queue', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let queue: Queue | undefined;
  let calls: Message[];
  const fastRetries = { ...defaultRetryPolicy, minWaitMs: 5, maxWaitMs: 20 };

  const open = async (
    invoke: (call: Message, signal: AbortSignal) => Promise<FunctionAnswer> | FunctionAnswer,
    more: Partial<Parameters<typeof createQueue>[0]> = {},
  ): Promise<Queue> => {
    queue = await createQueue({
      folder: dir.path,
      log,
      retryPolicy: () => fastRetries,
      ...more,
      async invoke(call, signal) {
        calls.push(call);
        return invoke(call, signal);
      },
    });
    return queue;
  };
  const names = () => calls.map((call) => call.function);

  beforeEach(async () => {
    dir = await tempDir();
    calls = [];
  });
  afterEach(async () => {
    await queue?.close(0);
    queue = undefined;
    await dir.remove();
  });

  it('delivers a message as it was put in', async () => {
    const queue = await open(() => answer(200));
    queue.start();
    const given = message('f', { path: '/a%2Fb?q=1', body: Buffer.from([0, 255]) });
    await queue.enqueue(given);
    await eventually(() => expect(calls).to.deep.equal([given]));
    await eventually(() =>
      expect(queue.stats()).to.deep.equal({ depth: 0, running: 0, dead: 0, oldestMs: null }),
    );
  });

  it('keeps what it took until it is started, and over a restart', async () => {
    const first = await open(() => answer(200));
    await first.enqueue(message('f1'));
    await first.enqueue(message('f2'));
    expect(first.stats().depth).to.equal(2);
    await first.close();
    const second = await open(() => answer(200));
    second.start();
    await eventually(() => expect(names()).to.deep.equal(['f1', 'f2']));
  });

  it('delivers again what was cut off by closing', async () => {
    const first = await open(
      (_call, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    );
    first.start();
    await first.enqueue(message('f'));
    await eventually(() => expect(first.stats().running).to.equal(1));
    await first.close(0);
    const second = await open(() => answer(200));
    second.start();
    await eventually(() => expect(names()).to.deep.equal(['f', 'f']));
    await eventually(() => expect(second.stats().depth + second.stats().running).to.equal(0));
  });

  it('waits for what runs when it closes, and takes nothing more', async () => {
    let finish: (value: FunctionAnswer) => void = () => undefined;
    const first = await open(
      () =>
        new Promise<FunctionAnswer>((resolve) => {
          finish = resolve;
        }),
    );
    first.start();
    await first.enqueue(message('f'));
    await eventually(() => expect(calls).to.have.length(1));
    const closed = first.close();
    expect(await first.enqueue(message('g')).catch((error) => error.code)).to.equal('OFC_BUSY');
    finish(answer(200));
    await closed;
    const second = await open(() => answer(200));
    expect(second.stats().depth).to.equal(0);
    second.start();
    await second.enqueue(message('h'));
    await eventually(() => expect(names()).to.deep.equal(['f', 'h']));
  });

  it('tries again on the codes of the policy, then gives up into the dead letters', async () => {
    const queue = await open(() => answer(503, ['Content-Type', 'text/plain'], 'busy'));
    queue.start();
    await queue.enqueue(message('f', { callId: 'call-1' }));
    await eventually(() => expect(queue.stats().dead).to.equal(1));
    expect(calls).to.have.length(3);
    const [letter] = queue.deadLetters.list();
    expect(letter).to.include({
      kind: 'invoke',
      function: 'f',
      callId: 'call-1',
      attempts: 3,
      reason: 'status 503 after 3 attempts',
    });
    expect(queue.stats()).to.deep.equal({ depth: 0, running: 0, dead: 1, oldestMs: null });
  });

  it('stops trying once it went well', async () => {
    const queue = await open(() => answer(calls.length < 2 ? 502 : 200));
    queue.start();
    await queue.enqueue(message('f'));
    await eventually(() =>
      expect(queue.stats()).to.deep.equal({ depth: 0, running: 0, dead: 0, oldestMs: null }),
    );
    expect(calls).to.have.length(2);
  });

  it("takes a function's other errors for its answer", async () => {
    for (const status of [400, 404, 500]) {
      calls = [];
      const queue = await open(() => answer(status));
      queue.start();
      await queue.enqueue(message('f'));
      await eventually(() => expect(queue.stats().running).to.equal(0));
      expect(calls, String(status)).to.have.length(1);
      expect(queue.stats().dead).to.equal(0);
      await queue.close();
    }
  });

  it('remembers over a restart how often it has tried', async () => {
    const slow = { ...fastRetries, attempts: 2, minWaitMs: 300, maxWaitMs: 300 };
    const first = await open(() => answer(503), { retryPolicy: () => slow });
    first.start();
    await first.enqueue(message('f'));
    await eventually(() => expect(first.stats()).to.include({ depth: 1, running: 0 }));
    await first.close();
    const second = await open(() => answer(503), { retryPolicy: () => slow });
    second.start();
    expect(second.stats()).to.include({ depth: 1, running: 0 });
    await eventually(() => expect(second.stats().dead).to.equal(1));
    expect(calls).to.have.length(2);
  });

  it('waits as long as Retry-After says', async () => {
    const queue = await open(() => answer(429, ['Retry-After', '1']), {
      retryPolicy: () => ({ ...fastRetries, attempts: 2, maxWaitMs: 400 }),
    });
    queue.start();
    const start = performance.now();
    await queue.enqueue(message('f'));
    await eventually(() => expect(queue.stats().dead).to.equal(1));
    expect(performance.now() - start).to.be.within(390, 5000);
  });

  it('gives up a try that takes too long', async () => {
    const queue = await open(
      (_call, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
      { executionTimeoutMs: 20, retryPolicy: () => ({ ...fastRetries, attempts: 2 }) },
    );
    queue.start();
    await queue.enqueue(message('f'));
    await eventually(() => expect(queue.stats().dead).to.equal(1));
    expect(queue.deadLetters.list()[0]?.reason).to.equal('status 504 after 2 attempts');
  });

  it('redrives and discards dead letters', async () => {
    let status = 503;
    const queue = await open(() => answer(status), {
      retryPolicy: () => ({ ...fastRetries, attempts: 1 }),
    });
    queue.start();
    await queue.enqueue(message('f1'));
    await queue.enqueue(message('f2'));
    await eventually(() => expect(queue.stats().dead).to.equal(2));
    const [first, second] = queue.deadLetters.list();
    status = 200;
    await queue.deadLetters.redrive(first?.id ?? '');
    await queue.deadLetters.discard(second?.id ?? '');
    await eventually(() =>
      expect(queue.stats()).to.deep.equal({ depth: 0, running: 0, dead: 0, oldestMs: null }),
    );
    expect(calls).to.have.length(3);
    for (const change of ['redrive', 'discard'] as const) {
      const code = await queue.deadLetters[change]('nope').catch((error) => error.code);
      expect(code).to.equal('OFC_NOT_FOUND');
    }
  });

  it('keeps to its concurrency, for all and for one function', async () => {
    let running = 0;
    let most = 0;
    const mostOf: Record<string, number> = {};
    const now: Record<string, number> = {};
    const queue = await open(
      async ({ function: name }) => {
        most = Math.max(most, ++running);
        now[name] = (now[name] ?? 0) + 1;
        mostOf[name] = Math.max(mostOf[name] ?? 0, now[name]);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        now[name]--;
        return answer(200);
      },
      { concurrency: { total: 3, perFunction: 2 } },
    );
    queue.start();
    await Promise.all(
      Array.from({ length: 40 }, (_, index) => queue.enqueue(message(`f${index % 2}`))),
    );
    await eventually(() => expect(queue.stats()).to.include({ depth: 0, running: 0 }));
    expect(calls).to.have.length(40);
    expect(most).to.equal(3);
    expect(Math.max(...Object.values(mostOf))).to.equal(2);
  });

  describe('callbacks', () => {
    let server: TestServer;
    let seen: Seen[];
    let reply: number;
    beforeEach(async () => {
      seen = [];
      reply = 202;
      server = await listen(async (request, response) => {
        seen.push(await readSeen(request));
        response.writeHead(reply).end();
      });
    });
    afterEach(() => server.close());

    it("post the function's answer", async () => {
      const queue = await open(() =>
        answer(
          201,
          [
            'Content-Type',
            'a/b',
            'Set-Cookie',
            'a=1',
            'Set-Cookie',
            'b=2',
            'X-Duration-Seconds',
            '9',
            'Content-Length',
            '99',
          ],
          'result',
        ),
      );
      queue.start();
      await queue.enqueue(
        message('f.openfaas-fn', { callId: 'c7', callbackUrl: `${server.url}/done?x=1` }),
      );
      await eventually(() => expect(seen).to.have.length(1));
      const [callback] = seen;
      expect(callback).to.include({ method: 'POST', url: '/done?x=1' });
      expect(String(callback?.body)).to.equal('result');
      expect(callback?.headers).to.include({
        'content-type': 'a/b',
        'content-length': '6',
        'x-call-id': 'c7',
        'x-function-name': 'f.openfaas-fn',
        'x-function-status': '201',
      });
      expect(callback?.headers['x-duration-seconds']).to.match(/^0\.\d{6}$/);
      expect(callback?.rawHeaders.filter((name) => name === 'Set-Cookie')).to.have.length(2);
    });

    it('come after the last try only', async () => {
      const queue = await open(() => answer(calls.length < 3 ? 502 : 200));
      queue.start();
      await queue.enqueue(message('f', { callbackUrl: server.url }));
      await eventually(() => expect(seen).to.have.length(1));
      expect(seen[0]?.headers['x-function-status']).to.equal('200');
    });

    it('tell of a call that was given up', async () => {
      const queue = await open(() => answer(502));
      queue.start();
      await queue.enqueue(message('f', { callbackUrl: server.url }));
      await eventually(() => expect(seen).to.have.length(1));
      expect(seen[0]?.headers['x-function-status']).to.equal('502');
      await eventually(() => expect(queue.stats().dead).to.equal(1));
    });

    it('are tried again and then kept, without a second call of the function', async () => {
      reply = 503;
      const queue = await open(() => answer(200));
      queue.start();
      await queue.enqueue(message('f', { callbackUrl: server.url }));
      await eventually(() => expect(queue.stats().dead).to.equal(1));
      expect(seen).to.have.length(3);
      expect(calls).to.have.length(1);
      expect(queue.deadLetters.list()[0]).to.include({ kind: 'callback', function: 'f' });
    });

    it('do not follow redirects', async () => {
      reply = 307;
      const queue = await open(() => answer(200));
      queue.start();
      await queue.enqueue(message('f', { callbackUrl: server.url }));
      await eventually(() => expect(queue.stats()).to.include({ depth: 0, running: 0 }));
      expect(seen).to.have.length(1);
    });

    it('to this gateway go to the function straight away', async () => {
      const queue = await open(
        ({ function: name }) =>
          answer(200, ['X-From', name, 'X-Callback-Url', 'http://evil/'], name),
        {
          isLocal: ({ host }) => host === 'gw:8080',
        },
      );
      queue.start();
      await queue.enqueue(
        message('f1', { callId: 'c9', callbackUrl: 'http://gw:8080/async-function/f2/p%2F?q=1' }),
      );
      await queue.enqueue(message('f3', { callbackUrl: 'http://gw:8080/function/f4' }));
      await eventually(() => expect(calls).to.have.length(4));
      const next = calls.find((call) => call.function === 'f2');
      expect(next).to.include({ path: '/p%2F?q=1', callId: 'c9' });
      expect(next).not.to.have.property('callbackUrl');
      expect(String(next?.body)).to.equal('f1');
      expect(headerValue(next?.headers ?? [], 'x-function-name')).to.equal('f1');
      expect(headerValue(next?.headers ?? [], 'x-callback-url')).to.equal(undefined);
      expect(names()).to.include('f4');
      expect(seen).to.deep.equal([]);
    });
  });
});
