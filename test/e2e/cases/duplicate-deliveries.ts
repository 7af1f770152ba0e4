import { createHmac, randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { answering, deploymentsOn, stackFile } from '../../helpers/deployments.ts';
import { eventually } from '../../helpers/eventually.ts';
import { httpGet } from '../../helpers/http-get.ts';
import { type PlatformProcess, secretOf } from '../../helpers/platform-process.ts';

/** What tests do with the webhooks of a platform's git server. */
export function webhooksOf(platform: () => PlatformProcess) {
  const base = () => `http://127.0.0.1:${platform().port}`;
  return {
    /** Delivers a body to github-event. */
    deliver: (body: string, headers: Record<string, string>) =>
      httpGet(
        `${base()}/github-event`,
        {
          host: `system.localhost:${platform().port}`,
          'content-type': 'application/json',
          'content-length': String(Buffer.byteLength(body)),
          ...headers,
        },
        { method: 'POST', body },
      ),

    /** The body of the last push webhook that the git server sent for a repo. */
    lastPush: async (owner: string, repo: string): Promise<string> => {
      const hooks = `${base()}/git/api/v3/repos/${owner}/${repo}/hooks/1/deliveries`;
      return eventually(async () => {
        const list = JSON.parse((await httpGet(hooks)).text) as { id: number; event: string }[];
        const push = list.find(({ event }) => event === 'push');
        expect(push).to.not.equal(undefined);
        const one = JSON.parse((await httpGet(`${hooks}/${push?.id}`)).text) as {
          request: { payload: unknown };
        };
        return JSON.stringify(one.request.payload);
      });
    },

    /** The headers of a webhook that GitHub signed. */
    signed: async (body: string, delivery: string): Promise<Record<string, string>> => {
      const secret = await secretOf(platform(), 'github-webhook-secret');
      const mac = createHmac('sha256', secret).update(body).digest('hex');
      return {
        'x-github-event': 'push',
        'x-github-delivery': delivery,
        'x-hub-signature-256': `sha256=${mac}`,
      };
    },
  };
}

/** Tests that a webhook counts once, however often it comes. */
export function takesDeliveriesOnce(platform: () => PlatformProcess, timeoutMs?: number): void {
  const on = deploymentsOn(platform, timeoutMs);
  const { deliver, lastPush, signed } = webhooksOf(platform);

  it('five times the same webhook is one deployment', async () => {
    const repo = await on.repo('bob', 'five');
    const sha = await on.push(repo, {
      'stack.yml': stackFile('five'),
      'five/handler.ts': answering('five'),
    });
    await on.completed('bob', 'five', sha);
    const body = await lastPush('bob', 'five');
    const headers = await signed(body, randomUUID());
    const answers = await Promise.all(Array.from({ length: 5 }, () => deliver(body, headers)));
    expect(answers.map(({ status }) => status)).to.deep.equal(Array(5).fill(202));
    const ids = answers.map(({ text }) => JSON.parse(text) as { id?: string; deployment?: string });
    const named = new Set(ids.map(({ id, deployment }) => id ?? deployment));
    expect(named.size, JSON.stringify(ids)).to.equal(1);
    const checks = await on.completed('bob', 'five', sha);
    expect([...checks.keys()].sort()).to.deep.equal(['five', 'stack-deploy']);
    expect(checks.get('stack-deploy')?.conclusion).to.equal('success');
    await repo.remove();
  });
}
