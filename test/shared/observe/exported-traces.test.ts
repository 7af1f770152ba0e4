import { expect } from 'chai';
import {
  bundleFunction,
  type DeployedFunction,
  type FunctionBundle,
} from '../../helpers/deployed-function.ts';
import { httpGet } from '../../helpers/http-get.ts';
import { listen } from '../../helpers/listen.ts';
import { type OtlpCollector, startOtlpCollector } from '../../helpers/otlp-collector.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';

describe('traces of a function', function () {
  this.timeout(30_000);
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let bundle: FunctionBundle;
  let collector: OtlpCollector;
  const running: DeployedFunction[] = [];
  const start = async (env: Readonly<Record<string, string>>) => {
    const fn = await bundle.start({
      TMPDIR: dir.path,
      healthcheck_interval: '10ms',
      write_timeout: '2s',
      // Nothing goes out but by the end of the process.
      OTEL_BSP_SCHEDULE_DELAY: '3600000',
      ...env,
    });
    running.push(fn);
    return fn;
  };
  const ended = (fn: DeployedFunction) =>
    new Promise<number | null>((resolve) => fn.child.once('exit', resolve));

  before(async () => {
    dir = await tempDir();
    bundle = await bundleFunction('echo', dir.path);
    collector = await startOtlpCollector();
  });
  after(async () => {
    for (const fn of running) await fn.kill();
    await collector.close();
    await dir.remove();
  });

  it('are sent before it ends at SIGTERM, each call below its caller', async () => {
    const fn = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    for (const path of ['/a', '/b']) {
      const traceparent = `00-${traceId}-${spanId}-01`;
      await httpGet(`http://127.0.0.1:${fn.port}${path}`, { traceparent });
    }
    const exit = ended(fn);
    fn.child.kill('SIGTERM');
    expect(await exit).to.equal(0);
    expect(collector.spans).to.have.length(2);
    for (const span of collector.spans) {
      expect(span).to.include({ traceId, parentSpanId: spanId, name: 'echo' });
    }
    expect(new Set(collector.spans.map((span) => span.spanId)).size).to.equal(2);
  });

  it('harm nothing where their receiver is not there, or never answers', async () => {
    const silent = await listen(() => undefined);
    const exits = ['http://127.0.0.1:1', silent.url].map(async (endpoint) => {
      const fn = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
      expect((await httpGet(`http://127.0.0.1:${fn.port}/`)).status).to.equal(200);
      const exit = ended(fn);
      fn.child.kill('SIGTERM');
      return exit;
    });
    try {
      expect(await Promise.all(exits)).to.deep.equal([0, 0]);
    } finally {
      await silent.close();
    }
  });
});
