import { env } from 'node:process';
import { expect } from 'chai';
import type { BuildkitOptions } from '#shared/buildkit/buildkit-builder.ts';
import { parseDockerConfig } from '#shared/buildkit/docker-config.ts';
import { parseImageReference, withDigest } from '#shared/registry/image-reference.ts';
import { createRegistryClient } from '#shared/registry/registry-client.ts';
import { makeShellBase, shellBase } from '../../helpers/base-images.ts';
import {
  type ContainerRegistry,
  startContainerRegistry,
} from '../../helpers/container-registry.ts';
import { type DockerEngine, startDockerEngine } from '../../helpers/docker-engine.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { describeWith } from '../../helpers/needs-part.ts';
import { builderAt, contextOf } from '../../shared/buildkit/stage.ts';

interface Manifest {
  readonly mediaType: string;
  readonly manifests?: readonly {
    readonly digest: string;
    readonly platform: { readonly architecture: string };
    readonly annotations?: Readonly<Record<string, string>>;
  }[];
  readonly layers?: readonly {
    readonly digest: string;
    readonly annotations?: Readonly<Record<string, string>>;
  }[];
}

describeWith(
  ['new-docker', 'docker-registry', 'busybox'],
  'builds by a newer BuildKit, which pushes by itself',
  function () {
    this.timeout(120_000);
    let engine: DockerEngine;
    let registry: ContainerRegistry;

    before(async () => {
      [engine, registry] = await Promise.all([
        startDockerEngine({
          programs: env['OFC_NEW_DOCKER'],
          features: ['containerd-snapshotter'],
        }),
        startContainerRegistry(),
      ]);
      await makeShellBase(engine.docker);
    });
    after(async () => {
      await engine?.stop();
      await registry?.stop();
    });

    const nameOf = (name: string) => `${registry.address}/alice/hello-${name}:latest-main-1234567`;
    const build = async (
      name: string,
      dockerfile: string,
      changes: {
        policy?: Partial<BuildkitOptions['policy']>;
        platforms?: string[];
        createdAt?: Date;
      } = {},
    ) => {
      const { policy, ...request } = changes;
      const builder = builderAt([`docker://${engine.socketPath}`], {
        logins: parseDockerConfig(registry.dockerConfig),
        policy: { cache: 'none', provenance: 'none', sbom: 'none', platforms: [], ...policy },
      });
      try {
        const context = await contextOf({ Dockerfile: dockerfile, a: 'a' });
        const { digest = '' } = await builder.build({ image: nameOf(name), context, ...request });
        return { digest, log: builder.log.join('\n') };
      } finally {
        await builder.close();
      }
    };
    const client = () => {
      const { username, password } = registry;
      return createRegistryClient({ credentials: () => ({ username, password }) });
    };
    const manifestOf = async (name: string, digest: string): Promise<Manifest> => {
      const reference = withDigest(parseImageReference(nameOf(name)), digest);
      return JSON.parse(String((await client().pullManifest(reference))?.body));
    };

    it('for two platforms, in one index', async () => {
      const platforms = ['linux/amd64', 'linux/arm64'];
      const { digest } = await build('two', 'FROM scratch\nCOPY a /\n', { platforms });
      expect(await client().manifestDigest(parseImageReference(nameOf('two')))).to.equal(digest);
      const { manifests } = await manifestOf('two', digest);
      expect(manifests?.map(({ platform }) => platform.architecture)).to.have.members([
        'amd64',
        'arm64',
      ]);
    });

    it('with provenance', async () => {
      const policy = { provenance: 'min' } as const;
      const { digest, log } = await build('provenance', `FROM ${shellBase}\nRUN true\n`, {
        policy,
      });
      const { manifests = [] } = await manifestOf('provenance', digest);
      const attestation = manifests.find(
        ({ annotations }) => annotations?.['vnd.docker.reference.type'] === 'attestation-manifest',
      );
      const { layers = [] } = await manifestOf('provenance', attestation?.digest ?? '');
      expect(layers.map(({ annotations }) => annotations?.['in-toto.io/predicate-type'])).to.match(
        /slsa\.dev\/provenance/,
      );
      expect(log).to.not.contain('no attestations');
    });

    it('without the SBOM’s scanner, which cannot be pulled here: it says so, and what to do', async () => {
      const building = build('sbom', 'FROM scratch\nCOPY a /\n', { policy: { sbom: 'default' } });
      const error = await expectCode(building, 'OFC_CONFIG');
      expect(error.text).to.contain('SBOM').and.contain('build_sbom to none');
    });

    it('twice the same, from the same source', async () => {
      const createdAt = new Date('2026-01-02T03:04:05Z');
      const dockerfile = `FROM ${shellBase}\nRUN echo x > /made && mkdir /folder\nCOPY a /folder/\n`;
      const first = await build('same', dockerfile, { createdAt });
      await prune();
      const second = await build('same', dockerfile, { createdAt });
      expect(second.log).to.not.contain('CACHED');
      expect(second.digest).to.equal(first.digest);
    });

    it('with its cache in the registry, where the daemon has lost its own', async () => {
      const dockerfile = `FROM ${shellBase} AS build\nRUN sleep 3 && echo x > /made\nFROM ${shellBase}\nCOPY --from=build /made /\n`;
      const timed = async () => {
        const started = performance.now();
        const { log } = await build('cache', dockerfile, { policy: { cache: 'registry' } });
        return { log, ms: performance.now() - started };
      };
      const cold = await timed();
      await prune();
      const warm = await timed();
      expect(cold.log).to.match(/RUN sleep 3/);
      expect(warm.log).to.match(/CACHED/);
      expect(cold.ms - warm.ms).to.be.above(1500);
    });

    /** Forgets every step that was built. */
    const prune = async () => {
      await new Promise((resolve, reject) => {
        engine.docker.pruneBuilder((error: unknown, done: unknown) =>
          error ? reject(error) : resolve(done),
        );
      });
    };
  },
);
