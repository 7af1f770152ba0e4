import type { Builder } from '../builder/builder.ts';
import { createHttpBuilder } from '../builder/http-builder.ts';
import type { Settings } from '../config.ts';
import { prepareEcrRepository } from '../registry/ecr.ts';
import type { SourceLimits } from '../shrinkwrap/limits.ts';
import { defaultSourceLimits } from '../shrinkwrap/limits.ts';
import { createBuildkitBuilder } from './buildkit-builder.ts';
import { createDaemon } from './daemon.ts';
import { parseDaemonAddress } from './daemon-address.ts';
import type { DaemonTls } from './daemon-client.ts';
import { parseDockerConfig } from './docker-config.ts';
import type { BuildPolicy } from './solve-request.ts';

/**
 * The builder that the settings ask for: BuildKit at `buildkit_url`, else the one at `builder_url`,
 * which speaks HTTP.
 */
export function readBuilder(settings: Settings, limits: SourceLimits): Builder {
  const addresses = settings.list('buildkit_url');
  const url = settings.parsed('builder_url', addresses.length > 0 ? String : parseBuilderUrl, '');
  const tls = readTls(settings);
  const dockerConfig = settings.optionalSecret('docker-config') ?? '{}';
  const policy: BuildPolicy = {
    cache: settings.parsed('build_cache', parseCache, 'none'),
    provenance: settings.parsed('build_provenance', parseProvenance, 'min'),
    sbom: settings.text('build_sbom', 'default'),
    platforms: settings.list('build_platforms'),
  };
  const frontends = settings.list('build_frontends');
  const waitMs = settings.duration('buildkit_wait', '1m');
  const payloadSecret = settings.secret('payload-secret');
  // Last: a mistake in it must not hide others.
  const logins = parseDockerConfig(dockerConfig);
  if (addresses.length > 0) {
    return createBuildkitBuilder({
      daemons: addresses.map((address) => createDaemon(parseDaemonAddress(address), tls)),
      prepareRepository: prepareEcrRepository,
      ...{ logins, policy, limits, frontends, waitMs },
    });
  }
  return createHttpBuilder(url, payloadSecret);
}

/** The limits of a build context. */
export function readContextLimits(settings: Settings): SourceLimits {
  const maxTotalBytes = settings.integer('max_context_mb', 100, { min: 1, max: 4096 }) * 1_000_000;
  return { ...defaultSourceLimits, maxTotalBytes, maxFileBytes: maxTotalBytes };
}

function oneOf<T extends string>(name: string, values: readonly T[]): (text: string) => T {
  return (text) => {
    const found = values.find((value) => value === text);
    if (found === undefined) throw new Error(`${name} is "${text}", not ${values.join(' or ')}.`);
    return found;
  };
}

const parseCache = oneOf('build_cache', ['none', 'inline', 'registry']);
const parseProvenance = oneOf('build_provenance', ['min', 'max', 'none']);

function parseBuilderUrl(text: string): string {
  if (text === '') throw new Error('Neither buildkit_url nor builder_url is set.');
  if (!/^https?:$/.test(URL.canParse(text) ? new URL(text).protocol : '')) {
    throw new Error('builder_url is not an http or https URL.');
  }
  return text.replace(/\/+$/, '');
}

function readTls(settings: Settings): DaemonTls | undefined {
  const ca = settings.optionalSecret('buildkit-ca-cert');
  const cert = settings.optionalSecret('buildkit-client-cert');
  const key = settings.optionalSecret('buildkit-client-key');
  return ca === undefined ? undefined : { ca, cert, key };
}
