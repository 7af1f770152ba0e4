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
  /** Sends what is there now. Never rejects. */
  flush(): Promise<void>;
}
