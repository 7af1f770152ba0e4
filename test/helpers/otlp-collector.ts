import { json } from 'node:stream/consumers';
import * as v from 'valibot';
import { listen } from './listen.ts';

const requestSchema = v.object({
  resourceSpans: v.array(
    v.object({
      scopeSpans: v.array(
        v.object({
          spans: v.array(
            v.object({
              traceId: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
              spanId: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)),
              parentSpanId: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/))),
              name: v.string(),
              startTimeUnixNano: v.pipe(v.string(), v.regex(/^\d{19}$/)),
              endTimeUnixNano: v.pipe(v.string(), v.regex(/^\d{19}$/)),
            }),
          ),
        }),
      ),
    }),
  ),
});

/** A span as it came. */
export type CollectedSpan = v.InferOutput<
  typeof requestSchema
>['resourceSpans'][0]['scopeSpans'][0]['spans'][0];

/** A collector of OpenTelemetry that keeps spans for a test to look at. */
export interface OtlpCollector {
  readonly url: string;
  readonly spans: readonly CollectedSpan[];
  close(): Promise<void>;
}

/** Starts an {@link OtlpCollector}; what is not OTLP in JSON it refuses with 400. */
export async function startOtlpCollector(): Promise<OtlpCollector> {
  const spans: CollectedSpan[] = [];
  const server = await listen(async (request, response) => {
    const parsed = v.safeParse(requestSchema, await json(request).catch(() => undefined));
    if (request.url !== '/v1/traces' || !parsed.success) {
      return void response.writeHead(400).end();
    }
    for (const { scopeSpans } of parsed.output.resourceSpans) {
      spans.push(...scopeSpans.flatMap((scope) => scope.spans));
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  return { url: server.url, spans, close: server.close };
}
