import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as esbuild from 'esbuild';
import { bundleFunction } from '../../helpers/deployed-function.ts';
import { eventually } from '../../helpers/eventually.ts';
import { freePort } from '../../helpers/free-port.ts';
import { send } from '../../helpers/http-client.ts';
import { writePlatformSecrets } from '../../helpers/platform-environment.ts';

/** A server under test, in one process. */
export interface Subject {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  readonly child: ChildProcess;
  /** The auth service that it asks about each request. */
  readonly auth?: Subject;
}

/** Bundles and starts one of the servers beside this file. */
export async function startScript(
  file: string,
  folder: string,
  ...args: string[]
): Promise<Subject> {
  const outfile = join(folder, `${file}.mjs`);
  await esbuild.build({
    entryPoints: [join(import.meta.dirname, `${file}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
  });
  const child = fork(outfile, args, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], execArgv: [] });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return { name: file, port, pid: child.pid ?? 0, child };
}

/** of-router as it is deployed: its bundle, runtime and access log, with no limits. */
export async function startRouter(upstream: number, folder: string): Promise<Subject> {
  const secrets = join(folder, 'secrets');
  await mkdir(secrets);
  await writePlatformSecrets(secrets);
  const bundle = await bundleFunction('of-router', folder);
  const router = await bundle.start({
    secret_mount_path: secrets,
    gateway_url: `http://127.0.0.1:${upstream}`,
    gateway_pretty_url: 'https://user.example.com/function',
    owner_rate: '0',
    owner_concurrency: '0',
    address_rate: '0',
    address_concurrency: '0',
  });
  return { name: 'router', ...router };
}

/** The control, with an auth service of its own. */
export async function startControl(upstream: number, folder: string): Promise<Subject> {
  const auth = await startScript('auth', folder);
  const control = await startScript('control', folder, String(upstream), String(auth.port));
  return { ...control, auth };
}

/** nginx with `auth_request` and `proxy_pass`; one process, as of-router is one. */
export async function startNginx(upstream: number, folder: string): Promise<Subject> {
  const auth = await startScript('auth', folder);
  const port = await freePort();
  const path = join(folder, 'nginx.conf');
  await writeFile(
    path,
    `daemon off; master_process off; error_log ${folder}/error.log; pid ${folder}/pid;
worker_rlimit_nofile 20000;
events { worker_connections 20000; }
http {
  access_log ${folder}/access.log; keepalive_requests 1000000;
  client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
  uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  upstream gateway { server 127.0.0.1:${upstream}; keepalive 256; }
  upstream auth { server 127.0.0.1:${auth.port}; keepalive 256; }
  server {
    listen 127.0.0.1:${port};
    proxy_http_version 1.1; proxy_set_header Connection "";
    location = /auth {
      internal; proxy_pass_request_body off; proxy_set_header Content-Length "";
      proxy_pass http://auth/q/;
    }
    location ~ ^/hello(.*)$ { auth_request /auth; proxy_pass http://gateway/function/alice-hello$1; }
  }
}`,
  );
  const child = spawn('nginx', ['-c', path], { stdio: 'ignore' });
  await eventually(() => send(port, '/hello'));
  return { name: 'nginx', port, pid: child.pid ?? 0, child, auth };
}
