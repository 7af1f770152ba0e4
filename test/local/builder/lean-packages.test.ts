import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { expect } from 'chai';
import * as esbuild from 'esbuild';
import { leanPackages } from '../../../local/builder/lean-packages.mjs';
import { tempDir } from '../../helpers/temp-dir.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../../..');

/** Tells on standard output which of the globals that bring undici along were looked at by the import. */
const source = `
const { default: axios } = await import('axios');
const { S3Client, GetObjectCommand } = await import('@aws-sdk/client-s3');
const touched = [...globalThis.touched];
const url = process.argv[2];
const said = await axios.post(url + '/form', new URLSearchParams({ a: 'b c' }));
const json = await axios.post(url + '/json', { a: 1 });
const client = (credentials) => new S3Client({ endpoint: url, region: 'x', forcePathStyle: true, ...credentials });
const get = new GetObjectCommand({ Bucket: 'b', Key: 'k' });
const given = client({ credentials: { accessKeyId: 'id', secretAccessKey: 'key' } });
const object = await (await given.send(get)).Body.transformToString();
const without = await client({}).send(get).catch((error) => error.message);
process.stdout.write(JSON.stringify({ touched, form: said.data, json: json.data, object, without }));
`;

/** Runs before the bundle: `fetch` and the like are there, and looking at them is noted. */
const watch = `
globalThis.touched = new Set();
for (const name of ['fetch', 'Request', 'Response', 'FormData']) {
  const found = Object.getOwnPropertyDescriptor(globalThis, name);
  const get = () => { globalThis.touched.add(name); return found.get ? found.get.call(globalThis) : found.value; };
  Object.defineProperty(globalThis, name, { configurable: true, get });
}
globalThis.require = process.getBuiltinModule('module').createRequire(import.meta.url);
`;

describe('packages of the platform’s functions', function () {
  this.timeout(60_000);

  const bundled = async (plugins: esbuild.Plugin[]): Promise<Record<string, unknown>> => {
    const dir = await tempDir();
    const server = createServer(async (request, response) => {
      const type = String(request.headers['content-type'] ?? '').split(';', 1);
      response.setHeader('content-type', 'text/plain');
      response.end(`${request.method} ${request.url} ${type} ${await text(request)}`);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const outfile = join(dir.path, 'index.mjs');
      await esbuild.build({
        stdin: { contents: source, resolveDir: root },
        outfile,
        bundle: true,
        platform: 'node',
        format: 'esm',
        target: 'node20',
        mainFields: ['module', 'main'],
        banner: { js: watch },
        plugins,
      });
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const env = { PATH: process.env['PATH'], AWS_EC2_METADATA_DISABLED: 'true' };
      const { stdout } = await run(process.execPath, [outfile, url], { env, cwd: dir.path });
      return JSON.parse(stdout) as Record<string, unknown>;
    } finally {
      await new Promise((resolve) => server.close(resolve));
      await dir.remove();
    }
  };

  it('work as before without the parts that nobody uses, and do not bring Node’s undici along', async () => {
    const lean = await bundled([leanPackages]);
    expect(lean).to.deep.equal({
      touched: [],
      form: 'POST /form application/x-www-form-urlencoded a=b+c',
      json: 'POST /json application/json {"a":1}',
      object: 'GET /b/k?x-id=GetObject  ',
      without: 'No credentials were given.',
    });
    const usual = await bundled([]);
    expect(usual['touched'], 'what is watched does not happen any more').to.not.deep.equal([]);
    expect({ ...usual, touched: [], without: '' }).to.deep.equal({ ...lean, without: '' });
  });
});
