import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';

/** Names one span of one trace. */
export interface SpanContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
}

/** The header that carries a {@link SpanContext}: https://www.w3.org/TR/trace-context/ */
export const traceHeader = 'traceparent';

const pattern = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/;

/**
 * Reads a `traceparent`; `undefined` for everything that the specification calls invalid. What it says is
 * for people who look for something: nothing is decided by it.
 */
export function parseTraceparent(text: unknown): SpanContext | undefined {
  if (typeof text !== 'string' || text.length > 256) return undefined;
  const [, version, traceId = '', spanId = '', more] = pattern.exec(text) ?? [];
  if (version === undefined || (version === '00' && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId };
}

/** As the header has it. The flag says that the trace is recorded. */
export function formatTraceparent({ traceId, spanId }: SpanContext): string {
  return `00-${traceId}-${spanId}-01`;
}

/** A new id of a trace. */
export const newTraceId = (): string => randomBytes(16).toString('hex');
/** A new id of a span. */
export const newSpanId = (): string => randomBytes(8).toString('hex');

/** A span that is not over; it can move to another trace. */
export interface OpenSpan {
  context: SpanContext;
  parentSpanId: string | undefined;
}

const current = new AsyncLocalStorage<OpenSpan>();

/** Runs something within a span: what it sends to other functions belongs to it. */
export function withinSpan<T>(span: OpenSpan, run: () => T): T {
  return current.run(span, run);
}

/** The header for a message that is sent now; none outside of a span. */
export function traceHeaders(): Record<string, string> {
  const span = current.getStore();
  return span === undefined ? {} : { [traceHeader]: formatTraceparent(span.context) };
}

/** The span that runs now, as the header has it. */
export function currentTraceparent(): string | undefined {
  return traceHeaders()[traceHeader];
}

/**
 * Moves the span that runs now into the trace of what it turned out to be about, as a child of that
 * trace's first span. One that is in it already keeps its parent.
 */
export function joinTrace(traceparent: string | undefined): void {
  const span = current.getStore();
  const first = parseTraceparent(traceparent);
  if (span === undefined || first === undefined) return;
  const { traceId } = first;
  if (span.context.traceId === traceId) return;
  span.context = { traceId, spanId: span.context.spanId };
  span.parentSpanId = first.spanId;
}
