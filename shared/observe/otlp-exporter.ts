import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { EndedSpan, SpanExporter } from './span-exporter.ts';

/**
 * Makes a {@link SpanExporter} of OpenTelemetry's SDK: OTLP over HTTP with JSON, to where the SDK's own
 * variables say, `OTEL_EXPORTER_OTLP_ENDPOINT` first. What does not go is dropped: nothing waits for its trace, and
 * nothing fails for it.
 *
 * @param service The `service.name` where the environment has none.
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export function createOtlpExporter(service: string): SpanExporter {
  // The SDK hears of a span when it has ended: only then is it known to which trace it belongs.
  let ids = { traceId: '', spanId: '' };
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': service,
      'service.namespace': 'openfaas-cloud',
    }).merge(detectResources({ detectors: [envDetector] })),
    idGenerator: { generateTraceId: () => ids.traceId, generateSpanId: () => ids.spanId },
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  const tracer = provider.getTracer('openfaas-cloud');
  return {
    add(span) {
      ids = span;
      const started = tracer.startSpan(
        span.name,
        { kind: SpanKind.SERVER, startTime: span.startedAt, attributes: span.attributes },
        parentOf(span),
      );
      if (span.failed) started.setStatus({ code: SpanStatusCode.ERROR });
      started.end(span.endedAt);
    },
    flush: () => provider.forceFlush().catch(() => undefined),
  };
}

function parentOf({ traceId, parentSpanId: spanId }: EndedSpan): typeof ROOT_CONTEXT {
  if (spanId === undefined) return ROOT_CONTEXT;
  const parent = { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
  return trace.setSpanContext(ROOT_CONTEXT, parent);
}
