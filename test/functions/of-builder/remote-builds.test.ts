import { createHmac } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import type { Builder, BuildRequest } from '#shared/builder/builder.ts';
import { CloudError } from '#shared/errors.ts';
import { parsePrivateKey, sealSecrets } from '#shared/sealed-box.ts';
import { createOwnerSlots } from '../../../functions/of-builder/owner-slots.ts';
import {
  type RemoteBuilds,
  serveRemoteBuilds,
} from '../../../functions/of-builder/remote-builds.ts';
import { serveRaw } from '../../helpers/call-raw-handler.ts';
import { eventually } from '../../helpers/eventually.ts';
import { begin, send } from '../../helpers/http-client.ts';
import type { TestServer } from '../../helpers/listen.ts';
import { filesOf } from '../../shared/buildkit/stage.ts';
import { tarOf } from '../../shared/tar/tar-of.ts';

const secret = 'payload secret';
const image = 'registry.example/alice/hello:1';
const digest = `sha256:${'d'.repeat(64)}`;
const keys = parsePrivateKey(Buffer.alloc(32, 7).toString('base64'));
/** What Go's scanner takes of a line; more ends the stream for faas-cli, which then says "success". */
const scannerLimit = 64 * 1024;

type Entries = Parameters<typeof tarOf>[0];
const config = (changes: object = {}): Entries[number] => ({
  name: 'com.openfaas.docker.config',
  mode: 0o664,
  content: JSON.stringify({
    image,
    buildArgs: { ADDITIONAL_PACKAGE: '' },
    platforms: ['linux/amd64'],
    ...changes,
  }),
});
const context: Entries = [
  { name: 'context', type: 'directory', uid: 1000, uname: 'me', mtime: new Date() },
  { name: 'context/Dockerfile', content: 'FROM scratch\n', uid: 1000, uname: 'me' },
];

describe('of-builder’s HTTP protocol', () => {
  let server: TestServer;
  let asked: BuildRequest[];
  let seen: Record<string, string>;
  let answer: Builder['build'];
  let deps: RemoteBuilds;

  beforeEach(async () => {
    asked = [];
    answer = async () => ({ image, digest });
    deps = {
      builder: {
        build: async (request) => {
          asked.push(request);
          seen = await filesOf(await buffer(await request.context.open()));
          return answer(request);
        },
      },
      payloadSecret: secret,
      sealingKeys: [keys],
      slots: createOwnerSlots(2, 1),
      limits: { maxEntries: 100, maxFileBytes: 1e6, maxTotalBytes: 1e6, maxDepth: 9 },
      timeoutMs: 10_000,
    };
    server = await serveRaw((request, response, call) =>
      serveRemoteBuilds(deps, request.url ?? '', request, response, call),
    );
  });
  afterEach(() => server.close());

  /** As faas-cli's SDK sends it, byte for byte. */
  const headersFor = (body: Buffer, changes: Record<string, string | undefined> = {}) => {
    const mac = createHmac('sha256', secret).update(body).digest('hex');
    const headers = {
      'content-type': 'application/octet-stream',
      accept: 'application/x-ndjson',
      'user-agent': 'openfaas-go-sdk',
      'x-build-signature': `sha256=${mac}`,
      'content-length': String(body.length),
      ...changes,
    };
    return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
  };
  const post = async (
    entries: Entries = [...context, config()],
    changes?: Record<string, string | undefined>,
  ) => {
    const body = await tarOf(entries);
    return send(server.port, '/build', {
      method: 'POST',
      headers: headersFor(body, changes),
      body,
    });
  };
  const objects = (body: string): Record<string, unknown>[] =>
    body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  const withoutTime = ({ duration, ...rest }: Record<string, unknown>) => {
    expect(duration).to.be.a('number');
    return rest;
  };

  it('answers a stream of JSON lines that ends with success, the image and its digest', async () => {
    answer = async ({ onLog }) => {
      onLog('#1 RUN a');
      onLog('');
      return { image, digest };
    };
    const { status, headers, body } = await post();
    expect(status).to.equal(200);
    expect(headers['content-type']).to.equal('application/x-ndjson');
    expect(
      objects(body).map((each) => (each['status'] === 'success' ? withoutTime(each) : each)),
    ).to.deep.equal([
      { log: ['#1 RUN a'], status: 'in_progress' },
      { log: [''], status: 'in_progress' },
      { status: 'success', image, digest },
    ]);
    expect(body.endsWith('\n')).to.equal(true);
    expect(asked[0]).to.deep.include({
      image,
      scope: 'alice/hello',
      buildArgs: { ADDITIONAL_PACKAGE: '' },
      platforms: ['linux/amd64'],
    });
    expect(seen).to.deep.equal({ 'context/Dockerfile': 'FROM scratch\n' });
  });

  it('answers a single object with the whole log to who asks for no stream', async () => {
    answer = async ({ onLog }) => {
      for (const line of ['a', 'b']) onLog(line);
      return { image, digest };
    };
    const { headers, body } = await post(undefined, { accept: undefined });
    expect(headers['content-type']).to.equal('application/json');
    expect(objects(body).map(withoutTime)).to.deep.equal([
      { log: ['a', 'b'], status: 'success', image, digest },
    ]);
  });

  it('takes entries in any order, with "./" in front, as plain tar makes them', async () => {
    const dotted = [config(), ...context].map((entry) => ({ ...entry, name: `./${entry.name}` }));
    expect(objects((await post(dotted)).body).at(-1)).to.include({ status: 'success' });
    expect(seen).to.have.property('context/Dockerfile');
  });

  it('gives each line to the caller while the build runs', async () => {
    let goOn: () => void = () => undefined;
    answer = async ({ onLog }) => {
      onLog('early');
      await new Promise<void>((resolve) => {
        goOn = resolve;
      });
      return { image, digest };
    };
    const body = await tarOf([...context, config()]);
    const options = { method: 'POST', headers: headersFor(body) };
    const stream = await begin(server.port, '/build', options, body);
    let text = '';
    stream.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    await eventually(() => expect(text).to.equal('{"log":["early"],"status":"in_progress"}\n'));
    goOn();
    await eventually(() => expect(text).to.contain('"status":"success"'));
  });

  describe('traps', () => {
    it('a failed build says exactly "failed", with the reason, as the last thing', async () => {
      answer = async ({ onLog }) => {
        onLog('#1 ERROR');
        throw new CloudError('OFC_BUILD_FAILED', 'exit code 1.', { hint: 'See the build log.' });
      };
      const { status, body } = await post();
      expect(status).to.equal(200);
      expect(withoutTime(objects(body).at(-1) ?? {})).to.deep.equal({
        status: 'failed',
        image,
        error: 'exit code 1. See the build log.',
      });
    });

    it('a fault of ours ends with "failed" too, and shows nothing of it', async () => {
      answer = () => Promise.reject(new Error('a password'));
      const last = objects((await post()).body).at(-1);
      expect(last).to.include({ status: 'failed' });
      expect(JSON.stringify(last)).to.not.contain('password');
    });

    it('a build that takes too long ends with "failed"', async () => {
      deps = { ...deps, timeoutMs: 50 };
      answer = ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new CloudError('OFC_TIMEOUT', 'Ended.')));
        });
      expect(objects((await post()).body).at(-1)).to.include({
        status: 'failed',
        error: 'The build took longer than 0.05 s.',
      });
    });

    it('no line is empty, and none comes near 64 KiB, whatever the build prints', async () => {
      const nasty = [
        '\u0001'.repeat(100_000),
        '€'.repeat(100_000),
        '😀'.repeat(50_000),
        '\n\n',
        '',
      ];
      answer = async ({ onLog }) => {
        for (const line of nasty) onLog(line);
        throw new CloudError('OFC_BUILD_FAILED', '\u0001'.repeat(100_000));
      };
      const { body } = await post();
      expect(body).to.not.match(/^\s*$(?!\s*$(?![\s\S]))/m);
      for (const line of body.trimEnd().split('\n')) {
        expect(line).to.not.equal('');
        expect(Buffer.byteLength(line)).to.be.below(scannerLimit - 1024);
      }
      const told = objects(body).flatMap(({ log }) => (log as string[] | undefined) ?? []);
      expect(told.join('')).to.equal(nasty.join(''));
      expect(objects(body).at(-1)).to.include({ status: 'failed' });
    });

    it('a log without end is cut, and the end still told', async () => {
      answer = async ({ onLog }) => {
        for (let n = 0; n < 6000; n += 1) onLog('x'.repeat(1000));
        return { image, digest };
      };
      const { body } = await post();
      expect(body.length).to.be.below(6 * 1024 * 1024);
      expect(body).to.contain('the log is cut here');
      expect(objects(body).at(-1)).to.include({ status: 'success' });
    });
  });

  it('ends the build when the caller goes', async () => {
    let running = false;
    let ended = false;
    answer = ({ signal }) =>
      new Promise((_, reject) => {
        running = true;
        signal.addEventListener('abort', () => {
          ended = true;
          reject(new CloudError('OFC_TIMEOUT', 'Ended.'));
        });
      });
    const body = await tarOf([...context, config()]);
    const outgoing = httpRequest({
      host: '127.0.0.1',
      port: server.port,
      path: '/build',
      method: 'POST',
      headers: headersFor(body),
    });
    outgoing.on('error', () => undefined);
    outgoing.end(body);
    const stream = await new Promise<IncomingMessage>((resolve) =>
      outgoing.on('response', resolve),
    );
    stream.on('error', () => undefined);
    await eventually(() => expect(running).to.equal(true));
    outgoing.destroy();
    await eventually(() => expect(ended).to.equal(true));
  });

  it('opens sealed build secrets, and only with its own key', async () => {
    const value = Buffer.from('a build secret');
    const sealed = (key = keys) => ({
      name: 'com.openfaas.secrets',
      mode: 0o600,
      content: sealSecrets(key.publicKey, { npmrc: value }),
    });
    expect(objects((await post([...context, config(), sealed()])).body).at(-1)).to.include({
      status: 'success',
    });
    expect(asked[0]?.secrets).to.deep.equal(new Map([['npmrc', value]]));
    const other = parsePrivateKey(Buffer.alloc(32, 9).toString('base64'));
    expect(objects((await post([...context, config(), sealed(other)])).body).at(-1)).to.include({
      status: 'failed',
    });
    deps = { ...deps, sealingKeys: [] };
    const { body } = await post([...context, config(), sealed()]);
    expect(objects(body).at(-1)?.['error']).to.contain('builder-private-key');
    expect(asked).to.have.lengthOf(1);
  });

  it('builds without a push where asked to', async () => {
    await post([...context, config({ skipPush: true, labels: { a: 'b' } })]);
    expect(asked[0]).to.deep.include({ skipPush: true, labels: { a: 'b' } });
  });

  it('tells its public key as faas-cli reads it, and that it lives', async () => {
    const { status, body } = await send(server.port, '/publickey');
    expect(status).to.equal(200);
    const text = Buffer.from(keys.publicKey).toString('base64');
    expect(JSON.parse(body)).to.deep.equal({
      key_id: text.slice(0, 8),
      algorithm: 'nacl/box',
      public_key: text,
    });
    expect(await send(server.port, '/healthz')).to.include({ status: 200, body: 'OK' });
    deps = { ...deps, sealingKeys: [] };
    expect((await send(server.port, '/publickey')).status).to.equal(404);
  });

  it('answers 429 with Retry-After while the image’s repository has its build, or all slots are taken', async () => {
    const waiting: (() => void)[] = [];
    answer = () => new Promise((resolve) => waiting.push(() => resolve({ image, digest })));
    const first = post();
    await eventually(() => expect(waiting).to.have.lengthOf(1));
    const same = await post();
    expect(same.status).to.equal(429);
    expect(Number(same.headers['retry-after'])).to.be.above(0);
    const second = post([...context, config({ image: 'registry.example/bob/other:1' })]);
    await eventually(() => expect(waiting).to.have.lengthOf(2));
    const third = await post([...context, config({ image: 'registry.example/eve/other:1' })]);
    expect(third.status).to.equal(429);
    for (const end of waiting) end();
    for (const each of [first, second]) expect((await each).status).to.equal(200);
    expect(asked).to.have.lengthOf(2);
  });

  describe('refuses, before anything is built,', () => {
    const refusals: [string, number, Record<string, string | undefined>, Entries?][] = [
      ['no signature', 401, { 'x-build-signature': undefined }],
      ['a wrong signature', 401, { 'x-build-signature': `sha256=${'0'.repeat(64)}` }],
      ['a signature in upper case', 401, { 'x-build-signature': `SHA256=${'A'.repeat(64)}` }],
      ['SHA-1', 401, { 'x-build-signature': `sha1=${'0'.repeat(40)}` }],
      ['a tar without a configuration', 400, {}, context],
      ['a link', 422, {}, [config(), { name: 'context/a', type: 'symlink', linkname: '/etc' }]],
      ['a path that leaves', 422, {}, [config(), { name: 'context/../../a' }]],
      ['an entry beside context/', 400, {}, [config(), { name: 'other/a' }]],
      ['an image that is none', 422, {}, [...context, config({ image: 'UPPER CASE' })]],
      [
        'a context over the limit',
        413,
        {},
        [config(), { name: 'context/a', content: Buffer.alloc(1_000_001) }],
      ],
    ];
    for (const [what, expected, changes, entries] of refusals) {
      it(what, async () => {
        expect((await post(entries, changes)).status).to.equal(expected);
        expect(asked).to.deep.equal([]);
      });
    }

    it('a body that was changed on the way', async () => {
      const body = await tarOf([...context, config()]);
      const headers = headersFor(body);
      body.writeUInt8(body.readUInt8(700) ^ 1, 700);
      expect(
        (await send(server.port, '/build', { method: 'POST', headers, body })).status,
      ).to.equal(401);
      expect(asked).to.deep.equal([]);
    });

    it('other methods and paths', async () => {
      expect((await send(server.port, '/build')).status).to.equal(405);
      expect((await send(server.port, '/publickey', { method: 'POST' })).status).to.equal(405);
      for (const path of ['/build/', '/build?a', '/ready', '/constructor']) {
        expect((await send(server.port, path, { method: 'POST' })).status, path).to.equal(404);
      }
    });
  });
});
