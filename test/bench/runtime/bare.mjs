// The floor: node:http, the body read and parsed where there is one, and nothing else.
import { createServer } from 'node:http';

createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const raw = Buffer.concat(chunks);
    if (raw.length > 0) JSON.parse(raw);
    const body = JSON.stringify({ text: 'x'.repeat(185), size: raw.length });
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
    });
    response.end(body);
  });
}).listen(Number(process.env.port), '127.0.0.1');
