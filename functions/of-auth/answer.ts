import type { ServerResponse } from 'node:http';
import type { Html } from '#shared/web/html.ts';
import { pageHeaders, renderPage } from '#shared/web/page.ts';

/** What a route of of-auth answers; pure data, so that routes are functions. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: string;
}

/** A web page. */
export function page(status: number, title: string, body: Html, cookies: string[] = []): Answer {
  return {
    status,
    headers: { ...pageHeaders, 'set-cookie': cookies },
    body: renderPage(title, body),
  };
}

/** A JSON document. */
export function json(status: number, value: unknown, cacheControl = 'no-store'): Answer {
  return {
    status,
    headers: {
      'content-type': 'application/json',
      'x-content-type-options': 'nosniff',
      'cache-control': cacheControl,
    },
    body: JSON.stringify(value),
  };
}

/** A redirect. 303 after a POST, 302 otherwise. */
export function redirect(status: 302 | 303, location: string, cookies: string[] = []): Answer {
  return {
    status,
    headers: { location, 'cache-control': 'no-store', 'set-cookie': cookies },
    body: '',
  };
}

/** Sends an answer. */
export function send(response: ServerResponse, answer: Answer, withBody: boolean): void {
  const length = Buffer.byteLength(answer.body);
  response.writeHead(answer.status, { ...answer.headers, 'content-length': length });
  response.end(withBody ? answer.body : undefined);
}
