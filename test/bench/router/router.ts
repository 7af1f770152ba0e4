/** of-router in a plain server, logging to stderr as in production; takes the gateway's port. */
import { randomUUID } from 'node:crypto';
import { createLogger } from '#shared/log.ts';
import { createSigner } from '#shared/messages/signature.ts';
import { parseSite } from '#shared/router/site.ts';
import { createRouter } from '../../../functions/of-router/router.ts';
import { listen } from '../../helpers/listen.ts';

const router = createRouter({
  site: parseSite('https://user.example.com/function'),
  gateway: { url: `http://127.0.0.1:${process.argv[2]}` },
  signer: createSigner({ current: 'bench' }),
  hostSource: 'forwarded',
  trustedProxies: 1,
  timeoutMs: 60_000,
  indexRefreshMs: 1000,
  authCacheMs: 5000,
  limits: { owner: { perSecond: 0, concurrency: 0 }, address: { perSecond: 0, concurrency: 0 } },
  asyncQuota: 60,
});
const log = createLogger();
const signal = new AbortController().signal;
const { port } = await listen((request, response) => {
  void router.handle(request, response, {
    callId: randomUUID(),
    signal,
    log,
    note: () => undefined,
  });
});
process.on('message', () =>
  process.send?.({ cpu: process.cpuUsage(), rss: process.memoryUsage.rss() }),
);
process.send?.({ port });
