import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { tempDir } from '../helpers/temp-dir.ts';

const script = join(import.meta.dirname, '../../secrets/generate.mjs');

describe('secrets/generate --buildkit', () => {
  let temp: Awaited<ReturnType<typeof tempDir>>;
  const generate = async (...args: string[]) => {
    const options = { cwd: temp.path };
    return (await promisify(execFile)(process.execPath, [script, ...args], options)).stdout;
  };
  const read = (name: string) => readFile(join(temp.path, name), 'utf8');
  const hosts = '*.buildkitd.example,127.0.0.1';

  before(async () => {
    temp = await tempDir();
    await generate('--buildkit', hosts);
  });
  after(() => temp.remove());

  /** What the server made of a client: `ok`, or the reason for which one of them hung up. */
  const meet = async (
    servername: string,
    client: { cert?: string; key?: string },
  ): Promise<string> => {
    const server = createServer(
      {
        ca: await read('.buildkitd/ca.pem'),
        cert: await read('.buildkitd/cert.pem'),
        key: await read('.buildkitd/key.pem'),
        requestCert: true,
        rejectUnauthorized: true,
      },
      (socket: TLSSocket) => socket.end('ok'),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const socket = connect({
      host: '127.0.0.1',
      port,
      servername,
      ca: await read('.secrets/buildkit-ca-cert'),
      ...client,
    });
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
      return Buffer.concat(chunks).toString() || 'nothing';
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? 'unknown';
    } finally {
      server.close();
    }
  };

  it('makes certificates with which client and daemon know each other', async () => {
    const client = {
      cert: await read('.secrets/buildkit-client-cert'),
      key: await read('.secrets/buildkit-client-key'),
    };
    expect(await meet('buildkitd-0.buildkitd.example', client)).to.equal('ok');
    expect(await meet('buildkitd-12.buildkitd.example', client)).to.equal('ok');
  });

  it('keeps out who has none, and is not fooled by another host', async () => {
    const client = {
      cert: await read('.secrets/buildkit-client-cert'),
      key: await read('.secrets/buildkit-client-key'),
    };
    expect(await meet('buildkitd-0.buildkitd.example', {})).to.not.equal('ok');
    expect(await meet('elsewhere.example', client)).to.equal('ERR_TLS_CERT_ALTNAME_INVALID');
    // The daemon's own pair is no client's.
    const server = {
      cert: await read('.buildkitd/cert.pem'),
      key: await read('.buildkitd/key.pem'),
    };
    expect(await meet('buildkitd-0.buildkitd.example', server)).to.not.equal('ok');
  });

  it('touches nothing that is there, and says nothing of keys', async () => {
    await writeFile(join(temp.path, '.buildkitd/key.pem'), 'mine');
    const before = await read('.secrets/buildkit-ca-cert');
    const stdout = await generate('--buildkit', hosts);
    expect(stdout).to.include('remove all of them').and.not.include('PRIVATE');
    expect(await read('.buildkitd/key.pem')).to.equal('mine');
    expect(await read('.secrets/buildkit-ca-cert')).to.equal(before);
  });
});
