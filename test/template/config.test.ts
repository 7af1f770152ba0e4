import { expect } from 'chai';
import { parseByteSize } from '../../template/node-ts/runtime/byte-size.ts';
import { readConfig } from '../../template/node-ts/runtime/config.ts';
import { parseDuration } from '../../template/node-ts/runtime/duration.ts';

describe('template/node-ts/runtime/config', () => {
  it("reads the watchdog's durations: whole seconds or Go's form", () => {
    const table: [string, number | undefined][] = [
      ['0', 0],
      ['30', 30_000],
      ['1.5s', 1500],
      ['1h15m', 4_500_000],
      ['300ms', 300],
      ['10us', 0.01],
      ['-5s', undefined],
      ['1.5', undefined],
      ['5 s', undefined],
      ['s', undefined],
      ['1d', undefined],
    ];
    for (const [text, ms] of table) expect(parseDuration(text), text).to.equal(ms);
  });

  it('reads sizes as the Node templates do', () => {
    expect(['100kb', '1.5MB', '4096', '0b'].map(parseByteSize)).to.deep.equal([
      102_400, 1_572_864, 4096, 0,
    ]);
    expect(['', 'kb', '-1', '1tb'].map(parseByteSize)).to.deep.equal(Array(4).fill(undefined));
  });

  it("has the watchdog's defaults", () => {
    expect(readConfig({})).to.deep.equal({
      listen: 8080,
      behindWatchdog: false,
      metricsPort: 8081,
      execTimeout: 30_000,
      readTimeout: 30_000,
      writeTimeout: 30_000,
      drainDelay: 30_000,
      maxInflight: 0,
      workers: 1,
      readyPath: undefined,
      lockFile: '/tmp/.lock',
      rawBody: false,
      maxBodyBytes: 26_214_400,
      maxJsonBytes: 26_214_400,
    });
  });

  it('lets write_timeout be the drain delay unless healthcheck_interval is set', () => {
    expect(readConfig({ write_timeout: '7s' }).drainDelay).to.equal(7000);
    expect(readConfig({ write_timeout: '7s', healthcheck_interval: '2s' }).drainDelay).to.equal(
      2000,
    );
  });

  it('takes a socket as port, no lock file if suppressed, and outlasts a watchdog in front', () => {
    expect(readConfig({ port: '/run/f.sock' }).listen).to.equal('/run/f.sock');
    expect(readConfig({ TMPDIR: '/run/x' }).lockFile).to.equal('/run/x/.lock');
    expect(readConfig({ suppress_lock: 'true' }).lockFile).to.equal(undefined);
    expect(
      readConfig({ port: '8080', http_port: '3000', healthcheck_interval: '5s' }),
    ).to.deep.include({
      listen: 3000,
      behindWatchdog: true,
      lockFile: undefined,
      drainDelay: 35_000,
    });
  });

  it('lists every problem at once', () => {
    const wrong = {
      port: '99999',
      exec_timeout: 'soon',
      write_timeout: '0',
      max_inflight: '-1',
      metrics_port: 'none',
      ready_path: '/_/ready',
      MAX_RAW_SIZE: 'big',
      RAW_BODY: 'maybe',
    };
    const names = Object.keys(wrong);
    expect(() => readConfig(wrong)).to.throw(
      new RegExp(names.map((name) => `(?=.*${name}=)`).join('')),
    );
  });
});
