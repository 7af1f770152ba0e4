import type { RequestListener } from 'node:http';
import { listen } from '../../helpers/listen.ts';
import { startTestGateway } from '../../helpers/test-gateway.ts';

/** The gateway and a function that also has a port of its own, until the parent ends it. */
const body = Buffer.alloc(200, 'x');
const handle: RequestListener = (request, response) => {
  request.resume();
  const sentAt = request.headers['x-sent-at'];
  if (sentAt !== undefined) {
    process.send?.({
      hop: request.url,
      ms: performance.timeOrigin + performance.now() - Number(sentAt),
    });
    response.setHeader('X-Sent-At', sentAt);
  }
  response.end(body);
};
const direct = await listen(handle);
const gateway = await startTestGateway({ f: { handle } });
await gateway.deploy('f', 'f');
process.send?.({ direct: direct.port, gateway: gateway.port });
process.once('disconnect', async () => {
  await direct.close();
  await gateway.close();
});
