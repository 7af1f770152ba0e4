// The child of the official template's shape: Express with its body parsers.
import express from 'express';

const app = express();
app.disable('x-powered-by');
app.use(express.json());
app.use(express.text({ type: 'text/*' }));
app.use(express.urlencoded({ extended: true }));
app.all('/{*path}', (request, response) => {
  const size = Number(request.headers['content-length'] ?? 0);
  response.status(200).send(JSON.stringify({ text: 'x'.repeat(185), size }));
});
const { port } = process.env;
app.listen(...(port.includes('/') ? [port] : [Number(port), '127.0.0.1']));
