import { createHmac } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { type Header, pack } from 'tar-stream';

/** An entry of a request's tar. */
export type TarEntry = Partial<Header> & { name: string; body?: string | Buffer };

/** The parts of a build request that a test wants to be different. */
export interface RequestParts {
  readonly files: Readonly<Record<string, string | Buffer>>;
  readonly config: object;
  readonly extra?: readonly TarEntry[];
}

/** The tar of a build request. */
export async function requestTar({ files, config, extra = [] }: RequestParts): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: 'context', type: 'directory' });
  for (const [name, body] of Object.entries(files)) tar.entry({ name: `context/${name}` }, body);
  for (const { body, ...header } of extra) tar.entry(header, body ?? '');
  tar.entry({ name: 'com.openfaas.docker.config' }, JSON.stringify(config));
  tar.finalize();
  return buffer(tar as unknown as Readable);
}

/** All lines of an NDJSON answer, with the log in one text. */
export interface Answer {
  readonly status: number;
  readonly lines: Record<string, unknown>[];
  readonly last: Record<string, unknown>;
  readonly log: string;
}

/** Sends a signed build request. */
export async function sendBuild(
  url: string,
  body: Buffer,
  secret: string,
  headers: Record<string, string> = { accept: 'application/x-ndjson' },
): Promise<Answer> {
  const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
  return new Promise((resolve, reject) => {
    const asked = request(
      `${url}/build`,
      { method: 'POST', headers: { 'x-build-signature': signature, ...headers }, agent: false },
      (response) => {
        text(response).then((answer) => {
          const lines = answer
            .split('\n')
            .filter((line) => line !== '')
            .map((line) => JSON.parse(line) as Record<string, unknown>);
          resolve({
            status: response.statusCode ?? 0,
            lines,
            last: lines.at(-1) ?? {},
            log: lines.flatMap((line) => line['log'] ?? []).join('\n'),
          });
        }, reject);
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}

/** The files of a template folder, for a context. */
export async function templateFiles(folder: string): Promise<Record<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files: Record<string, Buffer> = {};
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(folder.length + 1);
    if (entry.isFile() && !name.includes('node_modules')) files[name] = await readFile(path);
  }
  return files;
}
