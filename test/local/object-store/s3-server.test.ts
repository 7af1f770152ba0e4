import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import { eventually } from '../../helpers/eventually.ts';
import { bucketServer, get, identity, put } from './bucket-server.ts';
import { send, sendRaw, sign } from './raw-request.ts';

describe('the S3 server under attack', () => {
  const server = bucketServer();

  it('refuses sub-resources that it does not have, instead of answering with the object', async () => {
    for (const query of ['acl=', 'tagging=', 'versionId=1', 'response-content-type=text%2Fhtml']) {
      expect((await sendRaw(server.url(), get(`/bucket/right?${query}`))).code, query).to.equal(
        'NotImplemented',
      );
    }
    expect((await sendRaw(server.url(), get('/bucket'))).code).to.equal('NotImplemented'); // list type 1
    expect((await sendRaw(server.url(), { method: 'DELETE', path: '/bucket' })).code).to.equal(
      'NotImplemented',
    );
  });

  it('refuses bad names', async () => {
    for (const path of ['/..', '/a', '/UPPER/x', '/b..c/x', '/buc%2Fket/x', '/%2E%2E/x']) {
      const { status } = await send(
        server.url(),
        'GET',
        path,
        sign(new URL(server.url()).host, get(path)).headers,
      );
      expect(status, path).to.be.within(400, 404);
    }
    const code = async (path: string) => (await sendRaw(server.url(), get(path))).code;
    expect(await code(`/bucket/${'a'.repeat(1025)}`)).to.equal('KeyTooLongError');
    expect(await code('/bucket/%FF')).to.equal('InvalidURI');
    expect(await code('/bucket/%zz')).to.equal('InvalidURI');
  });

  it('keeps keys that look like paths inside its folder', async () => {
    const before = await tree(server.folder());
    for (const key of ['../../escape', '/etc/passwd', '..', '%00', 'a%0D%0Ab']) {
      const path = `/bucket/${encodeKey(key)}`;
      expect((await sendRaw(server.url(), put(path, 'inside'))).status, key).to.equal(200);
      expect(await server.read(path), key).to.equal('inside');
    }
    const added = (await tree(server.folder())).filter((path) => !before.includes(path));
    expect(added).not.to.deep.equal([]);
    expect(added.every((path) => path.startsWith('buckets/bucket/'))).to.equal(true);
  });

  it('keeps nothing of an upload that breaks off', async () => {
    const { headers } = sign(new URL(server.url()).host, {
      ...put('/bucket/broken', ''),
      payload: 'UNSIGNED-PAYLOAD',
    });
    const socket = connect(Number(new URL(server.url()).port), '127.0.0.1');
    await once(socket, 'connect');
    const lines = Object.entries({ ...headers, 'content-length': '1000000' }).map((h) =>
      h.join(': '),
    );
    const part = 'x'.repeat(500_000); // what is small is not written before it is whole
    socket.write(`PUT /bucket/broken HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${part}`);
    await eventually(async () =>
      expect(await readdir(join(server.folder(), 'tmp'))).to.have.length(1),
    );
    socket.destroy();
    await eventually(async () =>
      expect(await readdir(join(server.folder(), 'tmp'))).to.have.length(0),
    );
    expect((await sendRaw(server.url(), get('/bucket/broken'))).status).to.equal(404);
  });

  it('answers before the end of a body that is too long', async () => {
    const body = 'x'.repeat(9 * 1024 * 1024);
    const answer = await sendRaw(server.url(), { method: 'POST', path: '/bucket?delete=', body });
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
      const answer = await sendRaw(server.url(), { method: 'POST', path: '/bucket?delete=', body });
      expect(answer.code, body).to.equal('MalformedXML');
    }
  });

  it('takes a file that a power cut has torn as absent, and replaces it', async () => {
    await sendRaw(server.url(), put('/bucket/torn', 'whole'));
    const path = join(server.folder(), 'buckets/bucket/torn=');
    for (const tear of [
      () => truncate(path, 0),
      async () => truncate(path, (await stat(path)).size - 1),
      async () => writeFile(path, (await readFile(path)).subarray(1)),
    ]) {
      await sendRaw(server.url(), put('/bucket/torn', 'whole'));
      await tear();
      expect((await sendRaw(server.url(), get('/bucket/torn'))).status).to.equal(404);
    }
    const create = { ...put('/bucket/torn', 'new'), headers: { 'if-none-match': '*' } };
    expect((await sendRaw(server.url(), create)).status).to.equal(200);
    expect((await sendRaw(server.url(), create)).status).to.equal(412);
    expect(await server.read('/bucket/torn')).to.equal('new');
  });

  it('keeps everything over a restart, and clears unfinished writes away', async () => {
    await sendRaw(server.url(), put('/bucket/kept/x', 'kept'));
    await server.restart(() => writeFile(join(server.folder(), 'tmp', 'rest'), 'x'));
    expect(await server.read('/bucket/kept/x')).to.equal('kept');
    expect(await readdir(join(server.folder(), 'tmp'))).to.deep.equal([]);
  });

  it('lets writers, readers and deleters of one folder run into each other', async () => {
    const store = createS3ObjectStore({ endpoint: server.url(), bucket: 'bucket', ...identity });
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

function encodeKey(key: string): string {
  return key.includes('%') ? key : key.split('/').map(encodeURIComponent).join('/');
}

async function tree(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).filter((path) => !path.startsWith('tmp'));
}
