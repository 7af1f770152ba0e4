import type { RequestListener } from 'node:http';
import { expect } from 'chai';
import { awaitPage } from '../../../local/platform/await-page.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { listen } from '../../helpers/listen.ts';

describe('the wait for the platform’s page', () => {
  const withServer = async (answer: RequestListener, use: (port: number) => Promise<void>) => {
    const { port, close } = await listen(answer);
    try {
      await use(port);
    } finally {
      await close();
    }
  };
  const never = new AbortController().signal;

  it('asks as a visitor of the system’s domain does', async () => {
    let host: string | undefined;
    await withServer(
      (request, response) => {
        host = request.headers.host;
        response.end('a page');
      },
      async (port) => {
        await awaitPage(port, never);
        expect(host).to.equal(`system.localhost:${port}`);
      },
    );
  });

  it('says that the page answers with an error', async () => {
    await withServer(
      (_request, response) => void response.writeHead(502).end(),
      async (port) => {
        const error = await expectCode(awaitPage(port, never), 'OFC_UPSTREAM');
        expect(error.text).to.contain('answers 502').and.to.contain('log');
      },
    );
  });

  it('asks again when of-auth was not there yet, but not for ever', async () => {
    let asked = 0;
    let busy = 2;
    const answer: RequestListener = (_request, response) => {
      asked += 1;
      response.writeHead(asked > busy ? 200 : 503).end();
    };
    await withServer(answer, async (port) => {
      await awaitPage(port, never);
      expect(asked).to.equal(3);
      busy = Number.POSITIVE_INFINITY;
      const error = await expectCode(awaitPage(port, never, 1), 'OFC_UPSTREAM');
      expect(error.text).to.contain('answers 503');
    });
  });

  it('ends with the start', async () => {
    const stop = new AbortController();
    await withServer(
      () => stop.abort(new Error('stopped')),
      async (port) => {
        const failure = await awaitPage(port, stop.signal).catch((error: unknown) => error);
        expect(failure).to.have.property('message', 'stopped');
      },
    );
  });
});
