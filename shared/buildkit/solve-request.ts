import type { MessageInitShape } from '@bufbuild/protobuf';
import { CloudError } from '../errors.ts';
import { formatImageReference, parseImageReference, withTag } from '../registry/image-reference.ts';
import type { SolveRequestSchema } from './generated/control_pb.ts';

/** What a daemon can do. */
export interface DaemonAbilities {
  /** Docker Engine with its own image store, which BuildKit cannot push from: the Engine does. */
  readonly engineSocket: string | undefined;
  /** Provenance and SBOM, since BuildKit 0.11. */
  readonly attestations: boolean;
}

/** How an operator wants images to be built. */
export interface BuildPolicy {
  /** Where the build cache goes and comes from besides the daemon's own. */
  readonly cache: 'none' | 'inline' | 'registry';
  readonly provenance: 'min' | 'max' | 'none';
  /** The image that makes the SBOM; `default` is BuildKit's own, `none` makes none. */
  readonly sbom: string;
  /** Platforms to build for; empty is the daemon's own. */
  readonly platforms: readonly string[];
}

/** What is built. */
export interface BuildTarget {
  readonly image: string;
  readonly push: boolean;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly platforms: readonly string[];
  /** All times in the image are this one, so that the same source gives the same image. */
  readonly createdAt: Date | undefined;
  /** Cache mounts of Dockerfiles are apart for each of these: the owner. */
  readonly cacheScope: string;
  /** An image to use as frontend, which the operator allowed. */
  readonly frontend: string | undefined;
}

type SolveRequest = MessageInitShape<typeof SolveRequestSchema>;

/** The tag below which an image's build cache lies in its repository. */
const cacheTag = 'buildcache';
/** Arguments that steer BuildKit itself, such as which frontend it runs. */
const steering = /^BUILDKIT_/i;

/**
 * The `Solve` of a build.
 *
 * @throws CloudError `OFC_BAD_REQUEST` if a build argument steers BuildKit, `OFC_NAME_INVALID`
 */
export function solveRequest(
  target: BuildTarget,
  policy: BuildPolicy,
  abilities: DaemonAbilities,
  session: { readonly ref: string; readonly id: string; readonly contextUrl: string },
): SolveRequest {
  const exporter = exporterOf(target, policy, abilities);
  const { exports, imports } = cacheOf(target, policy, abilities);
  return {
    Ref: session.ref,
    Session: session.id,
    Frontend: target.frontend === undefined ? 'dockerfile.v0' : 'gateway.v0',
    FrontendAttrs: {
      ...frontendAttrs(target, policy, abilities),
      context: session.contextUrl,
      ...(imports.length > 0 && { 'cache-imports': JSON.stringify(imports) }),
    },
    // Daemons before 0.12 know the old fields only; newer ones take the new ones.
    ExporterDeprecated: exporter.Type,
    ExporterAttrsDeprecated: exporter.Attrs,
    Exporters: [exporter],
    Cache: { Exports: exports },
    Entitlements: [],
    // Not in the history: it would keep build arguments.
    Internal: true,
  };
}

/** What of the policy a daemon cannot do, for the log. */
export function unmetPolicy(policy: BuildPolicy, abilities: DaemonAbilities): string[] {
  const wanted = [
    ...(policy.provenance === 'none' ? [] : ['provenance']),
    ...(policy.sbom === 'none' ? [] : ['SBOM']),
  ];
  const unmet: string[] = [];
  if (!abilities.attestations && wanted.length > 0) {
    unmet.push(
      `This BuildKit makes no attestations: the image is without ${wanted.join(' and ')}.`,
    );
  }
  if (abilities.engineSocket !== undefined && policy.cache === 'registry') {
    unmet.push('Docker Engine cannot export the build cache to a registry: only its own is used.');
  }
  return unmet;
}

function frontendAttrs(
  target: BuildTarget,
  policy: BuildPolicy,
  { attestations }: DaemonAbilities,
): Record<string, string> {
  const { buildArgs, labels, createdAt, frontend } = target;
  const platforms = target.platforms.length > 0 ? target.platforms : policy.platforms;
  const attrs: Record<string, string> = {
    // The key alone turns "# syntax=" off, which would run any image as the frontend.
    cmdline: frontend ?? '',
    ...(frontend !== undefined && { source: frontend }),
    ...(platforms.length > 0 && { platform: platforms.join(',') }),
    'build-arg:BUILDKIT_CACHE_MOUNT_NS': target.cacheScope,
  };
  if (attestations && policy.provenance !== 'none') {
    attrs['attest:provenance'] = `mode=${policy.provenance}`;
  }
  if (attestations && policy.sbom !== 'none') {
    attrs['attest:sbom'] = policy.sbom === 'default' ? '' : `generator=${policy.sbom}`;
  }
  if (createdAt !== undefined) {
    const seconds = Math.floor(createdAt.getTime() / 1000);
    attrs['build-arg:SOURCE_DATE_EPOCH'] = String(seconds);
  }
  for (const [name, value] of Object.entries(buildArgs)) {
    if (steering.test(name)) {
      throw new CloudError('OFC_BAD_REQUEST', `The build argument ${name} is not allowed.`);
    }
    attrs[`build-arg:${name}`] = value;
  }
  for (const [name, value] of Object.entries(labels)) attrs[`label:${name}`] = value;
  return attrs;
}

function exporterOf(
  { image, push, createdAt }: BuildTarget,
  { cache }: BuildPolicy,
  { engineSocket }: DaemonAbilities,
): { readonly Type: string; readonly Attrs: Record<string, string> } {
  const names = cache === 'inline' && push ? [image, cacheRef(image)] : [image];
  if (engineSocket !== undefined) return { Type: 'moby', Attrs: { name: image } };
  return {
    Type: 'image',
    Attrs: {
      name: names.join(','),
      ...(push && { push: 'true' }),
      ...(createdAt !== undefined && { 'rewrite-timestamp': 'true' }),
      'oci-mediatypes': 'true',
    },
  };
}

interface CacheEntry {
  readonly Type: string;
  readonly Attrs: Record<string, string>;
}

function cacheOf(
  { image, push }: BuildTarget,
  { cache }: BuildPolicy,
  { engineSocket }: DaemonAbilities,
): { readonly exports: CacheEntry[]; readonly imports: CacheEntry[] } {
  if (cache === 'none' || !push) return { exports: [], imports: [] };
  if (engineSocket !== undefined && cache === 'registry') return { exports: [], imports: [] };
  const ref = cacheRef(image);
  const imports = [{ Type: 'registry', Attrs: { ref } }];
  if (cache === 'inline') return { exports: [{ Type: 'inline', Attrs: {} }], imports };
  // A cache that cannot be written must not fail a build that worked.
  const Attrs = { ref, mode: 'max', 'ignore-error': 'true', 'oci-mediatypes': 'true' };
  return { exports: [{ Type: 'registry', Attrs }], imports };
}

function cacheRef(image: string): string {
  return formatImageReference(withTag(parseImageReference(image), cacheTag));
}
