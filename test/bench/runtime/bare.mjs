// The floor: node:http and nothing else, with the answer the other candidates give.
import { createServer } from 'node:http';

createServer((request, response) => {
  let size = 0;
  request.on('data', (chunk) => {
    size += chunk.length;
  });
  request.on('end', () => {
    const body = JSON.stringify({ text: 'x'.repeat(185), size });
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
    });
    response.end(body);
  });
}).listen(Number(process.env.port), '127.0.0.1');
