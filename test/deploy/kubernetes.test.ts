import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { idOf, type Manifest, parseManifests } from '../helpers/kubernetes/manifest.ts';
import { selects } from '../helpers/kubernetes/reachability.ts';
import { schemaProblem, unknownFields } from '../helpers/kubernetes/validate.ts';
import { platformStack } from '../helpers/platform-environment.ts';
import { projectFiles, readSource, root } from '../helpers/source-files.ts';
import { overlays, renamed, rendered } from './cluster.ts';

interface PodSpec {
  automountServiceAccountToken?: boolean;
  hostNetwork?: boolean;
  hostPID?: boolean;
  securityContext?: Security;
  containers: Container[];
  volumes?: { name: string; hostPath?: unknown; secret?: { secretName: string } }[];
}
interface Container {
  name: string;
  image: string;
  env?: { valueFrom?: { secretKeyRef?: { name: string } } }[];
  ports?: { name: string; containerPort: number }[];
  readinessProbe?: unknown;
  livenessProbe?: unknown;
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  securityContext?: Security;
}
interface Security {
  runAsNonRoot?: boolean;
  privileged?: boolean;
  allowPrivilegeEscalation?: boolean;
  readOnlyRootFilesystem?: boolean;
  seccompProfile?: { type: string };
  capabilities?: { drop?: string[]; add?: string[] };
}

const folder = 'deploy/kubernetes';
const all = rendered('ingress');
const specOf = <T>(manifest: Manifest) => manifest['spec'] as T;
const ofKind = (kind: string, manifests = all) => manifests.filter((m) => m.kind === kind);
const pods = all.flatMap((manifest) => {
  const { template } = (manifest['spec'] ?? {}) as { template?: Manifest };
  return template === undefined
    ? []
    : [{ manifest, labels: template.metadata.labels ?? {}, spec: specOf<PodSpec>(template) }];
});
const setOf = (name: string) => pods.find(({ manifest }) => manifest.metadata.name === name);

describe('deploy/kubernetes', function () {
  this.timeout(60_000);

  it('has every file in use, and an overlay for each edge', () => {
    const used = new Set<string>();
    const follow = (path: string): void => {
      used.add(join(path, 'kustomization.yaml'));
      const [kustomization] = parseManifests(
        readSource(join(path, 'kustomization.yaml')),
      ) as unknown as {
        resources?: string[];
        components?: string[];
        configMapGenerator?: { files: string[] }[];
      }[];
      const { resources = [], components = [], configMapGenerator = [] } = kustomization ?? {};
      for (const name of [...resources, ...components]) {
        if (name.endsWith('.yaml')) used.add(join(path, name));
        else follow(join(path, name));
      }
      for (const { files } of configMapGenerator)
        for (const file of files) used.add(join(path, file));
    };
    for (const overlay of overlays) follow(join(folder, 'overlays', overlay));
    const there = projectFiles(`${folder}/base`, `${folder}/overlays`);
    expect([...used].sort()).to.deep.equal(there.sort());
  });

  for (const overlay of overlays) {
    it(`${overlay}: every object fits the schema of its kind and has no unknown field`, async () => {
      const objects = rendered(overlay);
      expect(objects.map(schemaProblem).filter((problem) => problem !== undefined)).to.deep.equal(
        [],
      );
      expect(await unknownFields(objects)).to.deep.equal([]);
      expect(new Set(objects.map(idOf)).size).to.equal(objects.length);
      for (const { kind, metadata, ...rest } of objects) {
        if (/^(?:Namespace|ClusterIssuer)$/.test(kind)) continue;
        expect(metadata.namespace, `${kind} ${metadata.name} ${Object.keys(rest)}`).to.be.a(
          'string',
        );
      }
    });

    it(`${overlay}: parameters reach every place`, () => {
      const parameters = {
        domain: 'apps.acme.test',
        email: 'ops@acme.test',
        edgeClass: 'of-acme',
        ...renamed,
      };
      const text = JSON.stringify(rendered(overlay, parameters));
      const left =
        /"(?:openfaas|openfaas-fn|openfaas-cloud-build|ingress-nginx|envoy-gateway-system)"|"email":"email"|example\.com|\.domain\b/;
      expect(left.exec(text)?.[0]).to.equal(undefined);
      // The part-of label and the Gateway carry the platform's name.
      expect(
        text.replaceAll(/"(?:app\.kubernetes\.io\/part-of|name)":"openfaas-cloud"/g, ''),
      ).to.not.include('"openfaas-cloud"');
      const hosts = new Set(text.match(/[\w*.-]+\.apps\.acme\.test/g));
      const expected = ['*.', '*.system.', 'builder.system.', 'system.'];
      if (overlay !== 'external-services') expected.push('registry.system.');
      // The Gateway has a listener for the registry in any case.
      expect([...hosts].sort()).to.deep.equal(
        expected.map((host) => `${host}apps.acme.test`).sort(),
      );
    });
  }

  it('finds mistakes: a wrong type, a wrong value, a field that nobody knows', async () => {
    const change = (kind: string, edit: (spec: Record<string, unknown>) => void): Manifest => {
      const copy = structuredClone(ofKind(kind)[0]) as Manifest;
      edit(copy['spec'] as Record<string, unknown>);
      return copy;
    };
    expect(
      schemaProblem(
        change('StatefulSet', (spec) => {
          spec['replicas'] = 'two';
        }),
      ),
    ).to.include('replicas');
    expect(
      schemaProblem(
        change('NetworkPolicy', (spec) => {
          delete spec['podSelector'];
          spec['ingress'] = {};
        }),
      ),
    ).to.include('ingress');
    const odd = [
      change('NetworkPolicy', (spec) => {
        spec['podSelectors'] = {};
      }),
      change('Certificate', (spec) => {
        spec['dnsName'] = 'x';
      }),
    ];
    const complaints = (await unknownFields(odd)).join('\n');
    expect(complaints).to.include('podSelectors').and.include('dnsName');
  });

  it('uses API versions that are served today, none of them alpha or beta', () => {
    for (const { apiVersion, kind } of overlays.flatMap((overlay) => rendered(overlay))) {
      expect(apiVersion, kind).to.match(/(?:^|\/)v\d+$/);
    }
  });

  it('holds no secret: it names them, and the README has a command for each', () => {
    const named = new Set(
      pods.flatMap(({ spec }) => [
        ...(spec.volumes ?? []).flatMap(({ secret }) => secret?.secretName ?? []),
        ...spec.containers.flatMap(({ env = [] }) =>
          env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef?.name ?? []),
        ),
      ]),
    );
    for (const manifest of ofKind('Secret')) {
      expect(manifest).to.not.have.any.keys('data', 'stringData');
    }
    const readme = readSource(`${folder}/README.md`);
    named.delete('basic-auth'); // OpenFaaS's own
    expect([...named].sort()).to.deep.equal(['buildkitd-tls', 'object-store', 'registry']);
    for (const name of [...named, 'dns-token'])
      expect(readme, name).to.match(new RegExp(`secret generic ${name}\\b`));
  });

  it('gives every pod requests, a memory limit, probes, a pinned image and no token', () => {
    expect(pods).to.have.length(4);
    for (const { manifest, spec } of pods) {
      const where = idOf(manifest);
      expect(spec.automountServiceAccountToken, where).to.equal(false);
      for (const container of spec.containers) {
        expect(container.image, where).to.match(
          /^[\w.-]+\.[a-z]+\/[\w./-]+:(?!latest\b)[\w.-]*\d[\w.-]*$/,
        );
        expect(container.resources?.requests, where).to.have.all.keys('cpu', 'memory');
        expect(container.resources?.limits, where).to.include.keys('memory');
        // The connector serves nothing.
        if (container.name === 'cron-connector') continue;
        expect(container, where).to.include.keys('readinessProbe', 'livenessProbe');
      }
    }
  });

  it('runs everything but BuildKit by the restricted pod security standard, and BuildKit without root', () => {
    for (const { manifest, spec } of pods) {
      const where = idOf(manifest);
      const host = (spec.volumes ?? []).some(({ hostPath }) => hostPath !== undefined);
      expect([spec.hostNetwork, spec.hostPID, host], where).to.deep.equal([
        undefined,
        undefined,
        false,
      ]);
      expect(spec.securityContext?.runAsNonRoot, where).to.equal(true);
      for (const { securityContext: own = {} } of spec.containers) {
        expect(own.privileged ?? false, where).to.equal(false);
        expect(own.capabilities?.add ?? [], where).to.deep.equal([]);
        if (manifest.metadata.name === 'buildkitd') continue;
        expect(spec.securityContext?.seccompProfile?.type, where).to.equal('RuntimeDefault');
        expect(own.allowPrivilegeEscalation, where).to.equal(false);
        expect(own.readOnlyRootFilesystem, where).to.equal(true);
        expect(own.capabilities?.drop, where).to.deep.equal(['ALL']);
      }
    }
    const levels = Object.fromEntries(
      ofKind('Namespace').map(({ metadata }) => [
        metadata.name,
        metadata.labels?.['pod-security.kubernetes.io/enforce'],
      ]),
    );
    expect(levels).to.deep.equal({
      'openfaas-cloud': 'restricted',
      'openfaas-cloud-build': 'privileged',
    });
    // Nothing else lives where the level is low.
    expect(
      pods.filter(({ manifest }) => manifest.metadata.namespace === 'openfaas-cloud-build'),
    ).to.have.length(1);
  });

  it('has services that find their pods by ports that are open', () => {
    for (const service of ofKind('Service')) {
      const { selector, ports } = specOf<{
        selector: Record<string, string>;
        ports: { targetPort: string }[];
      }>(service);
      const found = pods.filter(
        ({ manifest, labels }) =>
          manifest.metadata.namespace === service.metadata.namespace &&
          selects({ matchLabels: selector }, labels),
      );
      expect(found, idOf(service)).to.have.length(1);
      const open =
        found[0]?.spec.containers.flatMap((c) => c.ports?.map((port) => port.name)) ?? [];
      for (const { targetPort } of ports) expect(open, idOf(service)).to.include(targetPort);
    }
  });

  it('has a pool of BuildKit daemons with names of their own, for a choice by hash', () => {
    const set = setOf('buildkitd');
    const { serviceName, podManagementPolicy } = specOf<{
      serviceName: string;
      podManagementPolicy: string;
    }>(set?.manifest as Manifest);
    const service = ofKind('Service').find(({ metadata }) => metadata.name === serviceName);
    expect(specOf<{ clusterIP: string }>(service as Manifest).clusterIP).to.equal('None');
    expect(podManagementPolicy).to.equal('Parallel');
    const toml = readSource(`${folder}/base/buildkit/buildkitd.toml`);
    for (const key of ['cert', 'key', 'ca'])
      expect(toml).to.match(new RegExp(`^ {2}${key} = "/certs/${key}.pem"$`, 'm'));
  });

  it('has budgets that select something', () => {
    const functions = platformStack().functions.map(({ key }) => key as string);
    const budgets = ofKind('PodDisruptionBudget');
    expect(budgets).to.have.length(4);
    for (const budget of budgets) {
      const { selector } = specOf<{ selector: { matchLabels: Record<string, string> } }>(budget);
      const name = selector.matchLabels['faas_function'];
      const found =
        name === undefined
          ? pods.some(
              ({ manifest, labels }) =>
                manifest.metadata.namespace === budget.metadata.namespace &&
                selects(selector, labels),
            )
          : functions.includes(name);
      expect(found, idOf(budget)).to.equal(true);
    }
  });

  it('leads the platform’s hosts to of-router with a certificate that covers them, and no other host', () => {
    const covers = (pattern: string, host: string) =>
      pattern === host ||
      (pattern.startsWith('*.') && host.split('.').slice(1).join('.') === pattern.slice(2));
    const certificates = ofKind('Certificate').map((c) =>
      specOf<{ secretName: string; dnsNames: string[] }>(c),
    );
    for (const ingress of ofKind('Ingress')) {
      const { tls, rules } = specOf<{
        tls: { secretName: string; hosts: string[] }[];
        rules: { host: string; http: { paths: { backend: { service: { name: string } } }[] } }[];
      }>(ingress);
      for (const { host, http } of rules) {
        const names = http.paths.map(({ backend }) => backend.service.name);
        expect(names, host).to.deep.equal([
          host.startsWith('registry.') ? 'registry' : 'of-router',
        ]);
        const secret = tls.find(({ hosts }) => hosts.includes(host))?.secretName;
        const certificate = certificates.find(({ secretName }) => secretName === secret);
        expect(
          certificate?.dnsNames.some((pattern) => covers(pattern, host)),
          host,
        ).to.equal(true);
      }
    }
    const gateway = rendered('gateway-api');
    const listeners = specOf<{ listeners: { name: string; hostname?: string }[] }>(
      ofKind('Gateway', gateway)[0] as Manifest,
    ).listeners;
    for (const route of ofKind('HTTPRoute', gateway)) {
      const { parentRefs, hostnames = [] } = specOf<{
        parentRefs: { sectionName: string }[];
        hostnames?: string[];
      }>(route);
      const sections = parentRefs.map(({ sectionName }) =>
        listeners.find(({ name }) => name === sectionName),
      );
      expect(sections, idOf(route)).to.not.include(undefined);
      for (const host of hostnames) {
        expect(
          sections.some((section) => covers(section?.hostname ?? '', host)),
          host,
        ).to.equal(true);
      }
    }
  });

  it('lets import-secrets write SealedSecrets in the functions’ namespace and nothing else', () => {
    const roles = all.filter(({ kind }) => /^(?:Cluster)?Role(?:Binding)?$/.test(kind));
    expect(roles.map(idOf)).to.deep.equal([
      'Role openfaas-fn/import-secrets',
      'RoleBinding openfaas-fn/import-secrets',
    ]);
    expect(roles[0]?.['rules']).to.deep.equal([
      {
        apiGroups: ['bitnami.com'],
        resources: ['sealedsecrets'],
        verbs: ['get', 'list', 'create', 'patch', 'delete'],
      },
    ]);
    expect(roles[1]?.['subjects']).to.deep.equal([
      { kind: 'ServiceAccount', name: 'import-secrets', namespace: 'openfaas-fn' },
    ]);
    // Tenants' functions run as the default account: without a token.
    const standard = ofKind('ServiceAccount').find(({ metadata }) => metadata.name === 'default');
    expect(standard).to.include({ automountServiceAccountToken: false });
  });

  it('has a README whose paths exist', () => {
    const readme = readSource(`${folder}/README.md`);
    for (const [, path = ''] of readme.matchAll(/`((?:base|overlays)\/[\w./-]+)`/g)) {
      expect(existsSync(join(root, folder, path)), path).to.equal(true);
    }
  });
});
