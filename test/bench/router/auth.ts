/** An auth service that says yes: the least that one can cost. For those who ask about each request. */
import { listen } from '../../helpers/listen.ts';

const answer = JSON.stringify({ allow: true, cacheSeconds: 60 });
const { port } = await listen((_, response) => {
  response.writeHead(200, { 'content-length': answer.length }).end(answer);
});
process.send?.({ port });
