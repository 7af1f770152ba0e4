import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadConfig } from '#shared/config.ts';
import { createCustomers, customersSettings, parseCustomers } from '#shared/customers.ts';
import { expectCode } from '../helpers/expect-code.ts';
import { listen, type TestServer } from '../helpers/listen.ts';
import { tempDir } from '../helpers/temp-dir.ts';

describe('customers', () => {
  let folder: Awaited<ReturnType<typeof tempDir>>;
  let path: string;
  let server: TestServer | undefined;

  beforeEach(async () => {
    folder = await tempDir();
    path = join(folder.path, 'customers');
  });
  afterEach(async () => {
    await server?.close();
    server = undefined;
    await folder.remove();
  });

  describe('a file', () => {
    it('has one login a line', async () => {
      await writeFile(path, 'openfaas\ninlets');
      const customers = createCustomers({ path });
      expect(await customers.has('openfaas')).to.equal(true);
      expect(await customers.has('inlets')).to.equal(true);
      expect(await customers.has('unknown')).to.equal(false);
      expect(customers.health()).to.deep.equal({ ok: true, count: 2 });
    });

    it('does not care for case, carriage returns, blanks, blank lines and comments', async () => {
      await writeFile(path, '# ours\r\nlucasroesler\r\n\r\n  AlexEllis \r\n\n');
      const customers = createCustomers({ path });
      expect(await customers.has('LucasRoesler')).to.equal(true);
      expect(await customers.has('alexellis')).to.equal(true);
      expect(await customers.has('')).to.equal(false);
      expect(await customers.has('# ours')).to.equal(false);
    });

    it('wins over a URL', async () => {
      await writeFile(path, 'fromfile');
      const customers = createCustomers({ path, url: 'http://127.0.0.1:1/' });
      expect(await customers.has('fromfile')).to.equal(true);
    });

    it('is read again after a while', async () => {
      let now = 0;
      await writeFile(path, 'one');
      const customers = createCustomers({ path, refreshMs: 1000 }, () => now);
      expect(await customers.has('two')).to.equal(false);
      await writeFile(path, 'two');
      expect(await customers.has('two')).to.equal(false);
      now = 1000;
      expect(await customers.has('two')).to.equal(true);
      expect(await customers.has('one')).to.equal(false);
    });
  });

  // The original refused lists in which one name and a hyphen begins another, because
  // `alexellis` + `suffix-fn` and `alexellis-suffix` + `fn` had the same deployed name. Ours differ.
  for (const names of [
    ['alexellis', 'stefan', 'ivana'],
    ['alexellis', 'alexellis-suffix', 'stefan', 'ivana'],
    ['alexellis', 'stefan-prodan', 'stefan', 'ivana'],
    ['alexellis', 'stefan-prodan', 'ivana'],
    ['alexellis', 'alexe', 'stefan', 'ivana'],
  ]) {
    it(`may have ${names.join(', ')}`, () => {
      expect([...parseCustomers(names.join('\n'))]).to.deep.equal(names);
    });
  }

  describe('a source that fails', () => {
    it('is an error while there is no list, and never lets anybody in', async () => {
      const customers = createCustomers({ path: join(folder.path, 'missing') });
      await expectCode(customers.has('alexellis'), 'OFC_UPSTREAM');
      expect(customers.health()).to.include({ ok: false, count: 0 });
      await writeFile(join(folder.path, 'missing'), 'alexellis');
      expect(await customers.has('alexellis')).to.equal(true);
    });

    it('leaves the last good list as it is, and is not asked at every request', async () => {
      let now = 0;
      let requests = 0;
      let status = 200;
      server = await listen((_, response) => {
        requests += 1;
        response.writeHead(status).end('alexellis');
      });
      const customers = createCustomers({ url: server.url, refreshMs: 60_000 }, () => now);
      expect(await customers.has('alexellis')).to.equal(true);
      status = 500;
      now = 60_000;
      expect(await customers.has('alexellis')).to.equal(true);
      expect(await customers.has('mallory')).to.equal(false);
      expect(requests).to.equal(2);
      expect(customers.health()).to.include({ ok: false, count: 1 });
      now = 70_000;
      status = 200;
      await customers.has('x');
      expect(requests).to.equal(3);
      expect(customers.health()).to.deep.equal({ ok: true, count: 1 });
    });

    for (const [what, answer] of [
      ['an error page', { status: 404, body: 'alexellis' }],
      ['a page with status 200', { status: 200, body: '<html>\nalexellis\n</html>' }],
      ['an empty answer', { status: 200, body: '\n\n' }],
      ['a login that is a path', { status: 200, body: 'alexellis\n../etc' }],
      ['more than the limit', { status: 200, body: 'alexellis\n'.repeat(200) }],
    ] as const) {
      it(`is ${what}`, async () => {
        server = await listen((_, response) => {
          response.writeHead(answer.status).end(answer.body);
        });
        const customers = createCustomers({ url: server.url, maxBytes: 1000 });
        await expectCode(customers.has('alexellis'), 'OFC_UPSTREAM');
      });
    }

    it('leaves the last good list as it is, whatever it sends instead', async () => {
      let now = 0;
      let answer = { status: 200, body: 'alexellis' };
      server = await listen((_, response) => {
        response.writeHead(answer.status).end(answer.body);
      });
      const told: boolean[] = [];
      const customers = createCustomers(
        { url: server.url, maxBytes: 1000, onChange: ({ ok }) => told.push(ok) },
        () => now,
      );
      expect(await customers.has('alexellis')).to.equal(true);
      for (const [status, body] of [
        [404, 'mallory'],
        [500, 'mallory'],
        [204, ''],
        [200, ''],
        [200, '# nobody\n'],
        [200, '<html>\nmallory'],
        [200, 'mallory\n'.repeat(200)],
      ] as const) {
        answer = { status, body };
        now += 60_000;
        expect(await customers.has('alexellis'), body.slice(0, 20)).to.equal(true);
        expect(await customers.has('mallory'), body.slice(0, 20)).to.equal(false);
        expect(customers.health(), body.slice(0, 20)).to.include({ ok: false, count: 1 });
      }
      answer = { status: 200, body: 'mallory' };
      now += 60_000;
      expect(await customers.has('mallory')).to.equal(true);
      expect(await customers.has('alexellis')).to.equal(false);
      expect(told).to.deep.equal([false, true]);
    });

    it('is one that does not answer in time', async () => {
      server = await listen(() => undefined);
      const customers = createCustomers({ url: server.url, timeoutMs: 50 });
      await expectCode(customers.has('alexellis'), 'OFC_UPSTREAM');
    });

    it('is one that sends a byte now and then', async () => {
      server = await listen((_, response) => {
        response.writeHead(200);
        const timer = setInterval(() => response.write('a'), 10);
        response.on('close', () => clearInterval(timer));
      });
      const customers = createCustomers({ url: server.url, timeoutMs: 100 });
      await expectCode(customers.has('alexellis'), 'OFC_UPSTREAM');
    });
  });

  it('asks once for many requests at the same time', async () => {
    let requests = 0;
    server = await listen((_, response) => {
      requests += 1;
      response.end('alexellis');
    });
    const customers = createCustomers({ url: server.url });
    await Promise.all(Array.from({ length: 20 }, () => customers.has('alexellis')));
    expect(requests).to.equal(1);
  });

  it('has no default source', async () => {
    await expectCode(() => createCustomers({}), 'OFC_CONFIG');
    const of = (env: Record<string, string>) => loadConfig(customersSettings, env);
    const refreshMs = 60_000;
    expect(of({ customers_path: '/a', customers_url: 'http://b' })).to.deep.equal({
      path: '/a',
      refreshMs,
    });
    expect(of({ customers_url: 'http://b' })).to.deep.equal({ url: 'http://b', refreshMs });
    expect(of({ customers_refresh: '5m' })).to.deep.equal({
      path: '/var/openfaas/secrets/customers',
      refreshMs: 300_000,
    });
  });
});

describe('validate_customers', () => {
  const read = (text: string) =>
    loadConfig((settings) => settings.flag('validate_customers', true), {
      validate_customers: text,
    });

  it('is on unless it is false or 0', () => {
    expect(['', 'true', '1', '0', 'false'].map(read)).to.deep.equal([
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  // The original took any other text for true; a mistyped variable stops ours at its start.
  it('refuses other values', async () => {
    await expectCode(() => read('random'), 'OFC_CONFIG');
  });
});
