import { expect } from 'chai';
import { Webhook } from 'standardwebhooks';
import { answering, deploymentsOn, stackFile } from '../helpers/deployments.ts';
import { eventually } from '../helpers/eventually.ts';
import { listen, type TestServer } from '../helpers/listen.ts';
import type { PlatformProcess } from '../helpers/platform-process.ts';
import { sharedPlatform } from '../helpers/shared-platform.ts';
import { TestBrowser } from '../helpers/test-browser.ts';

interface Received {
  readonly headers: Record<string, string>;
  readonly body: string;
}

describe('notifications of an owner', function () {
  this.timeout(240_000);
  let platform: PlatformProcess;
  let receiver: TestServer;
  let browser: TestBrowser;
  const received: Received[] = [];
  const on = deploymentsOn(() => platform);
  const api = (name: string) =>
    `http://system.localhost:${platform.port}/dashboard/api/${name}?owner=alice`;

  before(async () => {
    platform = await sharedPlatform();
    receiver = await listen((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const headers = request.headers as Record<string, string>;
        received.push({ headers, body: Buffer.concat(chunks).toString() });
        // The first try fails: it can be sent again.
        response.writeHead(received.length === 1 ? 503 : 204).end();
      });
    });
    browser = new TestBrowser(platform.port);
    await browser.signIn(`http://system.localhost:${platform.port}/dashboard/`, 'alice');
  });
  after(() => receiver?.close());

  it('tell a signed webhook how a push ended, and show what was sent', async () => {
    const added = await browser.postJson(api('add-destination'), {
      owner: 'alice',
      kind: 'webhook',
      events: 'all',
      url: `${receiver.url}/hook`,
    });
    expect(added.status, added.text).to.equal(200);
    const { destination, secret } = JSON.parse(added.text);
    const repo = await on.repo('alice', 'notified');
    const sha = await on.push(repo, {
      'stack.yml': stackFile('notified'),
      'notified/handler.ts': answering('1'),
    });
    await on.completed('alice', 'notified', sha);
    await repo.remove();
    await eventually(() => expect(received).to.have.length.above(0), { timeoutMs: 30_000 });
    const shown = await eventually(
      async () => {
        const { notices } = JSON.parse((await browser.get(api('notifications'))).text);
        expect(notices).to.have.length(1);
        expect(notices[0].tries).to.equal(1);
        return notices[0];
      },
      { timeoutMs: 30_000 },
    );
    expect(shown).to.include({ destination: destination.id, state: 'waiting' });
    const again = await browser.postJson(api('redeliver'), { owner: 'alice', id: shown.id });
    expect(again.status, again.text).to.equal(200);
    await eventually(() => expect(received).to.have.length(2), { timeoutMs: 30_000 });
    const gone = { owner: 'alice', id: destination.id };
    expect((await browser.postJson(api('remove-destination'), gone)).status).to.equal(200);
    for (const { headers, body } of received) {
      const message = new Webhook(secret).verify(body, headers) as { data: object };
      expect(JSON.stringify(message)).to.contain('notified').and.to.contain(sha);
    }
    expect(() =>
      new Webhook('d3Jvbmc=').verify(received[0]?.body ?? '', received[0]?.headers ?? {}),
    ).to.throw();
  });
});
