import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ReceivedRequest } from '#shared/messages/receive.ts';
import type { PushMessage } from '#shared/pipeline/messages.ts';
import { createGiteaWebhooks } from '#shared/scm/gitea/webhooks.ts';
import { createGitlabClient } from '#shared/scm/gitlab/gitlab-client.ts';
import { createGitlabWebhooks } from '#shared/scm/gitlab/webhooks.ts';
import { receiveWebhook } from '#shared/webhooks/receive-webhook.ts';
import { callHandler } from '../../helpers/call-handler.ts';
import { createReceiving } from '../../helpers/github-receiving.ts';
import { webhookSecret } from '../../helpers/github-webhook.ts';
import { startGitlab, type TestGitlab } from '../../helpers/gitlab-server.ts';
import { signingToken } from '../../helpers/gitlab-webhook.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';
import { root } from '../../helpers/source-files.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

interface Example {
  readonly name: string;
  readonly examples: readonly Record<string, unknown>[];
}
const examples = createRequire(import.meta.url)('@octokit/webhooks-examples') as Example[];
const examplesOf = (name: string) => examples.find((event) => event.name === name)?.examples ?? [];

describe('npm run replay', () => {
  let folder: Awaited<ReturnType<typeof tempDir>>;
  let platform: TestServer;
  let gitlab: TestGitlab;
  let deps: ReturnType<typeof createReceiving>;

  beforeEach(async () => {
    folder = await tempDir();
    gitlab = await startGitlab();
    await writeFile(join(folder.path, 'secret'), `${webhookSecret}\n`);
    await writeFile(join(folder.path, 'signing'), `${signingToken}\n`);
    deps = createReceiving();
    const rules = { instance: gitlab.url, topic: 'openfaas-cloud' };
    const client = createGitlabClient(gitlab.url, gitlab.token);
    const more = [
      createGitlabWebhooks({ scm: 'gitlab', secrets: { tokens: [webhookSecret] }, rules, client }),
      createGitlabWebhooks({
        scm: 'gitlab-work',
        secrets: { signing: [signingToken] },
        rules,
        client,
      }),
      createGiteaWebhooks({
        scm: 'gitea',
        secrets: { current: webhookSecret },
        url: 'http://localhost:3000',
      }),
    ];
    platform = await listen(async (request, response) => {
      const kind = /^\/(github|gitlab|gitea)-event$/.exec(request.url ?? '')?.[1] ?? '';
      const scms = [...deps.scms, ...more].filter(({ scm }) => scm.startsWith(kind));
      const { status, body } = await callHandler(async (event, context) => {
        const answer = await receiveWebhook({ ...deps, scms }, event as ReceivedRequest);
        return context.status(answer.status).succeed(answer.body);
      }, request);
      response.writeHead(status).end(body);
    });
  });
  afterEach(async () => {
    await platform.close();
    await gitlab.close();
    await folder.remove();
  });

  const replay = (...args: string[]) =>
    new Promise<{ code: number; output: string }>((resolve) => {
      const all = [join(root, 'local/replay.mjs'), ...args];
      execFile(process.execPath, all, { cwd: folder.path }, (error, stdout, stderr) => {
        resolve({ code: Number(error?.code ?? 0), output: stdout + stderr });
      });
    });
  const send = async (payload: unknown, ...args: string[]) => {
    await writeFile(join(folder.path, 'payload.json'), JSON.stringify(payload));
    return replay('payload.json', '--to', platform.url, '--secret-file', 'secret', ...args);
  };
  const pushes = () => deps.messages.of('pushed') as PushMessage[];

  it('sends a push of GitHub, as GitHub documents it', async () => {
    const [example] = examplesOf('push').filter(({ ref }) => /heads/.test(String(ref)));
    const { code, output } = await send(example);
    expect(code, output).to.equal(0);
    expect(output).to.match(/^202 .*accepted/m);
    expect(pushes()).to.have.length(1);
  });

  it('gives a delivery again, which then starts nothing twice', async () => {
    const payload = JSON.parse(
      await readFile(join(root, 'test/fixtures/github/go-fns.json'), 'utf8'),
    );
    const id = '72d3162e-cc78-11e3-81ab-4c9367dc0958';
    const first = await send(payload, '--delivery', id);
    expect(first.output).to.contain('"accepted"');
    const [push] = pushes();
    if (push === undefined) throw new Error('nothing was sent');
    await deps.records.begin(push);
    expect((await send(payload, '--delivery', id)).output).to.contain('already received');
    expect(pushes()).to.have.length(1);
  });

  it('sends what GitLab sends, with a token or signed', async () => {
    const project = await gitlab.add('mike/diaspora');
    const push = await gitlab.push(project, { 'a.txt': 'a' });
    const { code, output } = await send(push);
    expect(code, output).to.equal(0);
    const signed = await send(
      await gitlab.push(project, { 'a.txt': 'b' }),
      '--signing-file',
      'signing',
    );
    expect(signed.code, signed.output).to.equal(1);
    // The name is the first one's, so the second is refused only after its signature held.
    expect(signed.output).to.contain('422').and.to.contain('belongs to another account');
    expect(pushes().map(({ scm, owner }) => `${scm} ${owner}`)).to.deep.equal(['gitlab mike']);
  });

  it('sends what Gitea sends', async () => {
    const payload = JSON.parse(await readFile(join(root, 'test/fixtures/gitea/push.json'), 'utf8'));
    const { code, output } = await send(payload);
    expect(code, output).to.equal(0);
    expect(pushes()[0]).to.include({
      scm: 'gitea',
      owner: 'gitea',
      ownerId: 1,
      repo: 'webhooks',
      branch: 'develop',
      pusher: 'gitea',
      cloneUrl: 'http://localhost:3000/gitea/webhooks.git',
    });
  });

  it('tells the SCM and the event by the payload', async () => {
    for (const [file, said] of Object.entries({
      'gitlab/system-project-rename': 'project_rename of gitlab',
      'gitlab/issue': 'issue of gitlab',
      'gitea/repository-deleted': 'repository of gitea',
    })) {
      const path = join(root, `test/fixtures/${file}.json`);
      expect((await replay(path, '--dry-run')).output).to.match(
        new RegExp(`^would send ${said} to`),
      );
    }
  });

  it('says what went wrong, and with which end', async () => {
    await writeFile(join(folder.path, 'secret'), 'another');
    const refused = await send({ zen: 'x' });
    expect([refused.code, refused.output]).to.deep.equal([1, refused.output]);
    expect(refused.output).to.contain('401').and.to.not.contain('another');
    for (const args of [[], ['nowhere.json'], ['a', 'b'], ['--nonsense'], ['secret']]) {
      const { code, output } = await replay(...args);
      expect(code, output).to.equal(2);
      expect(output).to.contain('--help');
    }
    expect((await send({ action: 'x' })).output).to.contain('--event');
    const dry = await send({ zen: 'x' }, '--dry-run');
    expect([dry.code, dry.output]).to.deep.equal([0, dry.output]);
    expect(dry.output).to.match(/^would send ping of github/);
    const help = await replay('--help');
    expect(help.output).to.contain('Usage: npm run replay');
  });
});
