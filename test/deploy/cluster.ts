import { join } from 'node:path';
import { functionDeployment } from '../../functions/buildshiprun/function-deployment.ts';
import { kustomize } from '../helpers/kubernetes/kustomize.ts';
import type { Manifest } from '../helpers/kubernetes/manifest.ts';
import { type Endpoint, mayReach } from '../helpers/kubernetes/reachability.ts';
import { testFunction, testLimits, testPush } from '../helpers/pipeline-fixtures.ts';
import { platformStack } from '../helpers/platform-environment.ts';
import { root } from '../helpers/source-files.ts';

/** The overlays of `deploy/kubernetes`. */
export const overlays = ['ingress', 'gateway-api', 'external-services'] as const;

/** The folder of an overlay. */
export function overlayFolder(overlay: string): string {
  return join(root, 'deploy/kubernetes/overlays', overlay);
}

/** What an overlay gives, with other parameters than those in its file if need be. */
export function rendered(overlay: string, parameters: Record<string, string> = {}): Manifest[] {
  return kustomize(overlayFolder(overlay), parameters);
}

/** The names that parameters give to the namespaces. */
export interface Namespaces {
  readonly coreNamespace: string;
  readonly functionsNamespace: string;
  readonly platformNamespace: string;
  readonly buildNamespace: string;
  readonly edgeNamespace: string;
}

/** Names that no file has. */
export const renamed: Namespaces = {
  coreNamespace: 'faas-a',
  functionsNamespace: 'faas-b',
  platformNamespace: 'faas-c',
  buildNamespace: 'faas-d',
  edgeNamespace: 'faas-e',
};

interface Target {
  readonly endpoint: Endpoint;
  readonly port: number;
  readonly protocol?: string;
}

/** Who may send, and who may be sent to, in a cluster with these namespaces. */
export function clusterOf(manifests: readonly Manifest[], ns: Namespaces) {
  const pod = (namespace: string, labels: Record<string, string>): Endpoint => ({
    ip: '10.244.1.7',
    namespace,
    labels,
  });
  /** faas-netes gives a pod the function's labels, and its name. */
  const platform = (name: string): Endpoint => {
    const declared = platformStack().functions.find(({ key }) => key === name)?.labels;
    const labels = declared ?? { 'openfaas-cloud': '1', role: 'openfaas-system' };
    return pod(ns.functionsNamespace, { ...labels, faas_function: name });
  };
  // A tenant who asks for the platform's labels.
  const wishes = { role: 'openfaas-system', faas_function: 'of-builder', app: 'gateway' };
  const hello = { ...testFunction('hello'), labels: wishes };
  const tenant = functionDeployment(testPush(), hello, 'registry.example/x', testLimits);
  const own = (name: string): Endpoint => {
    for (const manifest of manifests) {
      const { template } = (manifest['spec'] ?? {}) as { template?: Manifest };
      if (template === undefined || manifest.metadata.name !== name) continue;
      return pod(manifest.metadata.namespace ?? '', template.metadata.labels ?? {});
    }
    throw new Error(`There is no ${name}.`);
  };
  const core = (app: string): Endpoint => pod(ns.coreNamespace, { app });
  const edge = pod(ns.edgeNamespace, { 'app.kubernetes.io/name': 'ingress-nginx' });
  const ip = (address: string): Endpoint => ({ ip: address });

  const callers: Record<string, Endpoint> = {
    "a tenant's function": pod(ns.functionsNamespace, tenant.labels ?? {}),
    'git-tar': platform('git-tar'),
    'of-router': platform('of-router'),
    'of-builder': platform('of-builder'),
    'import-secrets': platform('import-secrets'),
    'system-metrics': platform('system-metrics'),
    'the gateway': core('gateway'),
    'the edge': edge,
    'a build': own('buildkitd'),
    'cron-connector': own('cron-connector'),
    'another pod': pod('default', { app: 'gateway', role: 'openfaas-system' }),
  };
  const targets: Record<string, Target> = {
    gateway: { endpoint: core('gateway'), port: 8080 },
    NATS: { endpoint: core('nats'), port: 4222 },
    Prometheus: { endpoint: core('prometheus'), port: 9090 },
    "tenant's function": { endpoint: pod(ns.functionsNamespace, tenant.labels ?? {}), port: 8080 },
    'github-push': { endpoint: platform('github-push'), port: 8080 },
    'of-router': { endpoint: platform('of-router'), port: 8080 },
    BuildKit: { endpoint: own('buildkitd'), port: 1234 },
    registry: { endpoint: own('registry'), port: 5000 },
    'object store': { endpoint: own('object-store'), port: 9000 },
    'API server': { endpoint: ip('192.168.0.2'), port: 6443 },
    node: { endpoint: ip('192.168.0.9'), port: 22 },
    metadata: { endpoint: ip('169.254.169.254'), port: 80 },
    internet: { endpoint: ip('93.184.215.14'), port: 443 },
    mail: { endpoint: ip('93.184.215.14'), port: 25 },
    names: { endpoint: pod('kube-system', { 'k8s-app': 'kube-dns' }), port: 53, protocol: 'UDP' },
    edge: { endpoint: edge, port: 443 },
  };
  return {
    callers: Object.keys(callers),
    targets: Object.keys(targets),
    /** Whether the connection passes all policies. */
    mayCall(caller: string, target: string): boolean {
      const [from, to] = [callers[caller], targets[target]];
      if (from === undefined || to === undefined) throw new Error(`${caller} → ${target}?`);
      return mayReach(manifests, from, to.endpoint, to.port, to.protocol);
    },
  };
}
