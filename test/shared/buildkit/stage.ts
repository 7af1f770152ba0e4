import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { extract } from 'tar-stream';
import type { BuildRequest } from '#shared/builder/builder.ts';
import { type BuildkitOptions, createBuildkitBuilder } from '#shared/buildkit/buildkit-builder.ts';
import { createDaemon } from '#shared/buildkit/daemon.ts';
import { parseDaemonAddress } from '#shared/buildkit/daemon-address.ts';
import type { DaemonTls } from '#shared/buildkit/daemon-client.ts';
import { defaultSourceLimits } from '#shared/shrinkwrap/limits.ts';
import { packContext } from '#shared/tar/pack-context.ts';

/** Every setting that an operator may leave as it is. */
export const plainOptions: Omit<BuildkitOptions, 'daemons'> = {
  logins: new Map(),
  policy: { cache: 'none', provenance: 'min', sbom: 'none', platforms: [] },
  limits: defaultSourceLimits,
  frontends: [],
  waitMs: 5000,
};

/** A context with a Dockerfile and whatever else. */
export const contextOf = async (files: Readonly<Record<string, string>>) => {
  const entries = Object.entries(files).map(([path, content]) => ({
    kind: 'file' as const,
    path,
    mode: 0o644 as const,
    content: Buffer.from(content),
  }));
  const { tar, digest } = await packContext(entries);
  return { open: async () => Readable.from([tar]), digest, tar };
};

/** Builds at the daemons; gives what came of it, and the log. */
export function builderAt(
  addresses: readonly string[],
  options: Partial<BuildkitOptions> = {},
  tls?: DaemonTls,
) {
  const daemons = addresses.map((url) => createDaemon(parseDaemonAddress(url), tls));
  const builder = createBuildkitBuilder({ daemons, ...plainOptions, ...options });
  const log: string[] = [];
  return {
    log,
    async build(changes: Partial<BuildRequest> = {}) {
      return builder.build({
        context: await contextOf({ Dockerfile: 'FROM scratch\n' }),
        image: 'registry.example/alice/hello-fn:1',
        scope: 'alice/hello',
        buildArgs: {},
        onLog: (line) => log.push(line),
        signal: new AbortController().signal,
        ...changes,
      });
    },
    close: () => Promise.all(daemons.map((daemon) => daemon.close())),
  };
}

/** Path and content of everything in a tar. */
export async function filesOf(tar: Buffer): Promise<Record<string, string>> {
  const archive = extract();
  Readable.from([tar]).pipe(archive);
  const files: Record<string, string> = {};
  for await (const entry of archive) {
    files[entry.header.name] = String(await buffer(entry));
  }
  return files;
}
