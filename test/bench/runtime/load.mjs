// Keeps `connections` keep-alive connections busy for `seconds`, one request at a time on each, and
// prints the number of requests per second. Run by runtime.bench.ts, on a core of its own.
import { connect } from 'node:net';

const [port, method, connections, seconds] = process.argv.slice(2);
const body = method === 'POST' ? JSON.stringify({ text: 'x'.repeat(189) }) : '';
const request = Buffer.from(
  [
    `${method} /path HTTP/1.1`,
    'Host: bench',
    'X-Call-Id: 3c1fb3b5-38f4-4b6a-a5a5-0c2a5a7d5e0f',
    ...(body ? ['Content-Type: application/json', `Content-Length: ${body.length}`] : []),
    '',
    body,
  ].join('\r\n'),
);

let answered = 0;
let stopped = false;

function open() {
  const socket = connect(Number(port), '127.0.0.1');
  let received = '';
  socket.setNoDelay(true);
  socket.setEncoding('latin1');
  socket.on('connect', () => socket.write(request));
  socket.on('data', (chunk) => {
    received += chunk;
    const head = received.indexOf('\r\n\r\n');
    if (head === -1) return;
    const length = /content-length: (\d+)/i.exec(received)?.[1];
    if (!received.startsWith('HTTP/1.1 200') || length === undefined) throw new Error(received);
    if (received.length < head + 4 + Number(length)) return;
    received = '';
    answered++;
    if (!stopped) socket.write(request);
  });
}

for (let index = 0; index < Number(connections); index++) open();
const started = performance.now();
setTimeout(() => {
  stopped = true;
  console.log(Math.round(answered / ((performance.now() - started) / 1000)));
  process.exit(0);
}, Number(seconds) * 1000);
