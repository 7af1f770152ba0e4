import { expect } from 'chai';
import type { DeploymentRef } from '#shared/pipeline/deployment.ts';
import { slackText } from '../../functions/audit-event/post-to-slack.ts';
import { takeEvent } from '../../functions/audit-event/take-event.ts';
import { expectCode } from '../helpers/expect-code.ts';
import { listen, type TestServer } from '../helpers/listen.ts';
import { createMemoryObjectStore } from '../helpers/memory-object-store.ts';
import { testPush } from '../helpers/pipeline-fixtures.ts';
import { signedMessage, testSigner } from '../helpers/signed-request.ts';

const event = { source: 'github-push', message: 'Accepted', owner: 'alice', repo: 'hello' };

describe('audit-event', () => {
  let slack: TestServer | undefined;
  afterEach(async () => {
    await slack?.close();
    slack = undefined;
  });

  function setUp(slackUrl = '', slackTimeoutMs = 1000) {
    const store = createMemoryObjectStore();
    const warnings: string[] = [];
    const log = {
      warn: (message: string, fields?: object) => {
        warnings.push(`${message} ${JSON.stringify(fields)}`);
      },
    };
    const told: string[] = [];
    const deps = {
      signer: testSigner,
      store,
      slackUrl,
      slackTimeoutMs,
      notify: async ({ owner, repo, id }: DeploymentRef) => {
        told.push(`${owner}/${repo} ${id}`);
      },
      deliverDue: async () => told.push('due'),
    };
    return {
      store,
      warnings,
      told,
      take: (request = signedMessage('audit-event', event)) => takeEvent(deps, request, log),
    };
  }

  it('adds to the trail of the day', async () => {
    const { store, take } = setUp();
    await take();
    const [[key, value] = ['', Buffer.alloc(0)]] = [...store.objects];
    expect(key).to.match(/^audit\/\d{4}-\d\d-\d\d\/\d{6}-[0-9a-f]{16}-alice\.json$/);
    const entry = JSON.parse(value.toString());
    expect(entry).to.include(event);
    expect(key).to.contain(`audit/${entry.time.slice(0, 10)}/`);
  });

  it('has one entry for a message that comes twice, and one for each of two messages', async () => {
    const { store, take } = setUp();
    const request = signedMessage('audit-event', event);
    await take(request);
    await take(request);
    expect(store.objects.size).to.equal(1);
    await take(signedMessage('audit-event', { ...event, message: 'Another' }));
    expect(store.objects.size).to.equal(2);
  });

  it('takes nothing that the platform did not sign', async () => {
    const { store, take } = setUp();
    await expectCode(
      take({ ...signedMessage('audit-event', event), headers: {} }),
      'OFC_UNAUTHENTICATED',
    );
    await expectCode(take(signedMessage('echo', event)), 'OFC_UNAUTHENTICATED');
    await expectCode(take({ ...signedMessage('audit-event', event), method: 'GET' }), 'OFC_METHOD');
    await expectCode(take(signedMessage('audit-event', { source: 'x' })), 'OFC_BAD_REQUEST');
    expect(store.objects.size).to.equal(0);
  });

  it('tells owners of the ends of deployments, and of nothing else, each time it is asked', async () => {
    const { told, take } = setUp();
    const { id } = testPush();
    await take(signedMessage('audit-event', { ...event, deployment: id }));
    await take(signedMessage('audit-event', { ...event, source: 'buildshiprun' }));
    await take(
      signedMessage('audit-event', { ...event, source: 'buildshiprun', deployment: '../x' }),
    );
    expect(told).to.deep.equal([]);
    const verdict = { ...event, source: 'buildshiprun', deployment: id };
    const request = signedMessage('audit-event', verdict);
    await take(request);
    await take(request);
    expect(told).to.deep.equal([`alice/hello ${id}`, `alice/hello ${id}`]);
  });

  it('delivers what is due when a signed message says so', async () => {
    const { told, store, take } = setUp();
    await take(signedMessage('audit-event', { do: 'deliver' }));
    expect(told).to.deep.equal(['due']);
    expect(store.objects.size).to.equal(0);
  });

  it("tells Slack in the original's words", async () => {
    const told: unknown[] = [];
    slack = await listen(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      told.push(JSON.parse(body));
      response.end('ok');
    });
    const { take } = setUp(slack.url);
    await take();
    expect(told).to.deep.equal([{ text: "[github-push] alice/hello: 'Accepted'" }]);
  });

  it('lets nobody write markup into Slack', () => {
    const text = slackText({ source: 'x', message: '<!channel> & <https://evil.example|click>' });
    expect(text).to.equal("[x] /: '&lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;'");
  });

  it('does not fail with Slack, and keeps its address secret', async () => {
    slack = await listen((_, response) => response.writeHead(500).end());
    const refused = setUp(`${slack.url}/services/T0/B0/token`);
    await refused.take();
    expect(refused.store.objects.size).to.equal(1);
    expect(refused.warnings).to.deep.equal(['Slack was not told. {"error":"Slack answered 500."}']);

    const unreachable = setUp('http://127.0.0.1:1/services/T0/B0/token');
    await unreachable.take();
    expect(unreachable.warnings).to.deep.equal([
      'Slack was not told. {"error":"Slack did not answer."}',
    ]);
  });

  it('does not wait for a Slack that hangs', async () => {
    slack = await listen(() => undefined);
    const { take, warnings } = setUp(slack.url, 50);
    await take();
    expect(warnings).to.have.length(1);
  });
});
