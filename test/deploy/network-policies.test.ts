import { expect } from 'chai';
import { parseManifests } from '../helpers/kubernetes/manifest.ts';
import { mayReach } from '../helpers/kubernetes/reachability.ts';
import { tableRows } from '../helpers/markdown-table.ts';
import { readSource } from '../helpers/source-files.ts';
import { clusterOf, type Namespaces, renamed, rendered } from './cluster.ts';

const readme = readSource('deploy/kubernetes/README.md');
const usual: Namespaces = {
  coreNamespace: 'openfaas',
  functionsNamespace: 'openfaas-fn',
  platformNamespace: 'openfaas-cloud',
  buildNamespace: 'openfaas-cloud-build',
  edgeNamespace: 'ingress-nginx',
};

describe('network policies of deploy/kubernetes', () => {
  /** The table of the README: caller → the targets that it may reach. */
  const documented = Object.fromEntries(
    tableRows(readme, 'who').map(([caller = '', reaches = '']) => [caller, reaches.split(', ')]),
  );

  for (const [title, namespaces] of Object.entries({
    'usual names': usual,
    'other names': renamed,
  })) {
    it(`let through what the README's table says and nothing else, with ${title} of namespaces`, () => {
      const cluster = clusterOf(rendered('ingress', { ...namespaces }), namespaces);
      const found = Object.fromEntries(
        cluster.callers.map((caller) => [
          caller,
          cluster.targets.filter((target) => cluster.mayCall(caller, target)),
        ]),
      );
      expect(found).to.deep.equal(documented);
    });
  }

  it('keep tenants from the gateway, the pipeline, BuildKit, registry, store, nodes and metadata', () => {
    const cluster = clusterOf(rendered('gateway-api', { ...renamed }), renamed);
    const shut = cluster.targets.filter(
      (target) => !['internet', 'names', 'edge'].includes(target),
    );
    const reached = (caller: string) => shut.filter((target) => cluster.mayCall(caller, target));
    expect(reached("a tenant's function")).to.deep.equal([]);
    expect(reached('a build')).to.deep.equal([]);
    // Elsewhere in the cluster no policy of ours counts: every pod of it is shut out at the other end.
    expect(reached('another pod')).to.deep.equal(['API server', 'node', 'metadata', 'mail']);
  });
});

describe('the evaluator of network policies', () => {
  const web = { ip: '10.0.0.1', namespace: 'a', labels: { app: 'web' } };
  const db = { ip: '10.0.0.2', namespace: 'b', labels: { app: 'db' } };
  const policy = (namespace: string, spec: string) =>
    parseManifests(
      `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: p, namespace: ${namespace} }\nspec: ${spec}`,
    );
  const reaches = (namespace: string, spec: string, port = 80, protocol?: string) =>
    mayReach(policy(namespace, spec), web, db, port, protocol);

  it('lets through what no policy selects', () => {
    expect(mayReach([], web, db, 80)).to.equal(true);
    expect(
      reaches('b', '{ podSelector: { matchLabels: { app: x } }, policyTypes: [Ingress] }'),
    ).to.equal(true);
    expect(reaches('c', '{ podSelector: {}, policyTypes: [Ingress] }')).to.equal(true);
    expect(reaches('b', '{ podSelector: {}, policyTypes: [Egress] }')).to.equal(true);
  });

  it('shuts what a policy selects and no rule opens', () => {
    expect(reaches('b', '{ podSelector: {}, policyTypes: [Ingress] }')).to.equal(false);
    expect(reaches('a', '{ podSelector: {}, policyTypes: [Egress] }')).to.equal(false);
    expect(reaches('b', '{ podSelector: {}, policyTypes: [Ingress], ingress: [{}] }')).to.equal(
      true,
    );
  });

  it('reads a peer with two selectors as "both", two peers as "either"', () => {
    const rule = (from: string) =>
      `{ podSelector: {}, policyTypes: [Ingress], ingress: [{ from: ${from} }] }`;
    const inA = 'namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: a } }';
    expect(reaches('b', rule(`[{ ${inA}, podSelector: { matchLabels: { app: web } } }]`))).to.equal(
      true,
    );
    expect(reaches('b', rule(`[{ ${inA}, podSelector: { matchLabels: { app: x } } }]`))).to.equal(
      false,
    );
    expect(
      reaches('b', rule(`[{ ${inA} }, { podSelector: { matchLabels: { app: x } } }]`)),
    ).to.equal(true);
    // Alone, a pod selector means pods of the policy's own namespace.
    expect(reaches('b', rule('[{ podSelector: { matchLabels: { app: web } } }]'))).to.equal(false);
  });

  it('reads address blocks, their exceptions, ports, ranges and protocols', () => {
    const to = (block: string, ports = '[{ port: 1, endPort: 100 }]') =>
      `{ podSelector: {}, policyTypes: [Egress], egress: [{ to: [{ ipBlock: ${block} }], ports: ${ports} }] }`;
    expect(reaches('a', to('{ cidr: 10.0.0.0/8 }'))).to.equal(true);
    expect(reaches('a', to('{ cidr: 10.0.0.0/8, except: [10.0.0.2/32] }'))).to.equal(false);
    expect(reaches('a', to('{ cidr: 10.0.0.0/8 }'), 101)).to.equal(false);
    expect(reaches('a', to('{ cidr: 10.0.0.0/8 }'), 80, 'UDP')).to.equal(false);
    expect(reaches('a', to('{ cidr: "::/0" }'))).to.equal(false);
  });
});
