import type { SpanContext } from './trace-context.ts';

/** A span that has ended. */
export interface EndedSpan extends SpanContext {
  readonly parentSpanId: string | undefined;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly failed: boolean;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Takes spans and sends them on. */
export interface SpanExporter {
  add(span: EndedSpan): void;
  /** Sends what is there now. */
  flush(): Promise<void>;
}

const everyMs = 1000;
const maxWaiting = 2000;
const timeoutMs = 5000;
/** `SPAN_KIND_SERVER`, `STATUS_CODE_ERROR`. */
const [serverKind, errorStatus] = [2, 2];

/**
 * Makes a {@link SpanExporter} of OTLP over HTTP with JSON. Spans are sent in batches, once; what does not
 * go is dropped: nothing waits for its trace, and nothing fails for it.
 *
 * OpenTelemetry's SDK is not used: in the one bundle that each function is, it costs every cold start 25 to 40 ms
 * of CPU and 300 to 500 KiB, also where nothing is exported.
 *
 * @param endpoint As in `OTEL_EXPORTER_OTLP_ENDPOINT`: a base URL.
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
export function createOtlpExporter(endpoint: string, service: string): SpanExporter {
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
  let waiting: EndedSpan[] = [];
  let timer: NodeJS.Timeout | undefined;
  const flush = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    const spans = waiting;
    waiting = [];
    if (spans.length === 0) return;
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(exportRequest(service, spans)),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    }).catch(() => undefined);
    await answer?.body?.cancel();
  };
  process.once('beforeExit', () => void flush());
  return {
    add(span) {
      if (waiting.length >= maxWaiting) return;
      waiting.push(span);
      timer ??= setTimeout(() => void flush(), everyMs);
    },
    flush,
  };
}

/** `ExportTraceServiceRequest` in OTLP's JSON: ids in hexadecimal, 64-bit numbers as text. */
export function exportRequest(service: string, spans: readonly EndedSpan[]): object {
  const attributes = (values: Readonly<Record<string, string>>) =>
    Object.entries(values).map(([key, value]) => ({ key, value: { stringValue: value } }));
  return {
    resourceSpans: [
      {
        resource: {
          attributes: attributes({
            'service.name': service,
            'service.namespace': 'openfaas-cloud',
          }),
        },
        scopeSpans: [
          {
            scope: { name: 'openfaas-cloud' },
            spans: spans.map((span) => ({
              traceId: span.traceId,
              spanId: span.spanId,
              ...(span.parentSpanId === undefined ? {} : { parentSpanId: span.parentSpanId }),
              name: span.name,
              kind: serverKind,
              startTimeUnixNano: nanoseconds(span.startedAt),
              endTimeUnixNano: nanoseconds(span.endedAt),
              attributes: attributes(span.attributes),
              status: span.failed ? { code: errorStatus } : {},
            })),
          },
        ],
      },
    ],
  };
}

function nanoseconds(ms: number): string {
  return `${Math.round(ms * 1000)}000`;
}
