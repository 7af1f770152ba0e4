import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { tarOf } from '../provider/memory-images.ts';

/** A package registry that npm can install from. */
export interface NpmRegistry {
  readonly url: string;
  /** How often a tarball was asked for. */
  readonly downloads: () => number;
  /** Tarballs are not answered any more. */
  hang: boolean;
  /** What one has to present, if it is private. */
  token: string | undefined;
  close(): Promise<void>;
}

/**
 * Serves one version, 1.0.0, of each package; `files` by package name.
 *
 * @param host The address to listen on.
 */
export async function npmRegistry(
  packages: Readonly<Record<string, Readonly<Record<string, string>>>>,
  host = '127.0.0.1',
): Promise<NpmRegistry> {
  let downloads = 0;
  const tarballs = new Map<string, Buffer>();
  for (const [name, files] of Object.entries(packages)) {
    const entries = Object.entries(files).map(([path, body]) => ({
      name: `package/${path}`,
      body,
    }));
    tarballs.set(name, gzipSync(await tarOf(entries)));
  }
  const server = createServer((request, response) => {
    const { token } = registry;
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
      response.writeHead(401).end(`{"error":"not with ${request.headers.authorization}"}`);
      return;
    }
    const [, name = '', file] = (request.url ?? '').split('/');
    const tarball = tarballs.get(name);
    if (tarball === undefined) response.writeHead(404).end('{}');
    else if (file === undefined) {
      const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
      const scripts = JSON.parse(packages[name]?.['package.json'] ?? '{}') as object;
      const dist = { tarball: `${registry.url}${name}/1.0.0.tgz`, integrity };
      const versions = { '1.0.0': { ...scripts, name, version: '1.0.0', dist } };
      response.end(JSON.stringify({ name, 'dist-tags': { latest: '1.0.0' }, versions }));
    } else {
      downloads += 1;
      if (!registry.hang) response.end(tarball);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const registry: NpmRegistry = {
    url: `http://${host}:${(server.address() as AddressInfo).port}/`,
    downloads: () => downloads,
    hang: false,
    token: undefined,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
  return registry;
}
