import type { RequestListener } from 'node:http';
import { expect } from 'chai';
import { createHttp1Client } from '#shared/http1/http1-client.ts';
import { Http1Error } from '#shared/http1/http1-error.ts';
import { requestText } from '#shared/http1/request-text.ts';
import { listen } from '../../helpers/listen.ts';

describe('requestText', () => {
  /** The answer to `GET /x`, or why there is none. */
  async function ask(listener: RequestListener, path = '/x') {
    const { port, close } = await listen(listener);
    const client = createHttp1Client({ origin: new URL(`http://127.0.0.1:${port}`) });
    try {
      const request = { method: 'GET', path, headers: ['a', 'b'], timeoutMs: 300 };
      return await requestText(client, request, 100);
    } catch (error) {
      return error instanceof Http1Error ? error.failure : error;
    } finally {
      client.close();
      await close();
    }
  }

  it('reads an answer whole, as UTF-8, whatever its pieces', async () => {
    const answer = await ask((request, response) => {
      expect(request.headers).to.include({ a: 'b' });
      const bytes = Buffer.from('grüße');
      response.writeHead(418).write(bytes.subarray(0, 3));
      setImmediate(() => response.end(bytes.subarray(3)));
    });
    expect(answer).to.deep.equal({ status: 418, text: 'grüße' });
  });

  it('takes an answer of the longest length, and no longer one', async () => {
    const long = (length: number) => ask((_, response) => response.end('x'.repeat(length)));
    expect(await long(100)).to.include({ status: 200 });
    expect(await long(101)).to.equal('protocol');
  });

  it('takes no answer that drips for longer than the time limit', async () => {
    const answer = await ask((_, response) => {
      const drip = setInterval(() => response.write('x'), 50);
      response.on('close', () => clearInterval(drip));
    });
    expect(answer).to.equal('timeout');
  });

  it('says if an answer breaks off, or the request cannot be sent', async () => {
    expect(await ask((_, response) => void response.write('x', () => response.destroy()))).to.equal(
      'lost',
    );
    expect(await ask((_, response) => response.end(), '/a b')).to.equal('protocol');
  });
});
