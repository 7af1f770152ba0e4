import { fork } from 'node:child_process';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { expect } from 'chai';
import { listen, type TestServer } from '../../helpers/listen.ts';
import { root } from '../../helpers/source-files.ts';
import { sendJson } from './stage.ts';

const mebibyte = Buffer.alloc(1024 * 1024, 'x');
const count = 1024;

describe('of-router in a process of its own', () => {
  let gateway: TestServer;
  before(async () => {
    gateway = await listen((request, response) => {
      const labels = {
        'com.openfaas.cloud.git-cloud': '1',
        'com.openfaas.cloud.git-owner': 'alice',
      };
      if (request.url === '/system/functions') {
        return sendJson(response, [{ name: 'alice-echo', labels }]);
      }
      if (request.url?.startsWith('/function/of-auth/')) {
        return sendJson(response, { allow: true, cacheSeconds: 60 });
      }
      request.pipe(response);
    });
  });
  after(() => gateway.close());

  it('carries 1 GiB there and back in constant memory', async function () {
    this.timeout(180_000);
    const router = fork(join(root, 'test/soak/router-process.ts'), [gateway.url], {
      execArgv: ['--import', 'tsx', '--expose-gc'],
    });
    const [{ port }] = (await once(router, 'message')) as [{ port: number }];
    const residentMiB = async (): Promise<number> => {
      router.send('memory');
      const [{ rss }] = (await once(router, 'message')) as [{ rss: number }];
      return rss / mebibyte.length;
    };
    /** Sends `pieces` MiB, chunked, and counts what comes back. */
    const echo = async (pieces: number, onPiece: (done: number) => void): Promise<number> => {
      const outgoing = httpRequest({
        ...{ host: '127.0.0.1', port, path: '/echo', method: 'POST' },
        headers: { 'x-forwarded-host': 'alice.example.com' },
      });
      const write = async (): Promise<void> => {
        for (let i = 0; i < pieces; i++) {
          if (!outgoing.write(mebibyte)) await once(outgoing, 'drain');
          onPiece(i + 1);
        }
        outgoing.end();
      };
      const writing = write();
      const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
      let size = 0;
      for await (const chunk of answer) size += (chunk as Buffer).length;
      await writing;
      return size;
    };
    try {
      // The first of it grows pools and code, which then stay.
      expect(await echo(64, () => undefined)).to.equal(64 * mebibyte.length);
      const before = await residentMiB();
      const seen: Promise<number>[] = [];
      const size = await echo(count, (done) => {
        if (done % 128 === 0) seen.push(residentMiB());
      });
      expect(size).to.equal(count * mebibyte.length);
      const peak = Math.max(...(await Promise.all(seen)));
      expect(seen).to.have.length(8);
      expect(peak - before).to.be.lessThan(64);
    } finally {
      router.disconnect();
    }
  });
});
