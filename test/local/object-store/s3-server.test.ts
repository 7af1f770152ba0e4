import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { expect } from 'chai';
import { createLogger } from '#shared/log.ts';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import { createS3Server, type S3Server } from '../../../local/object-store/s3-server.ts';
import { eventually } from '../../helpers/eventually.ts';
import { tempDir } from '../../helpers/temp-dir.ts';
import { type RawRequest, send, sendRaw, sha256, sign } from './raw-request.ts';

const identity = { accessKey: 'test-access', secretKey: 'test-secret', region: 'us-east-1' };

describe('the S3 server under attack', () => {
  let folder: Awaited<ReturnType<typeof tempDir>>;
  let server: S3Server;
  let url: string;
  const log = createLogger();

  before(async () => {
    folder = await tempDir();
    server = await createS3Server({ folder: folder.path, ...identity, log });
    url = server.url;
    const made = await sendRaw(url, { method: 'PUT', path: '/bucket' });
    expect(made.status).to.equal(200);
  });

  after(async () => {
    await server.close();
    await folder.remove();
  });

  const put = (path: string, body: string): RawRequest => ({ method: 'PUT', path, body });
  const get = (path: string): RawRequest => ({ method: 'GET', path });
  const read = async (path: string) => (await sendRaw(url, get(path))).body;

  it('takes what is signed right', async () => {
    expect((await sendRaw(url, put('/bucket/right', 'right'))).status).to.equal(200);
    expect(await read('/bucket/right')).to.equal('right');
  });

  const refusals: [string, number, string, Partial<RawRequest>, Parameters<typeof sendRaw>[2]][] = [
    ['a wrong secret', 403, 'SignatureDoesNotMatch', { secretKey: 'guess' }, {}],
    ['a wrong access key', 403, 'InvalidAccessKeyId', { accessKey: 'who' }, {}],
    ['a wrong region', 400, 'AuthorizationHeaderMalformed', { region: 'mars' }, {}],
    ['an old date', 403, 'RequestTimeTooSkewed', { date: new Date(Date.now() - 16 * 60_000) }, {}],
    [
      'a future date',
      403,
      'RequestTimeTooSkewed',
      { date: new Date(Date.now() + 120 * 60_000) },
      {},
    ],
    ['a changed body', 400, 'XAmzContentSHA256Mismatch', {}, { body: 'evil' }],
    ['a changed path', 403, 'SignatureDoesNotMatch', {}, { path: '/bucket/other' }],
    ['an added query', 403, 'SignatureDoesNotMatch', {}, { path: '/bucket/refused?uploads=' }],
    [
      'a changed header',
      403,
      'SignatureDoesNotMatch',
      { headers: { 'content-type': 'a/b' } },
      { headers: { 'content-type': 'c/d' } },
    ],
    ['an unsigned x-amz header', 403, 'AccessDenied', {}, { headers: { 'x-amz-meta-a': 'b' } }],
    [
      'a malformed signature',
      400,
      'AuthorizationHeaderMalformed',
      {},
      { headers: { authorization: 'AWS4-HMAC-SHA256 x' } },
    ],
    [
      'basic auth',
      400,
      'AuthorizationHeaderMalformed',
      {},
      { headers: { authorization: 'Basic dGVzdDp0ZXN0' } },
    ],
    ['a payload mode that nobody knows', 400, 'InvalidArgument', { payload: 'STREAMING-EVIL' }, {}],
    [
      'a wrong Content-MD5',
      400,
      'BadDigest',
      { headers: { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' } },
      {},
    ],
    ['a wrong CRC', 400, 'BadDigest', { headers: { 'x-amz-checksum-crc32': 'AAAAAA==' } }, {}],
    [
      'a checksum it cannot check',
      501,
      'NotImplemented',
      { headers: { 'x-amz-checksum-crc64nvme': 'AAAAAA==' } },
      {},
    ],
    ['a condition it does not know', 501, 'NotImplemented', { headers: { 'if-match': '"a"' } }, {}],
    ['a copy', 501, 'NotImplemented', { headers: { 'x-amz-copy-source': '/bucket/right' } }, {}],
    [
      'too much metadata',
      400,
      'MetadataTooLarge',
      { headers: { 'x-amz-meta-a': 'x'.repeat(3000) } },
      {},
    ],
  ];
  for (const [what, status, code, raw, change] of refusals) {
    it(`refuses ${what}`, async () => {
      const answer = await sendRaw(url, { ...put('/bucket/refused', 'body'), ...raw }, change);
      expect([answer.status, answer.code]).to.deep.equal([status, code]);
      expect(answer.body).not.to.include('test-secret');
      expect((await sendRaw(url, get('/bucket/refused'))).status).to.equal(404);
    });
  }

  it('refuses a changed date', async () => {
    const headers = { 'x-amz-date': anotherMinute() };
    const answer = await sendRaw(url, put('/bucket/refused', 'body'), { headers });
    expect([answer.status, answer.code]).to.deep.equal([403, 'SignatureDoesNotMatch']);
  });

  it('refuses who does not sign, also after 100-continue', async () => {
    const answer = await send(url, 'PUT', '/bucket/refused', { expect: '100-continue' }, 'body');
    expect(answer.code).to.equal('AccessDenied');
    expect((await send(url, 'GET', '/bucket/right', {})).status).to.equal(403);
  });

  it('refuses sub-resources that it does not have, instead of answering with the object', async () => {
    for (const query of ['acl=', 'tagging=', 'versionId=1', 'response-content-type=text%2Fhtml']) {
      expect((await sendRaw(url, get(`/bucket/right?${query}`))).code, query).to.equal(
        'NotImplemented',
      );
    }
    expect((await sendRaw(url, get('/bucket'))).code).to.equal('NotImplemented'); // list type 1
    expect((await sendRaw(url, { method: 'DELETE', path: '/bucket' })).code).to.equal(
      'NotImplemented',
    );
  });

  it('refuses bad names', async () => {
    for (const path of ['/..', '/a', '/UPPER/x', '/b..c/x', '/buc%2Fket/x', '/%2E%2E/x']) {
      const { status } = await send(url, 'GET', path, sign(new URL(url).host, get(path)).headers);
      expect(status, path).to.be.within(400, 404);
    }
    const code = async (path: string) => (await sendRaw(url, get(path))).code;
    expect(await code(`/bucket/${'a'.repeat(1025)}`)).to.equal('KeyTooLongError');
    expect(await code('/bucket/%FF')).to.equal('InvalidURI');
    expect(await code('/bucket/%zz')).to.equal('InvalidURI');
  });

  it('keeps keys that look like paths inside its folder', async () => {
    const before = await tree(folder.path);
    for (const key of ['../../escape', '/etc/passwd', '..', '%00', 'a%0D%0Ab']) {
      const path = `/bucket/${encodeKey(key)}`;
      expect((await sendRaw(url, put(path, 'inside'))).status, key).to.equal(200);
      expect(await read(path), key).to.equal('inside');
    }
    const added = (await tree(folder.path)).filter((path) => !before.includes(path));
    expect(added).not.to.deep.equal([]);
    expect(added.every((path) => path.startsWith('buckets/bucket/'))).to.equal(true);
  });

  describe('presigned', () => {
    const presign = (
      path: string,
      { expires = '60', date = new Date(), secretKey = 'test-secret' } = {},
    ) => {
      const { host } = new URL(url);
      const { credential, date: stamp } = sign(host, { ...get(path), date });
      const query = [
        'X-Amz-Algorithm=AWS4-HMAC-SHA256',
        `X-Amz-Credential=${encodeURIComponent(credential)}`,
        `X-Amz-Date=${stamp}`,
        `X-Amz-Expires=${expires}`,
        'X-Amz-SignedHeaders=host',
      ].join('&');
      const canonical = `GET\n${path}\n${query}\nhost:${host}\n\nhost\nUNSIGNED-PAYLOAD`;
      const { seal } = sign(host, { ...get(path), date, secretKey });
      return `${path}?${query}&X-Amz-Signature=${seal('', sha256(canonical))}`;
    };
    const fetchIt = (path: string, headers = {}) => send(url, 'GET', path, headers);

    it('gives the object', async () => {
      expect((await fetchIt(presign('/bucket/right'))).body).to.equal('right');
    });

    it('refuses an expired one, one of the future and one for too long', async () => {
      const ago = new Date(Date.now() - 61_000);
      expect((await fetchIt(presign('/bucket/right', { date: ago }))).body).to.include('expired');
      const ahead = new Date(Date.now() + 120 * 60_000);
      expect((await fetchIt(presign('/bucket/right', { date: ahead }))).status).to.equal(403);
      for (const expires of ['0', '604801', 'x', '-1']) {
        expect((await fetchIt(presign('/bucket/right', { expires }))).status).to.equal(400);
      }
    });

    it('refuses one that was changed', async () => {
      const good = presign('/bucket/right');
      for (const changed of [
        good.replace('X-Amz-Expires=60', 'X-Amz-Expires=600'),
        good.replace('/bucket/right', '/bucket/secret'),
        good.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
        `${good}&X-Amz-Date=20300101T000000Z`,
        presign('/bucket/right', { secretKey: 'guess' }),
      ]) {
        expect((await fetchIt(changed)).status).to.be.within(400, 403);
      }
      expect((await send(url, 'PUT', good, {}, 'evil')).status).to.equal(400);
      expect((await fetchIt(good, { 'x-amz-checksum-mode': 'ENABLED' })).status).to.equal(403);
    });
  });

  describe('aws-chunked', () => {
    const data = 'hello chunked world';
    const payload = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';

    /** Chunks signed in a chain; `trailer` is signed at the end. */
    const signed = (path: string, { chunks = [data], length = data.length, trailer = '' } = {}) => {
      const raw: RawRequest = {
        method: 'PUT',
        path,
        payload: trailer === '' ? payload : `${payload}-TRAILER`,
        headers: {
          'content-encoding': 'aws-chunked',
          'x-amz-decoded-content-length': String(length),
          ...(trailer === '' ? {} : { 'x-amz-trailer': trailer.split(':')[0] ?? '' }),
        },
      };
      const { headers, seal, signature } = sign(new URL(url).host, raw);
      let previous = signature;
      let body = '';
      for (const chunk of [...chunks, '']) {
        previous = seal('-PAYLOAD', `${previous}\n${sha256('')}\n${sha256(chunk)}`);
        const end = chunk === '' ? '' : '\r\n';
        body += `${chunk.length.toString(16)};chunk-signature=${previous}\r\n${chunk}${end}`;
      }
      if (trailer !== '') {
        const last = seal('-TRAILER', `${previous}\n${sha256(`${trailer}\n`)}`);
        body += `${trailer}\r\nx-amz-trailer-signature:${last}\r\n`;
      }
      return { headers, body: `${body}\r\n` };
    };
    const unsigned = (body: string, trailer = `x-amz-checksum-crc32:${crc(data)}`) => {
      const raw: RawRequest = {
        method: 'PUT',
        path: '/bucket/chunked',
        payload: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        headers: {
          'x-amz-decoded-content-length': String(data.length),
          'x-amz-trailer': 'x-amz-checksum-crc32',
        },
      };
      const { headers } = sign(new URL(url).host, raw);
      return { headers, body: `${body}0\r\n${trailer}\r\n\r\n` };
    };
    const whole = `${data.length.toString(16)}\r\n${data}\r\n`;
    const run = ({ headers, body }: { headers: Record<string, string>; body: string }) =>
      send(url, 'PUT', '/bucket/chunked', { ...headers, 'content-length': `${body.length}` }, body);
    const gone = async () =>
      expect((await sendRaw(url, get('/bucket/chunked'))).status).to.equal(404);

    afterEach(() => sendRaw(url, { method: 'DELETE', path: '/bucket/chunked' }));

    it('takes signed chunks, with and without a signed trailer', async () => {
      const trailer = `x-amz-checksum-crc32:${crc(data)}`;
      for (const options of [{}, { chunks: ['hello ', 'chunked world'] }, { trailer }]) {
        expect((await run(signed('/bucket/chunked', options))).status).to.equal(200);
        expect(await read('/bucket/chunked')).to.equal(data);
      }
    });

    it('takes unsigned chunks with a checksum', async () => {
      expect((await run(unsigned(whole))).status).to.equal(200);
      expect(await read('/bucket/chunked')).to.equal(data);
    });

    const spoiled: [string, string, () => { headers: Record<string, string>; body: string }][] = [
      [
        'a changed chunk',
        'SignatureDoesNotMatch',
        () => spoil(signed('/bucket/chunked'), 'hello', 'HELLO'),
      ],
      [
        'a wrong signature of a chunk',
        'SignatureDoesNotMatch',
        () => spoil(signed('/bucket/chunked'), /chunk-signature=.{8}/, 'chunk-signature=00000000'),
      ],
      [
        'a chunk without a signature',
        'SignatureDoesNotMatch',
        () => spoil(signed('/bucket/chunked'), /;chunk-signature=.{64}/, ''),
      ],
      [
        'chunks in another order',
        'SignatureDoesNotMatch',
        () => swap(signed('/bucket/chunked', { chunks: ['aaaaa', 'bbbbb'], length: 10 })),
      ],
      [
        'a changed trailer',
        'SignatureDoesNotMatch',
        () =>
          spoil(
            signed('/bucket/chunked', { trailer: `x-amz-checksum-crc32:${crc(data)}` }),
            /crc32:.{4}/,
            'crc32:AAAA',
          ),
      ],
      [
        'more data than declared',
        'IncompleteBody',
        () => signed('/bucket/chunked', { length: data.length - 1 }),
      ],
      [
        'less data than declared',
        'IncompleteBody',
        () => signed('/bucket/chunked', { length: data.length + 1 }),
      ],
      [
        'an end in the middle of a chunk',
        'IncompleteBody',
        () => ({ ...unsigned(''), body: whole.slice(0, -9) }),
      ],
      ['a missing last chunk', 'IncompleteBody', () => ({ ...unsigned(''), body: whole })],
      [
        'a bad CRC in the trailer',
        'BadDigest',
        () => unsigned(whole, `x-amz-checksum-crc32:${crc('x')}`),
      ],
      ['a missing trailer', 'InvalidRequest', () => unsigned(whole, 'x-other:1')],
      ['a chunk size that is no number', 'InvalidRequest', () => unsigned('-5\r\nhello\r\n')],
      ['a chunk that is longer than it says', 'InvalidRequest', () => unsigned(`2\r\n${data}\r\n`)],
      ['an endless chunk header', 'InvalidRequest', () => unsigned('1'.repeat(20_000))],
    ];
    for (const [what, code, make] of spoiled) {
      it(`refuses ${what}`, async () => {
        expect((await run(make())).code).to.equal(code);
        await gone();
      });
    }
  });

  it('keeps nothing of an upload that breaks off', async () => {
    const { headers } = sign(new URL(url).host, {
      ...put('/bucket/broken', ''),
      payload: 'UNSIGNED-PAYLOAD',
    });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    await once(socket, 'connect');
    const lines = Object.entries({ ...headers, 'content-length': '1000000' }).map((h) =>
      h.join(': '),
    );
    const part = 'x'.repeat(500_000); // what is small is not written before it is whole
    socket.write(`PUT /bucket/broken HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${part}`);
    await eventually(async () => expect(await readdir(join(folder.path, 'tmp'))).to.have.length(1));
    socket.destroy();
    await eventually(async () => expect(await readdir(join(folder.path, 'tmp'))).to.have.length(0));
    expect((await sendRaw(url, get('/bucket/broken'))).status).to.equal(404);
  });

  it('answers before the end of a body that is too long', async () => {
    const body = 'x'.repeat(9 * 1024 * 1024);
    const answer = await sendRaw(url, { method: 'POST', path: '/bucket?delete=', body });
    expect(answer.code).to.equal('EntityTooLarge');
  });

  it('reads nothing of a multi-delete with declarations or other XML tricks', async () => {
    for (const body of [
      '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&x;</Key></Object></Delete>',
      '<Delete><Object><Key>&unknown;</Key></Object></Delete>',
      '<Delete><Object><Key>&#x110000;</Key></Object></Delete>',
      '<Delete></Delete>',
      'nothing',
    ]) {
      const answer = await sendRaw(url, { method: 'POST', path: '/bucket?delete=', body });
      expect(answer.code, body).to.equal('MalformedXML');
    }
  });

  it('takes a file that a power cut has torn as absent, and replaces it', async () => {
    await sendRaw(url, put('/bucket/torn', 'whole'));
    const path = join(folder.path, 'buckets/bucket/torn=');
    for (const tear of [
      () => truncate(path, 0),
      async () => truncate(path, (await stat(path)).size - 1),
      async () => writeFile(path, (await readFile(path)).subarray(1)),
    ]) {
      await sendRaw(url, put('/bucket/torn', 'whole'));
      await tear();
      expect((await sendRaw(url, get('/bucket/torn'))).status).to.equal(404);
    }
    const create = { ...put('/bucket/torn', 'new'), headers: { 'if-none-match': '*' } };
    expect((await sendRaw(url, create)).status).to.equal(200);
    expect((await sendRaw(url, create)).status).to.equal(412);
    expect(await read('/bucket/torn')).to.equal('new');
  });

  it('keeps everything over a restart, and clears unfinished writes away', async () => {
    await sendRaw(url, put('/bucket/kept/x', 'kept'));
    await server.close();
    await writeFile(join(folder.path, 'tmp', 'rest'), 'x');
    server = await createS3Server({ folder: folder.path, ...identity, log });
    url = server.url;
    expect(await read('/bucket/kept/x')).to.equal('kept');
    expect(await readdir(join(folder.path, 'tmp'))).to.deep.equal([]);
  });

  it('lets writers, readers and deleters of one folder run into each other', async () => {
    const store = createS3ObjectStore({ endpoint: url, bucket: 'bucket', ...identity });
    const body = randomBytes(100_000);
    const work = Array.from({ length: 60 }, async (_, i) => {
      const key = `busy/deep/${i % 3}`;
      if (i % 2 === 0) await store.put(key, body);
      else await store.delete(key);
      const found = await store.get(key);
      expect(found === undefined || found.equals(body)).to.equal(true);
    });
    await Promise.all(work);
    await store.put('busy/deep/last', 'x');
    expect(await store.list('busy/deep/l')).to.deep.equal(['busy/deep/last']);
  });
});

function anotherMinute(): string {
  const now = new Date();
  const next = new Date(now.getTime() + 60_000);
  const isSameDay = next.getUTCDate() === now.getUTCDate();
  const other = isSameDay ? next : new Date(now.getTime() - 60_000);
  return other.toISOString().replace(/[-:]|\.\d+/g, '');
}

function crc(text: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(text));
  return bytes.toString('base64');
}

function encodeKey(key: string): string {
  return key.includes('%') ? key : key.split('/').map(encodeURIComponent).join('/');
}

function spoil<T extends { body: string }>(request: T, what: string | RegExp, by: string): T {
  const body = request.body.replace(what, by);
  if (body === request.body) throw new Error('Nothing was spoiled.');
  return { ...request, body };
}

function swap<T extends { body: string }>(request: T): T {
  const [first = '', second = ''] = request.body.split(/(?<=aaaaa\r\n)|(?<=bbbbb\r\n)/);
  return { ...request, body: request.body.replace(first + second, second + first) };
}

async function tree(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).filter((path) => !path.startsWith('tmp'));
}
