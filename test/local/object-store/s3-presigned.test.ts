import { expect } from 'chai';
import { bucketServer, get } from './bucket-server.ts';
import { send, sha256, sign } from './raw-request.ts';

describe('the S3 server under attack', () => {
  const server = bucketServer();

  describe('presigned', () => {
    const presign = (
      path: string,
      { expires = '60', date = new Date(), secretKey = 'test-secret' } = {},
    ) => {
      const { host } = new URL(server.url());
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
    const fetchIt = (path: string, headers = {}) => send(server.url(), 'GET', path, headers);

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
      expect((await send(server.url(), 'PUT', good, {}, 'evil')).status).to.equal(400);
      expect((await fetchIt(good, { 'x-amz-checksum-mode': 'ENABLED' })).status).to.equal(403);
    });
  });
});
