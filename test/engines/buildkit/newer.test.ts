import { createHash } from 'node:crypto';
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
import { sbomScanner } from '../../helpers/sbom-scanner.ts';
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

/** An in-toto statement. */
interface Statement {
  readonly predicateType: string;
  readonly subject: readonly { readonly digest: { readonly sha256: string } }[];
  readonly predicate: unknown;
}

interface SpdxDocument {
  readonly spdxVersion: string;
  readonly files: readonly { readonly fileName: string; readonly checksums: readonly unknown[] }[];
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
        files?: Readonly<Record<string, string>>;
      } = {},
    ) => {
      const { policy, files = { a: 'a' }, ...request } = changes;
      const builder = builderAt([`docker://${engine.socketPath}`], {
        logins: parseDockerConfig(registry.dockerConfig),
        policy: { cache: 'none', provenance: 'none', sbom: 'none', platforms: [], ...policy },
      });
      try {
        const context = await contextOf({ Dockerfile: dockerfile, ...files });
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
    /** What an image's index has beside the image: in-toto statements by their predicate's type. */
    const attestationsOf = async (name: string, digest: string) => {
      const { manifests = [] } = await manifestOf(name, digest);
      const [image, attestation] = [false, true].map((wanted) =>
        manifests.find(
          ({ annotations }) =>
            (annotations?.['vnd.docker.reference.type'] === 'attestation-manifest') === wanted,
        ),
      );
      expect(attestation?.annotations?.['vnd.docker.reference.digest']).to.equal(image?.digest);
      const { layers = [] } = await manifestOf(name, attestation?.digest ?? '');
      const { host, repository } = parseImageReference(nameOf(name));
      const statements = new Map<string, Statement>();
      for (const { digest: blob, annotations } of layers) {
        const answer = await fetch(`http://${host}/v2/${repository}/blobs/${blob}`, {
          headers: { authorization: `Basic ${btoa(`${registry.username}:${registry.password}`)}` },
        });
        const statement = (await answer.json()) as Statement;
        expect(annotations?.['in-toto.io/predicate-type']).to.equal(statement.predicateType);
        statements.set(statement.predicateType, statement);
      }
      return { statements, image: image?.digest ?? '' };
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
      const { statements, image } = await attestationsOf('provenance', digest);
      const [[type, statement] = []] = statements;
      expect(statements.size).to.equal(1);
      expect(type).to.match(/^https:\/\/slsa\.dev\/provenance\//);
      expect(statement?.subject.map((subject) => `sha256:${subject.digest.sha256}`)).to.include(
        image,
      );
      expect(JSON.stringify(statement?.predicate)).to.contain('mobyproject.org/buildkit');
      expect(log).to.not.contain('no attestations');
    });

    it('with an SBOM by the scanner that the operator names, beside the provenance', async () => {
      const { Dockerfile, scan } = sbomScanner;
      await build('scanner', Dockerfile, { files: { scan } });
      // It has to come from the registry, with the platform's credentials.
      await engine.docker.getImage(nameOf('scanner')).remove();
      const policy = { provenance: 'min', sbom: nameOf('scanner') } as const;
      const dockerfile = `FROM ${shellBase} AS tools\nRUN echo x > /not-in-the-image\nFROM scratch\nCOPY a /app/a\n`;
      const { digest, log } = await build('sbom', dockerfile, { policy });
      const { statements, image } = await attestationsOf('sbom', digest);
      const found = statements.get('https://spdx.dev/Document');
      expect([...statements.keys()].filter((type) => type.includes('provenance'))).to.have.length(
        1,
      );
      expect(found?.subject.map((subject) => `sha256:${subject.digest.sha256}`)).to.include(image);
      const document = found?.predicate as SpdxDocument | undefined;
      expect(document?.spdxVersion).to.equal('SPDX-2.3');
      const checksumValue = createHash('sha1').update('a').digest('hex');
      expect(
        document?.files.map(({ fileName, checksums }) => ({ fileName, checksums })),
      ).to.deep.equal([{ fileName: './app/a', checksums: [{ algorithm: 'SHA1', checksumValue }] }]);
      expect(log).to.match(/generat\w* sbom using/i);
      expect(await client().manifestDigest(parseImageReference(nameOf('sbom')))).to.equal(digest);
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
