import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseOwner } from '#shared/names.ts';
import { ownerKeys, parsePrivateKey, parsePublicKey } from '#shared/sealed-box.ts';
import importSecrets from '../../../functions/import-secrets/handler.ts';
import { callHandler } from '../../helpers/call-handler.ts';
import { send } from '../../helpers/http-client.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';
import { writePlatformSecrets } from '../../helpers/platform-environment.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

/** What a test sets does not reach the next one. */
const environment = { ...process.env };

describe('the key to seal with', () => {
  const [now, earlier] = [randomBytes(32), randomBytes(32)].map((key) => key.toString('base64'));
  let folder: Awaited<ReturnType<typeof tempDir>>;
  let server: TestServer;
  before(async () => {
    folder = await tempDir();
    await writePlatformSecrets(folder.path);
    await writeFile(join(folder.path, 'sealing-private-key'), now ?? '');
    await writeFile(join(folder.path, 'sealing-private-key-previous'), earlier ?? '');
    Object.assign(process.env, { secret_mount_path: folder.path, s3_url: '127.0.0.1:1' });
    server = await listen(async (request, response) => {
      const { status, body } = await callHandler(importSecrets, request);
      response.writeHead(status).end(body);
    });
  });
  after(async () => {
    await server.close();
    for (const name of Object.keys(process.env)) delete process.env[name];
    Object.assign(process.env, environment);
    await folder.remove();
  });

  it('is in a rotation the new one, and each owner’s own', async () => {
    const keyFor = async (owner: string) => {
      const { status, body } = await send(server.port, `/?owner=${encodeURIComponent(owner)}`);
      expect(status, body).to.equal(200);
      return parsePublicKey(body);
    };
    const ofPlatform = parsePrivateKey(now ?? '');
    for (const owner of ['alice', 'alice-b', 'acme/tools']) {
      expect(await keyFor(owner)).to.deep.equal(ownerKeys(ofPlatform, parseOwner(owner)).publicKey);
    }
    expect(await keyFor('Alice')).to.deep.equal(await keyFor('alice'));
    expect(await keyFor('alice')).to.not.deep.equal(await keyFor('alice-b'));
    expect(await keyFor('alice')).to.not.deep.equal(ofPlatform.publicKey);
  });

  it('is nobody’s without an owner; and nothing is done without a signature', async () => {
    for (const query of ['', '?owner=', '?owner=..', '?owner=system']) {
      expect((await send(server.port, `/${query}`)).status).to.equal(422);
    }
    const body = '{"do":"prune"}';
    expect((await send(server.port, '/', { method: 'POST', body })).status).to.equal(401);
    expect((await send(server.port, '/', { method: 'DELETE' })).status).to.equal(405);
  });
});
