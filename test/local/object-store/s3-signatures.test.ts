import { expect } from 'chai';
import { bucketServer, get, put } from './bucket-server.ts';
import { type RawRequest, send, sendRaw } from './raw-request.ts';

describe('the S3 server under attack', () => {
  const server = bucketServer();

  it('takes what is signed right', async () => {
    expect((await sendRaw(server.url(), put('/bucket/right', 'right'))).status).to.equal(200);
    expect(await server.read('/bucket/right')).to.equal('right');
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
      const answer = await sendRaw(
        server.url(),
        { ...put('/bucket/refused', 'body'), ...raw },
        change,
      );
      expect([answer.status, answer.code]).to.deep.equal([status, code]);
      expect(answer.body).not.to.include('test-secret');
      expect((await sendRaw(server.url(), get('/bucket/refused'))).status).to.equal(404);
    });
  }

  it('refuses a changed date', async () => {
    const headers = { 'x-amz-date': anotherMinute() };
    const answer = await sendRaw(server.url(), put('/bucket/refused', 'body'), { headers });
    expect([answer.status, answer.code]).to.deep.equal([403, 'SignatureDoesNotMatch']);
  });

  it('refuses who does not sign, also after 100-continue', async () => {
    const answer = await send(
      server.url(),
      'PUT',
      '/bucket/refused',
      { expect: '100-continue' },
      'body',
    );
    expect(answer.code).to.equal('AccessDenied');
    expect((await send(server.url(), 'GET', '/bucket/right', {})).status).to.equal(403);
  });
});

function anotherMinute(): string {
  const now = new Date();
  const next = new Date(now.getTime() + 60_000);
  const isSameDay = next.getUTCDate() === now.getUTCDate();
  const other = isSameDay ? next : new Date(now.getTime() - 60_000);
  return other.toISOString().replace(/[-:]|\.\d+/g, '');
}
