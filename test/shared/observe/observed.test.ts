import { expect } from 'chai';
import type { FunctionContext, FunctionEvent, LogFields } from '#runtime-types';
import { CloudError } from '#shared/errors.ts';
import { observed } from '#shared/observe/observed.ts';
import type { EndedSpan } from '#shared/observe/span-exporter.ts';
import {
  currentTraceparent,
  formatTraceparent,
  joinTrace,
  parseTraceparent,
} from '#shared/observe/trace-context.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';
const given = `00-${traceId}-${spanId}-01`;

describe('traceparent', () => {
  it('is read as the specification says', () => {
    expect(parseTraceparent(given)).to.deep.equal({ traceId, spanId });
    expect(
      parseTraceparent(`cc-${traceId}-${spanId}-01-what-the-future-will-be-like`),
    ).to.deep.equal({ traceId, spanId });
    expect(parseTraceparent(formatTraceparent({ traceId, spanId }))).to.deep.equal({
      traceId,
      spanId,
    });
  });

  it('is not read if it is invalid, whatever it holds', () => {
    const invalid = [
      undefined,
      [given, given],
      '',
      `ff-${traceId}-${spanId}-01`,
      `00-${traceId}-${spanId}-01-more`,
      `00-${traceId.toUpperCase()}-${spanId}-01`,
      `00-${'0'.repeat(32)}-${spanId}-01`,
      `00-${traceId}-${'0'.repeat(16)}-01`,
      `00-${traceId}-${spanId}`,
      `00-${traceId.slice(1)}-${spanId}-01`,
      `${given}\r\nx-evil: 1`,
      `00-${traceId}-<script>alert(1)-01`,
      `cc-${traceId}-${spanId}-01-${'x'.repeat(1000)}`,
    ];
    for (const text of invalid) expect(parseTraceparent(text), String(text)).to.equal(undefined);
  });
});

describe('observed', () => {
  function setUp(options: { begins?: boolean } = {}) {
    const spans: EndedSpan[] = [];
    const exporter = {
      add: (span: EndedSpan) => void spans.push(span),
      flush: async () => undefined,
    };
    const step = observed('git-tar', { ...options, exporter });
    const notes: LogFields[] = [];
    let headers: Readonly<Record<string, string | string[]>> = {};
    const call = (
      requestHeaders: Record<string, string>,
      act: () => Promise<number> | number = () => 200,
    ) => {
      let status = 200;
      const context = {
        callId: 'call',
        note: (fields: LogFields) => notes.push(fields),
        status: () => status,
        headers: (set: typeof headers) => {
          headers = set;
        },
      } as unknown as FunctionContext;
      const event = { headers: requestHeaders } as unknown as FunctionEvent;
      return step.classic(async () => {
        status = await act();
      })(event, context);
    };
    return { spans, notes, call, headers: () => headers, render: () => step.metrics.render() };
  }

  it('counts calls by their end, and how long they took and waited', async () => {
    const { call, render } = setUp();
    const tenSecondsAgo = `${Date.now() - 10_000}000000`;
    await call({ 'x-start-time': `1, ${tenSecondsAgo}` });
    await call({ 'x-start-time': 'nonsense' }, () => 404);
    await call({ 'x-start-time': '9'.repeat(19) }, () => 429);
    const failing = [
      new CloudError('OFC_BAD_REQUEST', 'x'),
      new CloudError('OFC_UPSTREAM', 'x'),
      new Error('x'),
    ];
    for (const error of failing) {
      const failed = await call({}, () => Promise.reject(error)).catch((thrown: unknown) => thrown);
      expect(failed).to.equal(error);
    }
    const lines = render().split('\n');
    expect(lines).to.include.members([
      'ofc_step_total{step="git-tar",outcome="done"} 1',
      'ofc_step_total{step="git-tar",outcome="refused"} 2',
      'ofc_step_total{step="git-tar",outcome="retry"} 2',
      'ofc_step_total{step="git-tar",outcome="failed"} 1',
      'ofc_step_duration_seconds_count{step="git-tar"} 6',
      'ofc_step_queue_wait_seconds_bucket{step="git-tar",le="5"} 0',
      'ofc_step_queue_wait_seconds_bucket{step="git-tar",le="30"} 1',
      'ofc_step_queue_wait_seconds_count{step="git-tar"} 1',
    ]);
  });

  it("goes on in the caller's trace, and hands it on", async () => {
    const { call, spans, notes, headers } = setUp();
    let within: string | undefined;
    await call({ traceparent: given }, () => {
      within = currentTraceparent();
      return 200;
    });
    const [span] = spans;
    expect(span).to.include({ traceId, parentSpanId: spanId, name: 'git-tar', failed: false });
    expect(within).to.equal(`00-${traceId}-${span?.spanId}-01`);
    expect(headers()).to.deep.equal({ traceparent: within });
    expect(notes.at(-1)).to.deep.equal({ traceId });
    expect(currentTraceparent()).to.equal(undefined);
  });

  it('begins a trace where there is none, and where what came is not one', async () => {
    const { call, spans } = setUp();
    await call({});
    await call({ traceparent: '00-<script>-x-01' });
    expect(new Set(spans.map((span) => span.traceId)).size).to.equal(2);
    for (const span of spans) {
      expect(span.traceId).to.match(/^[0-9a-f]{32}$/);
      expect(span.parentSpanId).to.equal(undefined);
    }
  });

  it('begins a trace of its own where callers are outside', async () => {
    const { call, spans } = setUp({ begins: true });
    await call({ traceparent: given });
    expect(spans[0]?.traceId).not.to.equal(traceId);
    expect(spans[0]?.parentSpanId).to.equal(undefined);
  });

  it('moves into the trace of what it is about', async () => {
    const { call, spans, notes } = setUp();
    await call({}, () => {
      joinTrace('nonsense');
      joinTrace(given);
      return 200;
    });
    expect(spans[0]).to.include({ traceId, parentSpanId: spanId });
    expect(notes.at(-1)).to.deep.equal({ traceId });
  });

  it('shows errors as failed spans', async () => {
    const { call, spans } = setUp();
    await call({}, () => Promise.reject(new Error('x'))).catch(() => undefined);
    expect(spans[0]?.failed).to.equal(true);
  });
});
