import { expect } from 'chai';
import {
  type BuildPolicy,
  type BuildTarget,
  type DaemonAbilities,
  solveRequest,
  unmetPolicy,
} from '#shared/buildkit/solve-request.ts';
import { expectCode } from '../../helpers/expect-code.ts';

const image = 'registry.example/alice/hello-fn:latest-main-1234567';
const target: BuildTarget = {
  image,
  push: true,
  buildArgs: {},
  labels: {},
  platforms: [],
  createdAt: undefined,
  cacheScope: 'alice/hello',
  frontend: undefined,
};
const policy: BuildPolicy = { cache: 'none', provenance: 'none', sbom: 'none', platforms: [] };
const newest: DaemonAbilities = { engineSocket: undefined, attestations: true };
const engine: DaemonAbilities = { engineSocket: '/docker.sock', attestations: false };
const session = { ref: 'ref', id: 'id', contextUrl: 'http://buildkit-session/x' };

const request = (
  changes: Partial<BuildTarget> = {},
  wanted: Partial<BuildPolicy> = {},
  abilities = newest,
) => solveRequest({ ...target, ...changes }, { ...policy, ...wanted }, abilities, session);

describe('the request for a build', () => {
  it('has build arguments, labels and one time for everything', () => {
    const { FrontendAttrs, Exporters } = request({
      buildArgs: { GO111MODULE: 'on' },
      labels: { a: 'b' },
      createdAt: new Date(1_700_000_000_999),
    });
    expect(FrontendAttrs).to.deep.equal({
      cmdline: '',
      context: session.contextUrl,
      'build-arg:GO111MODULE': 'on',
      'build-arg:SOURCE_DATE_EPOCH': '1700000000',
      'build-arg:BUILDKIT_CACHE_MOUNT_NS': 'alice/hello',
      'label:a': 'b',
    });
    expect(Exporters?.[0]?.Attrs).to.include({ 'rewrite-timestamp': 'true', push: 'true' });
  });

  it('takes no argument that steers BuildKit', async () => {
    for (const name of ['BUILDKIT_SYNTAX', 'BUILDKIT_CACHE_MOUNT_NS', 'buildkit_syntax']) {
      const error = await expectCode(
        () => request({ buildArgs: { [name]: 'x' } }),
        'OFC_BAD_REQUEST',
      );
      expect(error.message).to.contain(name);
    }
  });

  it('has the request’s platforms, else the operator’s', () => {
    const platforms = ['linux/amd64', 'linux/arm64'];
    expect(request({}, { platforms }).FrontendAttrs).to.include({ platform: platforms.join(',') });
    expect(request({ platforms: ['linux/arm64'] }, { platforms }).FrontendAttrs).to.include({
      platform: 'linux/arm64',
    });
  });

  it('asks for attestations of whoever can make them', () => {
    const wanted = { provenance: 'max', sbom: 'default' } as const;
    expect(request({}, wanted).FrontendAttrs).to.include({
      'attest:provenance': 'mode=max',
      'attest:sbom': '',
    });
    expect(request({}, { sbom: 'registry.example/scanner:1' }).FrontendAttrs).to.include({
      'attest:sbom': 'generator=registry.example/scanner:1',
    });
    expect(request({}, wanted, engine).FrontendAttrs).to.not.have.any.keys('attest:sbom');
    // "disabled=true" would not disable it.
    expect(request().FrontendAttrs).to.not.have.any.keys('attest:provenance', 'attest:sbom');
  });

  it('keeps the cache in the image’s own repository', () => {
    const ref = 'registry.example/alice/hello-fn:buildcache';
    const registry = request({}, { cache: 'registry' });
    expect(registry.Cache?.Exports).to.deep.equal([
      {
        Type: 'registry',
        Attrs: { ref, mode: 'max', 'ignore-error': 'true', 'oci-mediatypes': 'true' },
      },
    ]);
    expect(JSON.parse(registry.FrontendAttrs?.['cache-imports'] ?? '')).to.deep.equal([
      { Type: 'registry', Attrs: { ref } },
    ]);
    const inline = request({}, { cache: 'inline' });
    expect(inline.Cache?.Exports).to.deep.equal([{ Type: 'inline', Attrs: {} }]);
    expect(inline.Exporters?.[0]?.Attrs).to.include({ name: `${image},${ref}` });
    expect(request({ push: false }, { cache: 'registry' }).Cache?.Exports).to.deep.equal([]);
  });

  it('lets Docker Engine’s own store push by itself', () => {
    const { Exporters, Cache } = request({}, { cache: 'registry' }, engine);
    expect(Exporters).to.deep.equal([{ Type: 'moby', Attrs: { name: image } }]);
    expect(Cache?.Exports).to.deep.equal([]);
  });

  it('pushes nothing where only a build was asked for', () => {
    expect(request({ push: false }).Exporters?.[0]?.Attrs).to.not.have.any.keys('push');
  });

  it('says what cannot be met', () => {
    const wanted: BuildPolicy = {
      ...policy,
      cache: 'registry',
      provenance: 'min',
      sbom: 'default',
    };
    expect(unmetPolicy(wanted, newest)).to.deep.equal([]);
    expect(unmetPolicy(policy, engine)).to.deep.equal([]);
    expect(unmetPolicy(wanted, engine)).to.deep.equal([
      'This BuildKit makes no attestations: the image is without provenance and SBOM.',
      'Docker Engine cannot export the build cache to a registry: only its own is used.',
    ]);
  });
});
