import { expect } from 'chai';
import { sendRaw } from '../../helpers/http-client.ts';
import { startTestGateway, type TestGateway } from '../../helpers/test-gateway.ts';

describe('gateway: listener', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway({});
  });
  after(() => gateway.close());

  it('takes headers up to a mebibyte', async () => {
    const ask = (size: number) =>
      sendRaw(
        gateway.port,
        `GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX-Large: ${'x'.repeat(size)}\r\n\r\n`,
      );
    expect(await ask(900 * 1024)).to.match(/^HTTP\/1\.1 200 /);
    expect(await ask(1024 * 1024)).to.match(/^HTTP\/1\.1 431 /);
  });
});
