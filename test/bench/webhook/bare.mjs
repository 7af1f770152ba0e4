// The least that a webhook can cost: node:http, the signature checked, the event parsed, 202.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks);
    const mac = createHmac('sha256', process.env.secret).update(body).digest('hex');
    const given = String(request.headers['x-hub-signature-256']);
    const good = timingSafeEqual(Buffer.from(`sha256=${mac}`), Buffer.from(given));
    response.writeHead(good ? 202 : 401).end(JSON.parse(body.toString()).after);
  });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
