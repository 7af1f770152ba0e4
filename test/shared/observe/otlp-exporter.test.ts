import { expect } from 'chai';
import { createOtlpExporter } from '#shared/observe/otlp-exporter.ts';
import type { EndedSpan } from '#shared/observe/span-exporter.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';

const span: EndedSpan = {
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '00f067aa0ba902b7',
  parentSpanId: undefined,
  name: 'git-tar',
  startedAt: 1_700_000_000_000,
  endedAt: 1_700_000_000_001.5,
  failed: true,
  attributes: { 'ofc.outcome': 'failed' },
};

interface Received {
  readonly head: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly resource: readonly unknown[];
  readonly spans: readonly Readonly<Record<string, unknown>>[];
}

describe('OTLP exporter', () => {
  let collector: TestServer;
  const received: Received[] = [];
  const set = new Set<string>();
  const setEnv = (variables: Readonly<Record<string, string>>) => {
    for (const [name, value] of Object.entries(variables)) {
      set.add(name);
      process.env[name] = value;
    }
  };
  const resourceAttribute = (key: string, value: string) => ({
    key,
    value: { stringValue: value },
  });

  before(async () => {
    collector = await listen(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const { resourceSpans } = JSON.parse(body);
      received.push({
        head: `${request.method} ${request.url} ${request.headers['content-type']}`,
        headers: request.headers,
        resource: resourceSpans[0].resource.attributes,
        spans: resourceSpans[0].scopeSpans[0].spans,
      });
      response.end('{}');
    });
  });
  beforeEach(() => setEnv({ OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/` }));
  afterEach(() => {
    received.splice(0);
    for (const name of set) delete process.env[name];
    set.clear();
  });
  after(() => collector.close());

  it('sends spans in one request, with the ids and times that they have', async () => {
    const exporter = createOtlpExporter('git-tar');
    exporter.add(span);
    exporter.add({ ...span, spanId: '1'.repeat(16), parentSpanId: span.spanId, failed: false });
    await exporter.flush();
    await exporter.flush();
    expect(received.map(({ head }) => head)).to.deep.equal(['POST /v1/traces application/json']);
    const [{ resource, spans } = { resource: [], spans: [] }] = received;
    expect(resource).to.deep.include.members([
      resourceAttribute('service.name', 'git-tar'),
      resourceAttribute('service.namespace', 'openfaas-cloud'),
    ]);
    const [first, second] = spans;
    expect(first).to.deep.include({
      traceId: span.traceId,
      spanId: span.spanId,
      name: 'git-tar',
      kind: 2,
      startTimeUnixNano: '1700000000000000000',
      endTimeUnixNano: '1700000000001500000',
      attributes: [{ key: 'ofc.outcome', value: { stringValue: 'failed' } }],
      status: { code: 2 },
    });
    expect(first).not.to.have.property('parentSpanId');
    expect(second).to.deep.include({
      traceId: span.traceId,
      spanId: '1'.repeat(16),
      parentSpanId: span.spanId,
      status: { code: 0 },
    });
  });

  it("takes the SDK's own variables", async () => {
    setEnv({
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=blue',
      OTEL_SERVICE_NAME: 'cloud',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=staging',
    });
    const exporter = createOtlpExporter('git-tar');
    exporter.add(span);
    await exporter.flush();
    const [{ headers, resource } = { headers: {}, resource: [] }] = received;
    expect(headers).to.include({ 'x-tenant': 'blue' });
    expect(resource).to.deep.include.members([
      resourceAttribute('service.name', 'cloud'),
      resourceAttribute('deployment.environment.name', 'staging'),
    ]);
  });

  it('samples by the id of the trace, so that a trace is whole or not there', async () => {
    setEnv({ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' });
    const ids = [...'13579bdf'].map((digit) => `${digit.repeat(8)}${'0'.repeat(23)}1`);
    for (const service of ['github-event', 'git-tar']) {
      const exporter = createOtlpExporter(service);
      for (const traceId of ids) {
        const parentSpanId = service === 'git-tar' ? span.spanId : undefined;
        exporter.add({ ...span, traceId, parentSpanId });
      }
      await exporter.flush();
    }
    const [first, second] = received.map(({ spans }) => spans.map(({ traceId }) => traceId));
    expect(first).to.have.length.within(1, ids.length - 1);
    expect(second).to.deep.equal(first);
  });

  it('fails nobody when nothing takes them', async () => {
    setEnv({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_EXPORTER_OTLP_TIMEOUT: '50' });
    const exporter = createOtlpExporter('git-tar');
    for (let i = 0; i < 5000; i++) exporter.add(span);
    await exporter.flush();
    expect(received).to.deep.equal([]);
  });
});
