// Stands in for a watchdog as a second process: starts the child and forwards every request to it.
// The real one is written in Go; this hop only shows the shape.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { Agent, createServer, request as send } from 'node:http';

const socketPath = `${process.env.TMPDIR ?? '/tmp'}/hop-${process.pid}.sock`;
const agent = new Agent({ keepAlive: true, maxSockets: 100 });
const child = spawn(process.execPath, [new URL('express.mjs', import.meta.url).pathname], {
  env: { ...process.env, port: socketPath },
  stdio: 'inherit',
});
child.on('exit', () => process.exit(1));
process.on('SIGTERM', () => {
  child.kill();
  rmSync(socketPath, { force: true });
  process.exit(0);
});

createServer((request, response) => {
  const { method, url: path, headers } = request;
  const upstream = send({ socketPath, agent, method, path, headers });
  upstream.on('response', (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  upstream.on('error', () => response.writeHead(502).end());
  request.pipe(upstream);
}).listen(Number(process.env.port), '127.0.0.1');
