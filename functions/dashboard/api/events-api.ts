import { cloudLabel } from '#shared/pipeline/labels.ts';
import { ask } from '../ask.ts';
import { listedFunctionsSchema } from '../function-rows.ts';
import { createWatch, type Topic, type Watch } from '../watch.ts';
import { type ApiParts, type ApiRoute, streaming } from './route.ts';
import { ownerOf, ownerParameter } from './whose.ts';

/** Proxies end what is silent for long. */
const beatMs = 15_000;
/** Below the function's own limit; whoever follows connects again. */
const maxMs = 10 * 60_000;

/** Tells that something changed; what it is, the other routes say. */
export const eventRoutes: readonly ApiRoute[] = [
  streaming({
    name: 'events',
    summary:
      'Server-sent events: `change` with {"topic":"deployments"|"functions"} when there is something new to ask for.',
    query: [ownerParameter],
    answer: 'text/event-stream',
    async act(parts, { query, visitor, response, signal }) {
      const owner = ownerOf(query.get('owner'), visitor);
      const send = (topic: Topic) => {
        response.write(`event: change\ndata: ${JSON.stringify({ topic })}\n\n`);
      };
      const stop = parts.watch.follow(owner, visitor.subject, send);
      const beat = setInterval(() => response.write(': still here\n\n'), beatMs);
      try {
        response.writeHead(200, {
          'content-type': 'text/event-stream',
          'cache-control': 'no-store',
          'x-content-type-options': 'nosniff',
        });
        response.write('retry: 3000\n\n');
        await ended(AbortSignal.any([signal, AbortSignal.timeout(maxMs)]));
      } finally {
        clearInterval(beat);
        stop();
        response.end();
      }
    },
  }),
];

/** The watch of a dashboard: it sees of functions what their list shows. */
export function watchOf(parts: Pick<ApiParts, 'store' | 'records' | 'gateway' | 'signer'>): Watch {
  return createWatch({
    ...parts,
    async functionsOf(owner) {
      const listed = await ask(parts, 'list-functions', { user: owner }, listedFunctionsSchema);
      return JSON.stringify(
        listed.map(({ name, image, replicas, availableReplicas, labels }) => [
          name,
          image,
          replicas,
          availableReplicas,
          labels[cloudLabel.deployment],
        ]),
      );
    },
  });
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
