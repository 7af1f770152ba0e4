/** of-router in a process of its own, between a soak or bench and its gateway: takes the gateway's URL. */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLogger } from '#shared/log.ts';
import { createSigner } from '#shared/messages/signature.ts';
import { parseSite } from '#shared/router/site.ts';
import { createRouter } from '../../functions/of-router/router.ts';

const none = { perSecond: 0, concurrency: 0 };
const router = createRouter({
  site: parseSite('https://user.example.com/function'),
  gateway: { url: process.argv[2] ?? '' },
  signer: createSigner({ current: 'payload' }),
  hostSource: 'forwarded',
  trustedProxies: 1,
  timeoutMs: 5000,
  indexRefreshMs: 200,
  authCacheMs: 500,
  limits: { owner: none, address: none },
  asyncQuota: 0,
});
const log = createLogger({}, () => undefined);
const signal = new AbortController().signal;
const server = createServer({ keepAliveTimeout: 100_000 }, (request, response) => {
  const context = { callId: randomUUID(), signal, log, note: () => undefined };
  void router.handle(request, response, context);
});
server.on('upgrade', (request, socket, head) => void router.upgrade(request, socket, head));
server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port });
});
process.on('message', () => {
  globalThis.gc?.();
  const { heapUsed, rss, external } = process.memoryUsage();
  const handles = process.getActiveResourcesInfo().length;
  process.send?.({ heap: heapUsed + external, rss, handles });
});
process.on('disconnect', () => process.exit());
