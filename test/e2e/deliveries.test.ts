import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { answering, deploymentsOn, stackFile } from '../helpers/deployments.ts';
import { eventually } from '../helpers/eventually.ts';
import type { PlatformProcess } from '../helpers/platform-process.ts';
import { sharedPlatform } from '../helpers/shared-platform.ts';
import { takesDeliveriesOnce, webhooksOf } from './cases/duplicate-deliveries.ts';

describe('webhook deliveries', function () {
  this.timeout(240_000);
  let platform: PlatformProcess;
  const on = deploymentsOn(() => platform);
  before(async () => {
    platform = await sharedPlatform();
  });

  const { deliver, lastPush, signed } = webhooksOf(() => platform);

  takesDeliveriesOnce(() => platform);

  it('nothing but a good webhook gets 2xx', async () => {
    const repo = await on.repo('bob', 'refused');
    const sha = await on.push(repo, {
      'stack.yml': stackFile('refused'),
      'refused/handler.ts': answering('refused'),
    });
    await on.completed('bob', 'refused', sha);
    const body = await lastPush('bob', 'refused');
    const good = await signed(body, randomUUID());
    const flipped = `${body.slice(0, -2)} }`;
    const status = async (text: string, headers: Record<string, string>) =>
      (await deliver(text, headers)).status;
    expect(await status(flipped, good)).to.equal(401);
    expect(await status(body, { ...good, 'x-hub-signature-256': '' })).to.equal(401);
    expect(await status(body, { ...good, 'content-type': 'text/plain' })).to.equal(415);
    const broken = '{"ref":';
    expect(await status(broken, await signed(broken, randomUUID()))).to.equal(400);
    await repo.remove();
  });

  for (const order of ['older first', 'newer first'] as const) {
    const name = order === 'older first' ? 'race' : 'overtaken';
    it(`of two pushes 50 ms apart, ${order}, the newer wins and the older is superseded`, async () => {
      const repo = await on.repo('bob', name);
      const start = await on.push(repo, {
        'stack.yml': stackFile(name),
        [`${name}/handler.ts`]: answering('start'),
      });
      await on.completed('bob', name, start);
      const template = JSON.parse(await lastPush('bob', name)) as object;
      const older = await repo.commit({ [`${name}/handler.ts`]: answering('older') });
      const newer = await repo.commit({ [`${name}/handler.ts`]: answering('newer') });
      // The commits are on the server by a branch that is not built; their webhooks are ours to place.
      await repo.push('main:aside');
      const sentAt: number[] = [];
      /** Signed beforehand: what counts is when it is sent. */
      const prepare = async (before: string, after: string): Promise<() => Promise<void>> => {
        const head_commit = { id: after, message: 'A change' };
        const body = JSON.stringify({ ...template, before, after, head_commit, created: false });
        const delivery = await signed(body, randomUUID());
        return async () => {
          sentAt.push(performance.now());
          const answer = await deliver(body, delivery);
          expect(answer.status, answer.text).to.equal(202);
        };
      };
      const both = [await prepare(start, older), await prepare(older, newer)];
      const [first, second] = order === 'older first' ? both : both.reverse();
      const sent = [first?.(), delay(50).then(() => second?.())];
      const seen: string[] = [];
      const watching = new AbortController();
      const watched = (async () => {
        while (!watching.signal.aborted) {
          const { status, text } = await on.call('bob', `/${name}`);
          seen.push(status === 200 ? text : String(status));
        }
      })();
      await Promise.all(sent);
      expect((sentAt[1] ?? 0) - (sentAt[0] ?? 0), 'distance in ms').to.be.at.least(45);

      const verdict = (sha: string, conclusion: string) =>
        eventually(
          async () => {
            const runs = await on.checks('bob', name, sha);
            const stack = runs.filter((run) => run.name === 'stack-deploy');
            // The newer one was pushed to the other branch too, which has a neutral check.
            const ours = stack.filter((run) => run.conclusion !== 'neutral');
            expect(
              ours.map((run) => run.conclusion),
              JSON.stringify(stack),
            ).to.deep.equal([conclusion]);
            return ours[0]?.output.summary ?? '';
          },
          { timeoutMs: 90_000, everyMs: 50 },
        );
      await verdict(newer, 'success');
      const text = await verdict(older, 'cancelled');
      expect(text).to.contain(`A newer push replaced this one: ${newer.slice(0, 7)}.`);
      watching.abort();
      await watched;
      expect((await on.call('bob', `/${name}`)).text).to.equal('newer');
      const fromNewer = seen.slice(seen.indexOf('newer'));
      expect(new Set(fromNewer), seen.join()).to.deep.equal(new Set(['newer']));
      await repo.remove();
    });
  }

  it('an owner who is not on the list of customers is refused', async () => {
    const repo = await on.repo('mallory', 'uninvited');
    await on.push(repo, {
      'stack.yml': stackFile('uninvited'),
      'uninvited/handler.ts': answering('let me in'),
    });
    const body = await lastPush('mallory', 'uninvited');
    const answer = await deliver(body, await signed(body, randomUUID()));
    expect(answer.status).to.equal(403);
    expect((await on.call('mallory', '/uninvited')).status).to.equal(404);
    await repo.remove();
  });
});
