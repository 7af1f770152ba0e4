import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { readBuilder, readContextLimits } from '#shared/buildkit/builder-settings.ts';
import { loadConfig } from '#shared/config.ts';
import { createOwnerSlots } from '../../../functions/of-builder/owner-slots.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { startFakeBuildkit } from '../../helpers/fake-buildkit.ts';
import { tempDir } from '../../helpers/temp-dir.ts';
import { contextOf } from './stage.ts';

describe('the settings of a builder', () => {
  let folder: Awaited<ReturnType<typeof tempDir>>;
  const secret = (name: string, value: string) => writeFile(join(folder.path, name), value);
  const load = (variables: Record<string, string>) =>
    loadConfig((settings) => readBuilder(settings, readContextLimits(settings)), {
      secret_mount_path: folder.path,
      ...variables,
    });
  beforeEach(async () => {
    folder = await tempDir();
    await mkdir(folder.path, { recursive: true });
    await secret('payload-secret', 'payload secret');
  });
  afterEach(() => folder.remove());

  it('choose BuildKit, with the registries’ logins, before a builder behind HTTP', async () => {
    await secret(
      'docker-config',
      '{"auths":{"r.example":{"username":"u","password":"pass-word"}}}',
    );
    let login: unknown;
    const fake = await startFakeBuildkit({
      build: async ({ session }) => {
        login = await session.credentials('r.example');
        return { 'containerimage.digest': 'sha256:1' };
      },
    });
    try {
      const builder = load({
        buildkit_url: fake.address,
        builder_url: 'http://127.0.0.1:9',
        build_cache: 'registry',
        build_provenance: 'max',
        build_sbom: 'none',
        build_platforms: 'linux/amd64,linux/arm64',
      });
      await builder.build({
        context: await contextOf({ Dockerfile: 'FROM scratch\n' }),
        image: 'r.example/a/b:1',
        scope: 'a/b',
        buildArgs: {},
        onLog: () => undefined,
        signal: new AbortController().signal,
      });
    } finally {
      await fake.stop();
    }
    expect(login).to.include({ Username: 'u', Secret: 'pass-word' });
    expect(fake.solved[0]?.FrontendAttrs).to.include({
      platform: 'linux/amd64,linux/arm64',
      'attest:provenance': 'mode=max',
    });
    expect(fake.solved[0]?.Cache?.Exports[0]?.Type).to.equal('registry');
  });

  it('name every mistake at once', async () => {
    await secret('docker-config', 'pass-word');
    const wrong = () =>
      load({ build_cache: 'disk', build_provenance: 'some', builder_url: 'ftp://a' });
    const error = await expectCode(wrong, 'OFC_CONFIG');
    for (const name of ['build_cache', 'build_provenance', 'builder_url']) {
      expect(error.message).to.contain(name);
    }
    expect(error.text).to.not.contain('pass-word');
    await secret('docker-config', '{}');
    expect((await expectCode(() => load({}), 'OFC_CONFIG')).message).to.contain(
      'Neither buildkit_url nor builder_url is set.',
    );
    await expectCode(() => load({ buildkit_url: 'tcp://a,http://b' }), 'OFC_CONFIG');
  });
});

describe('build slots', () => {
  it('are limited for each owner and in all, and free again once', () => {
    const slots = createOwnerSlots(3, 2);
    const first = slots.take('alice');
    expect(slots.take('alice')).to.be.a('function');
    expect(slots.take('alice')).to.equal(undefined);
    expect(slots.take('bob')).to.be.a('function');
    expect(slots.take('eve'), 'in all').to.equal(undefined);
    first?.();
    expect(slots.take('eve')).to.be.a('function');
    expect(slots.take('alice'), 'in all').to.equal(undefined);
  });
});
