// Loads several servers in turns, a short window each, so that what disturbs the machine disturbs all
// of them alike. Prints for each window the requests per second of wall time and of the server's
// processor time. Run by runtime.bench.ts, on a core of its own.
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';

const { targets, connections, windowMs, rounds } = JSON.parse(process.argv[2]);

function requestOf(method) {
  const body = method === 'POST' ? JSON.stringify({ text: 'x'.repeat(189) }) : '';
  const lines = [
    `${method} /path HTTP/1.1`,
    'Host: bench',
    'X-Call-Id: 3c1fb3b5-38f4-4b6a-a5a5-0c2a5a7d5e0f',
    ...(body ? ['Content-Type: application/json', `Content-Length: ${body.length}`] : []),
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
}

/** Nanoseconds on a processor so far, of all threads. */
function cpuTime(pids) {
  let total = 0;
  for (const pid of pids) {
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      total += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
    }
  }
  return total;
}

/** Keeps the connections busy, one request at a time on each, until the window is over. */
function runWindow({ port, pids }, request) {
  return new Promise((resolve) => {
    let answered = 0;
    let open = connections;
    const cpu = cpuTime(pids);
    const began = performance.now();
    const finish = () => {
      const seconds = (performance.now() - began) / 1000;
      resolve([answered / seconds, answered / ((cpuTime(pids) - cpu) / 1e9)]);
    };
    for (let index = 0; index < connections; index++) {
      const socket = connect(port, '127.0.0.1');
      let received = '';
      socket.setNoDelay(true).setEncoding('latin1');
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
        if (performance.now() - began < windowMs) return socket.write(request);
        socket.destroy();
        if (--open === 0) finish();
      });
    }
  });
}

const windows = [];
for (let round = 0; round < rounds; round++) {
  for (const target of targets) {
    for (const method of ['GET', 'POST']) {
      const [perSecond, perCpuSecond] = await runWindow(target, requestOf(method));
      windows.push({ round, name: target.name, method, perSecond, perCpuSecond });
    }
  }
}
console.log(JSON.stringify(windows));
