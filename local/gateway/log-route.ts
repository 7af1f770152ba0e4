import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import * as v from 'valibot';
import { CloudError } from '#shared/errors.ts';
import type { Provider } from '../provider/provider.ts';
import { addressedId, namespaceField, namespaceOf } from './namespace.ts';
import type { Route } from './routes.ts';
import type { SpecStore } from './spec-store.ts';

const flag = v.pipe(
  v.picklist(['true', 'false', '1', '0', '']),
  v.transform((text) => text === 'true' || text === '1'),
);

const querySchema = v.object({
  name: v.string(),
  namespace: namespaceField,
  instance: v.optional(v.string(), ''),
  tail: v.optional(v.pipe(v.string(), v.regex(/^-?\d{1,9}$/), v.transform(Number)), '-1'),
  since: v.optional(
    v.pipe(
      v.string(),
      v.check((text) => text === '' || Number.isFinite(Date.parse(text))),
    ),
    '',
  ),
  follow: v.optional(flag, 'false'),
});

/** How far back logs go where `since` is not given, as with OpenFaaS. */
const lookBackMs = 5 * 60_000;

/** `GET /system/logs`: log lines as NDJSON, each sent at once, until the client has left. */
export function logRoute(provider: Provider, specs: SpecStore): Route {
  return {
    path: '/system/logs',
    methods: {
      async GET({ response, query }) {
        const parsed = v.safeParse(querySchema, Object.fromEntries(query));
        if (!parsed.success) {
          const wrong = v.getDotPath(parsed.issues[0]) ?? 'query';
          throw new CloudError('OFC_BAD_REQUEST', `The query parameter "${wrong}" is not valid.`);
        }
        const { name, namespace, instance, tail, since, follow } = parsed.output;
        const id = addressedId(name, namespaceOf(namespace));
        if (specs.get(id) === undefined) {
          throw new CloudError('OFC_NOT_FOUND', `There is no function "${name}".`);
        }
        const gone = new AbortController();
        response.once('close', () => gone.abort());
        const lines = provider.logs({
          id,
          since: since === '' ? new Date(Date.now() - lookBackMs) : new Date(since),
          ...(tail > 0 ? { tail } : {}),
          follow,
          signal: gone.signal,
        });
        response.writeHead(200, { 'Content-Type': 'application/x-ndjson' }).flushHeaders();
        try {
          for await (const line of lines) {
            if (instance !== '' && line.instance !== instance) continue;
            await write(response, `${JSON.stringify(line)}\n`, gone.signal);
          }
        } catch (error) {
          if (!gone.signal.aborted) throw error;
        }
        response.end();
      },
    },
  };
}

/** Writes, and waits where the client reads more slowly than the function writes. */
async function write(response: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
  if (!response.write(text)) await once(response, 'drain', { signal });
}
