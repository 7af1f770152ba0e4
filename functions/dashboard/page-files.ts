import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import * as v from 'valibot';
import { CloudError } from '#shared/errors.ts';
import type { PageFiles } from './page-shell.ts';

/** A file that browsers may keep for ever: its name changes with its content. */
export interface Asset {
  readonly contentType: string;
  readonly content: Buffer;
  readonly brotli: Buffer;
}

const types: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};
const manifestSchema = v.object({ js: v.string(), css: v.nullable(v.string()) });

/**
 * Reads what the build bundled for browsers.
 *
 * @param folder `static/` beside the function's bundle.
 * @throws CloudError `OFC_INTERNAL` if it is not there.
 */
export function readPageFiles(folder: string): {
  readonly files: PageFiles;
  readonly assets: ReadonlyMap<string, Asset>;
} {
  const client = join(folder, 'client');
  try {
    const files = v.parse(
      v.pipe(v.string(), v.parseJson(), manifestSchema),
      readFileSync(join(client, 'manifest.json'), 'utf8'),
    );
    const paths = [
      ...readdirSync(client).map((name) => join(client, name)),
      join(folder, 'icon.svg'),
    ];
    return { files, assets: new Map(paths.flatMap(readAsset)) };
  } catch (error) {
    throw new CloudError('OFC_INTERNAL', `The page was not bundled into ${folder}.`, {
      cause: error,
    });
  }
}

function readAsset(path: string): [string, Asset][] {
  const [name = '', kind = ''] = /([^/\\]+?)\.(\w+)$/.exec(path)?.slice(1) ?? [];
  const contentType = types[kind];
  if (contentType === undefined) return [];
  const content = readFileSync(path);
  const params = { [constants.BROTLI_PARAM_QUALITY]: 9 };
  return [
    [`${name}.${kind}`, { contentType, content, brotli: brotliCompressSync(content, { params }) }],
  ];
}
