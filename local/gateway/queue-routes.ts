import type { Queue } from '../queue/queue.ts';
import { sendJson, sendText } from './http-answers.ts';
import type { Route } from './routes.ts';

/** `/system/queue` and `/system/dead-letters`: what waits, what was given up, and what to do about it. */
export function queueRoutes(queue: Queue): Route[] {
  return [
    {
      path: '/system/queue',
      methods: { GET: ({ response }) => sendJson(response, 200, queue.stats()) },
    },
    {
      path: '/system/dead-letters',
      methods: { GET: ({ response }) => sendJson(response, 200, queue.deadLetters.list()) },
    },
    {
      path: /^\/system\/dead-letters\/(\w+)\/redrive$/,
      methods: {
        async POST({ response, name }) {
          await queue.deadLetters.redrive(name);
          sendText(response, 202);
        },
      },
    },
    {
      path: /^\/system\/dead-letters\/(\w+)\/discard$/,
      methods: {
        async POST({ response, name }) {
          await queue.deadLetters.discard(name);
          sendText(response, 202);
        },
      },
    },
  ];
}
