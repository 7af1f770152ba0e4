import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { createDaemon } from '#shared/buildkit/daemon.ts';
import { parseDaemonAddress } from '#shared/buildkit/daemon-address.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { type FakeBuildkit, startFakeBuildkit } from '../../helpers/fake-buildkit.ts';
import { tempDir } from '../../helpers/temp-dir.ts';
import { type CertifiedKey, createTestAuthority } from '../../helpers/test-certificates.ts';
import { builderAt, filesOf } from './stage.ts';

const answer = { 'containerimage.digest': `sha256:${'a'.repeat(64)}` };

describe('ways to BuildKit', () => {
  let temp: Awaited<ReturnType<typeof tempDir>>;
  let seen: string[];
  before(async () => {
    temp = await tempDir();
  });
  after(() => temp.remove());
  beforeEach(() => {
    seen = [];
  });

  /** A build that has the daemon call back through the same connection. */
  const startFake = (options: Partial<Parameters<typeof startFakeBuildkit>[0]> = {}) =>
    startFakeBuildkit({
      build: async ({ session, request }) => {
        seen = Object.keys(
          await filesOf(await session.pull(request.FrontendAttrs['context'] ?? '')),
        );
        return answer;
      },
      ...options,
    });
  const buildAt = async (address: string, tls?: Parameters<typeof builderAt>[2]) => {
    const builder = builderAt([address], { waitMs: 0 }, tls);
    try {
      return await builder.build();
    } finally {
      await builder.close();
    }
  };

  it('TCP', async () => {
    const fake = await startFake();
    try {
      expect((await buildAt(fake.address)).digest).to.equal(answer['containerimage.digest']);
      expect(seen).to.deep.equal(['Dockerfile']);
    } finally {
      await fake.stop();
    }
  });

  it('a Unix socket', async () => {
    const fake = await startFake({ listen: `unix:${join(temp.path, 'buildkitd.sock')}` });
    try {
      await buildAt(fake.address);
      expect(seen).to.deep.equal(['Dockerfile']);
    } finally {
      await fake.stop();
    }
  });

  it('Docker Engine’s socket, upgraded by POST /grpc', async () => {
    const fake = await startFake({ listen: `unix:${join(temp.path, 'inner.sock')}` });
    const upgrades: string[] = [];
    const engine: Server = createServer().on('upgrade', (request, socket) => {
      upgrades.push(`${request.method} ${request.url} ${request.headers.upgrade}`);
      const inner = connect(join(temp.path, 'inner.sock'));
      socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
      socket.pipe(inner).pipe(socket);
      for (const end of [socket, inner]) end.on('error', () => undefined);
    });
    const path = join(temp.path, 'docker.sock');
    await new Promise<void>((resolve) => engine.listen(path, resolve));
    try {
      await buildAt(`docker://${path}`);
      expect(seen).to.deep.equal(['Dockerfile']);
      expect(upgrades).to.deep.equal(['POST /grpc h2c']);
    } finally {
      await fake.stop();
      engine.closeAllConnections();
      engine.close();
    }
  });

  it('no Docker Engine: it is gone, and may be asked again', async () => {
    await expectCode(buildAt(`docker://${join(temp.path, 'nothing.sock')}`), 'OFC_UPSTREAM');
    const plain = createServer((_, response) => response.writeHead(404).end());
    const path = join(temp.path, 'plain.sock');
    await new Promise<void>((resolve) => plain.listen(path, resolve));
    try {
      await expectCode(buildAt(`docker://${path}`), 'OFC_UPSTREAM');
    } finally {
      plain.close();
    }
  });

  describe('mutual TLS', () => {
    let fake: FakeBuildkit;
    let address: string;
    let ca: string;
    let client: CertifiedKey;
    let stranger: CertifiedKey & { readonly ca: string };
    before(async () => {
      const authority = await createTestAuthority();
      const other = await createTestAuthority();
      ca = authority.cert;
      client = await authority.issue('of-builder');
      stranger = { ...(await other.issue('stranger')), ca: other.cert };
      fake = await startFake({ tls: { ca, ...(await authority.issue('buildkitd')) } });
      address = fake.address.replace('127.0.0.1', 'localhost');
    });
    after(() => fake.stop());

    it('with both certificates', async () => {
      await buildAt(address, { ca, ...client });
      expect(seen).to.deep.equal(['Dockerfile']);
    });

    it('not to a daemon that another authority vouches for', async () => {
      const error = await expectCode(
        buildAt(address, { ...client, ca: stranger.ca }),
        'OFC_CONFIG',
      );
      expect(error.text).to.match(/buildkit-ca-cert/);
    });

    it('not without a certificate of ours, or with a stranger’s', async () => {
      for (const tls of [{ ca }, { ca, cert: stranger.cert, key: stranger.key }]) {
        const error = await buildAt(address, tls).catch((thrown: unknown) => thrown);
        expect(error).to.have.property('code').that.is.oneOf(['OFC_CONFIG', 'OFC_UPSTREAM']);
      }
      expect(seen).to.deep.equal([]);
    });

    it('not in the clear', async () => {
      await expectCode(buildAt(address), 'OFC_UPSTREAM');
    });
  });

  it('asks a daemon what it can do', async () => {
    for (const age of ['new', 'old'] as const) {
      const fake = await startFake({ age });
      const daemon = createDaemon(parseDaemonAddress(fake.address));
      expect(await daemon.abilities(5000)).to.deep.equal({
        engineSocket: undefined,
        attestations: age === 'new',
      });
      await daemon.close();
      await fake.stop();
    }
  });
});
