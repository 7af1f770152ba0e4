import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import type { ImageSource } from '../../../local/provider/image-store.ts';

type Entry = Partial<Header> & { name: string; body?: string | Buffer };

/** A registry's content in memory: what the provider asks a registry client for. */
export interface MemoryImages extends ImageSource {
  /** Adds an image of these layers and gives its digest. */
  add(reference: string, layers: Entry[][], config?: object): Promise<string>;
  /** An image with just an index.mjs. */
  addFunction(reference: string, code: string, env?: string[]): Promise<string>;
  pulls: number;
}

/** A layer's tar. */
export async function tarOf(entries: Entry[]): Promise<Buffer> {
  const tar = pack();
  for (const { body, ...header } of entries) tar.entry(header, body ?? '');
  tar.finalize();
  return buffer(tar as unknown as Readable);
}

const digestOf = (bytes: Buffer | string): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export function memoryImages(): MemoryImages {
  const blobs = new Map<string, Buffer>();
  const tags = new Map<string, string>();
  const put = (bytes: Buffer) => {
    blobs.set(digestOf(bytes), bytes);
    return { digest: digestOf(bytes), size: bytes.length };
  };
  const images: MemoryImages = {
    pulls: 0,
    async add(reference, layers, config = {}) {
      const descriptors = [];
      for (const entries of layers) {
        const layer = put(gzipSync(await tarOf(entries)));
        descriptors.push({ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', ...layer });
      }
      const imageConfig = {
        config: {
          WorkingDir: '/home/app',
          Cmd: ['node', 'index.mjs'],
          Labels: { 'com.openfaas.cloud.runtime': 'node' },
          ...config,
        },
      };
      const manifest = {
        config: {
          mediaType: 'application/vnd.oci.image.config.v1+json',
          ...put(Buffer.from(JSON.stringify(imageConfig))),
        },
        layers: descriptors,
      };
      const { digest } = put(Buffer.from(JSON.stringify(manifest)));
      tags.set(reference, digest);
      return digest;
    },
    addFunction: (reference, code, env = []) =>
      images.add(reference, [[{ name: 'home/app/index.mjs', body: code }]], { Env: env }),
    async manifestDigest(reference) {
      return tags.get(reference);
    },
    async pullManifest(_reference, digest) {
      images.pulls += 1;
      return String(blobs.get(digest));
    },
    async pullBlob(_reference, digest) {
      const blob = blobs.get(digest);
      if (blob === undefined) throw new Error(`no blob ${digest}`);
      return Readable.from([blob]);
    },
  };
  return images;
}

/**
 * A function that keeps the runtime's contract: `/_/ready`, and on SIGTERM it ends when its
 * requests have. `answer` is the body of `async (request) => …`, which gives the answer's text.
 */
export const functionCode = (answer: string, top = ''): string => `
import { createServer } from 'node:http';
${top}
const answer = async (request) => { ${answer} };
const server = createServer(async (request, response) => {
  if (request.url === '/_/ready') return response.end('OK');
  try { response.end(await answer(request)); } catch (error) { response.end('error ' + error.code); }
});
server.listen(process.env.port);
process.on('SIGTERM', () => server.close(() => process.exit(0)));
`;
