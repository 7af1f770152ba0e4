import { crc32 } from 'node:zlib';
import { expect } from 'chai';
import { bucketServer, get } from './bucket-server.ts';
import { type RawRequest, send, sendRaw, sha256, sign } from './raw-request.ts';

describe('the S3 server under attack', () => {
  const server = bucketServer();

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
      const { headers, seal, signature } = sign(new URL(server.url()).host, raw);
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
      const { headers } = sign(new URL(server.url()).host, raw);
      return { headers, body: `${body}0\r\n${trailer}\r\n\r\n` };
    };
    const whole = `${data.length.toString(16)}\r\n${data}\r\n`;
    const run = ({ headers, body }: { headers: Record<string, string>; body: string }) =>
      send(
        server.url(),
        'PUT',
        '/bucket/chunked',
        { ...headers, 'content-length': `${body.length}` },
        body,
      );
    const gone = async () =>
      expect((await sendRaw(server.url(), get('/bucket/chunked'))).status).to.equal(404);

    afterEach(() => sendRaw(server.url(), { method: 'DELETE', path: '/bucket/chunked' }));

    it('takes signed chunks, with and without a signed trailer', async () => {
      const trailer = `x-amz-checksum-crc32:${crc(data)}`;
      for (const options of [{}, { chunks: ['hello ', 'chunked world'] }, { trailer }]) {
        expect((await run(signed('/bucket/chunked', options))).status).to.equal(200);
        expect(await server.read('/bucket/chunked')).to.equal(data);
      }
    });

    it('takes unsigned chunks with a checksum', async () => {
      expect((await run(unsigned(whole))).status).to.equal(200);
      expect(await server.read('/bucket/chunked')).to.equal(data);
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
});

function crc(text: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(text));
  return bytes.toString('base64');
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
