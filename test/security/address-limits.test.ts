import type { ServerResponse } from 'node:http';
import { expect } from 'chai';
import { buildStage, type Stage } from '../functions/of-router/stage.ts';
import { eventually } from '../helpers/eventually.ts';
import { begin, send } from '../helpers/http-client.ts';

const none = { perSecond: 0, concurrency: 0 };
const from = (address: string, host = 'alice.example.com') => ({
  headers: { 'x-forwarded-host': host, 'x-forwarded-for': address },
});

/** CWE-770: what one client may have at a time, whatever it asks for and however it names itself. */
describe('requests of one address at the same time', () => {
  let stage: Stage;
  const waiting: ServerResponse[] = [];
  beforeEach(async () => {
    waiting.length = 0;
    stage = await buildStage({
      config: { limits: { owner: none, address: { perSecond: 0, concurrency: 2 } } },
      answer: (request, response) => {
        if (!request.url?.endsWith('/wait')) return void response.end('hello');
        response.writeHead(200).flushHeaders();
        waiting.push(response);
      },
    });
  });
  afterEach(async () => {
    for (const response of waiting) response.end();
    await stage.close();
  });
  const hold = async (address: string) => {
    const count = waiting.length;
    const message = begin(stage.port, '/hello/wait', from(address));
    await eventually(() => expect(waiting).to.have.length(count + 1));
    return message;
  };

  it('are so many and no more, of an IPv6 network as of one address, and leave others theirs', async () => {
    const held = [await hold('2001:db8:0:1::1'), await hold('2001:db8:0:1:ffff::2')];
    for (const same of ['2001:db8:0:1::3', '2001:0DB8:0:0001::4', '6.6.6.6, 2001:db8:0:1::5']) {
      const refused = await send(stage.port, '/hello', from(same));
      expect(refused.status, same).to.equal(429);
      expect(refused.headers['retry-after'], same).to.equal('1');
    }
    for (const path of ['/none', '/hello/../x', '/auth/login']) {
      const { status } = await send(
        stage.port,
        path,
        from('2001:db8:0:1::3', 'system.example.com'),
      );
      expect(status, path).to.equal(429);
    }
    for (const other of ['2001:db8:0:2::1', '192.0.2.1', '::ffff:192.0.2.2']) {
      expect((await send(stage.port, '/hello', from(other))).status, other).to.equal(200);
    }
    for (const response of waiting.splice(0)) response.end();
    for (const message of held) message.resume();
    await eventually(async () =>
      expect((await send(stage.port, '/hello', from('2001:db8:0:1::1'))).status).to.equal(200),
    );
  });

  it('give their places back, however they end', async () => {
    const ends = ['/hello', '/none', '/hello/../x', `/${'a'.repeat(9000)}`, '/hello?x'];
    for (let round = 0; round < 3; round++) {
      for (const path of ends) {
        const { status } = await send(stage.port, path, from('192.0.2.1'));
        expect(status, path).to.not.equal(429);
      }
    }
    // Also when the visitor leaves before the answer.
    for (let i = 0; i < 3; i++) {
      const gone = await hold('192.0.2.1');
      gone.destroy();
      await eventually(() => expect(waiting.at(-1)?.destroyed).to.equal(true));
    }
    await eventually(async () =>
      expect((await send(stage.port, '/hello', from('192.0.2.1'))).status).to.equal(200),
    );
  });
});
