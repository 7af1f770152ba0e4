import { BlockList, isIPv6 } from 'node:net';
import type { Manifest } from './manifest.ts';

/** Who sends or receives: a pod has a namespace and labels, everything else only an address. */
export interface Endpoint {
  readonly ip: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

interface Selector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}
interface Peer {
  podSelector?: Selector;
  namespaceSelector?: Selector;
  ipBlock?: { cidr: string; except?: string[] };
}
interface Rule {
  from?: Peer[];
  to?: Peer[];
  ports?: { port?: number; endPort?: number; protocol?: string }[];
}
interface Policy {
  podSelector: Selector;
  policyTypes: string[];
  ingress?: Rule[];
  egress?: Rule[];
}

/**
 * Whether the NetworkPolicies among `manifests` let a connection through, as the API defines it: a pod that
 * no policy selects for a direction is open in it; otherwise one rule of one of them must allow it.
 *
 * @see https://kubernetes.io/docs/concepts/services-networking/network-policies/
 */
export function mayReach(
  manifests: readonly Manifest[],
  from: Endpoint,
  to: Endpoint,
  port: number,
  protocol = 'TCP',
): boolean {
  const allowed = (side: 'Ingress' | 'Egress', pod: Endpoint, peer: Endpoint): boolean => {
    const policies = manifests
      .filter(
        ({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.namespace === pod.namespace,
      )
      .map((manifest) => manifest['spec'] as Policy)
      .filter(
        ({ podSelector, policyTypes }) =>
          policyTypes.includes(side) && selects(podSelector, pod.labels),
      );
    if (policies.length === 0) return true;
    return policies
      .flatMap((policy) => (side === 'Ingress' ? policy.ingress : policy.egress) ?? [])
      .some((rule) => {
        const peers = side === 'Ingress' ? rule.from : rule.to;
        const known = peers === undefined || peers.some((one) => matches(one, peer, pod.namespace));
        return (
          known && (rule.ports === undefined || rule.ports.some((p) => opens(p, port, protocol)))
        );
      });
  };
  return (
    (from.namespace === undefined || allowed('Egress', from, to)) &&
    (to.namespace === undefined || allowed('Ingress', to, from))
  );
}

function matches(peer: Peer, other: Endpoint, ownNamespace: string | undefined): boolean {
  if (peer.ipBlock !== undefined) {
    const { cidr, except = [] } = peer.ipBlock;
    return within(other.ip, cidr) && !except.some((block) => within(other.ip, block));
  }
  if (other.namespace === undefined) return false;
  const sameSpace =
    peer.namespaceSelector === undefined
      ? other.namespace === ownNamespace
      : selects(peer.namespaceSelector, { 'kubernetes.io/metadata.name': other.namespace });
  return sameSpace && selects(peer.podSelector ?? {}, other.labels);
}

function opens(
  { port, endPort = port, protocol = 'TCP' }: NonNullable<Rule['ports']>[number],
  wanted: number,
  wantedProtocol: string,
): boolean {
  if (protocol !== wantedProtocol) return false;
  return port === undefined || (wanted >= port && wanted <= (endPort ?? port));
}

/** Whether a label selector selects an object with these labels; an empty one selects all. */
export function selects(
  { matchLabels = {}, matchExpressions = [] }: Selector,
  labels: Readonly<Record<string, string>> = {},
): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === 'In') return value !== undefined && values.includes(value);
      if (operator === 'NotIn') return value === undefined || !values.includes(value);
      if (operator === 'Exists') return value !== undefined;
      if (operator === 'DoesNotExist') return value === undefined;
      throw new Error(`There is no operator ${operator}.`);
    })
  );
}

function within(ip: string, cidr: string): boolean {
  const [network = '', bits] = cidr.split('/');
  if (isIPv6(ip) !== isIPv6(network)) return false;
  const family = isIPv6(ip) ? 'ipv6' : 'ipv4';
  const block = new BlockList();
  block.addSubnet(network, Number(bits), family);
  return block.check(ip, family);
}
