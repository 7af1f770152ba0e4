import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { FunctionContext, FunctionEvent, RawContext, RawHandler } from '#runtime-types';
import { loadConfig } from '../config.ts';
import { toCloudError } from '../errors.ts';
import type { SpanExporter } from './span-exporter.ts';
import { createStepMetrics, type StepMetrics, type StepOutcome } from './step-metrics.ts';
import {
  formatTraceparent,
  newSpanId,
  newTraceId,
  type OpenSpan,
  parseTraceparent,
  traceHeader,
  withinSpan,
} from './trace-context.ts';

type Classic = (event: FunctionEvent, context: FunctionContext) => Promise<unknown>;

/** A function of the platform that counts what it does and takes part in traces. */
export interface Observed {
  /** For what only this step counts. */
  readonly metrics: StepMetrics;
  /** Wraps a classic handler. */
  classic(handler: Classic): Classic;
  /** Wraps a raw handler, which is over when its promise is. */
  raw(handler: RawHandler): RawHandler;
  /** Sends on the spans that wait: before the process ends. */
  close(): Promise<void>;
}

/** A collector that does not answer keeps no process from its end. */
const closeMs = 2000;

interface ObservedOptions {
  /** Whoever calls is outside: a trace begins here, whatever the caller says. */
  readonly begins?: boolean;
  /** For tests. */
  readonly exporter?: SpanExporter;
}

/**
 * Observes a function of the platform: series of its own for `/metrics`, a span for each call, its trace in
 * the access log. Spans go out by OTLP if `OTEL_EXPORTER_OTLP_ENDPOINT` is set.
 *
 * @param step The function's name.
 * @throws CloudError `OFC_CONFIG` if that is not a URL.
 */
export function observed(step: string, options: ObservedOptions = {}): Observed {
  const metrics = createStepMetrics(step);
  const exporter = options.exporter ?? loadExporter(step);

  const observe = async <T>(
    headers: IncomingMessage['headers'],
    context: RawContext,
    run: (span: OpenSpan) => T,
    status: () => number,
  ): Promise<Awaited<T>> => {
    const caller = options.begins ? undefined : parseTraceparent(headers[traceHeader]);
    const span: OpenSpan = {
      context: { traceId: caller?.traceId ?? newTraceId(), spanId: newSpanId() },
      parentSpanId: caller?.spanId,
    };
    context.note({ traceId: span.context.traceId });
    const [startedAt, start] = [Date.now(), performance.now()];
    const waited = queueWait(headers['x-start-time'], startedAt);
    if (waited !== undefined) metrics.waited(waited);
    let outcome: StepOutcome = 'failed';
    try {
      const result = await withinSpan(span, () => run(span));
      outcome = outcomeOf(status());
      return result;
    } catch (error) {
      outcome = outcomeOfError(error);
      throw error;
    } finally {
      const ms = performance.now() - start;
      metrics.ended(outcome, ms / 1000);
      // It can have joined another trace.
      context.note({ traceId: span.context.traceId });
      exporter?.add({
        ...span.context,
        parentSpanId: span.parentSpanId,
        name: step,
        startedAt,
        endedAt: startedAt + ms,
        failed: outcome === 'failed' || outcome === 'retry',
        attributes: { 'ofc.outcome': outcome, 'ofc.call_id': context.callId },
      });
    }
  };

  return {
    metrics,
    close: async () => {
      if (exporter === undefined) return;
      await Promise.race([exporter.flush(), delay(closeMs)]);
    },
    classic: (handler) => (event, context) =>
      observe(
        event.headers,
        context,
        (span) => {
          // The queue hands headers of the answer on to the callback: that goes on in this trace.
          context.headers({ [traceHeader]: formatTraceparent(span.context) });
          return handler(event, context);
        },
        () => context.status(),
      ),
    raw: (handler) => (request, response, context) =>
      observe(
        request.headers,
        context,
        (span) => {
          if (!options.begins) {
            response.setHeader(traceHeader, formatTraceparent(span.context));
          }
          return handler(request, response, context);
        },
        () => response.statusCode,
      ),
  };
}

/** The SDK is in a file of its own beside the bundle, which only a start with an endpoint reads. */
function loadExporter(step: string): SpanExporter | undefined {
  const wanted = loadConfig((settings) => {
    if (settings.text('OTEL_EXPORTER_OTLP_ENDPOINT', '') === '') return false;
    return settings.url('OTEL_EXPORTER_OTLP_ENDPOINT') !== '';
  });
  if (!wanted) return undefined;
  const loaded = import('./otlp-exporter.ts').then(({ createOtlpExporter }) =>
    createOtlpExporter(step),
  );
  return {
    add: (span) => void loaded.then((exporter) => exporter.add(span)),
    flush: async () => (await loaded).flush(),
  };
}

function outcomeOf(status: number): StepOutcome {
  if (status === 429 || status === 502 || status === 503 || status === 504) return 'retry';
  if (status >= 500) return 'failed';
  return status >= 400 ? 'refused' : 'done';
}

function outcomeOfError(error: unknown): StepOutcome {
  const { kind } = toCloudError(error);
  return kind === 'user' ? 'refused' : kind === 'retry' ? 'retry' : 'failed';
}

const maxWaitSeconds = 24 * 60 * 60;

/** By the gateway's `X-Start-Time` in Unix nanoseconds, the last if there are several: others may be a visitor's. */
function queueWait(header: unknown, now: number): number | undefined {
  const last =
    String(header ?? '')
      .split(',')
      .at(-1)
      ?.trim() ?? '';
  if (!/^\d{19}$/.test(last)) return undefined;
  const seconds = (now - Number(last) / 1e6) / 1000;
  return seconds >= -1 && seconds < maxWaitSeconds ? Math.max(0, seconds) : undefined;
}
