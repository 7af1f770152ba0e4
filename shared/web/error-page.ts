import type { IncomingMessage, ServerResponse } from 'node:http';
import { html } from './html.ts';
import { pageHeaders, renderPage } from './page.ts';

/** What is said to a visitor instead of an answer. Nothing in it comes from an upstream. */
export interface ErrorPage {
  readonly status: number;
  /** What happened and what to do, in plain sentences; otherwise the usual text of the status. */
  readonly message?: string | undefined;
  /** Lets the operator find the request in the logs. */
  readonly callId?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const titles: Readonly<Record<number, readonly [title: string, message: string]>> = {
  400: ['Bad request', 'The address cannot be read in one way only. Check it for odd characters.'],
  401: ['Sign in first', 'This page is for people who are signed in.'],
  403: ['Not allowed', 'You may not use this page.'],
  404: ['Not found', 'There is no function at this address.'],
  405: ['Method not allowed', 'This address does not take requests of that kind.'],
  408: ['Request too slow', 'The request stopped half-way, so it was given up.'],
  411: ['Length missing', 'This address takes bodies only whose length is said before.'],
  413: ['Too large', 'The body of the request is larger than this address takes.'],
  414: ['Address too long', 'The address is longer than 8192 characters.'],
  429: ['Too busy', 'Too many requests run at once. Try again in a moment.'],
  501: ['Not supported', 'This address does not speak the protocol that was asked for.'],
  502: ['No answer', 'The function failed before it answered. Try again, or look into its log.'],
  503: ['Not available', 'The platform cannot take this request now. Try again in a moment.'],
  504: ['Too slow', 'The function took longer than it may. Try again, or look into its log.'],
};

/** Whether a request is a browser's for a page: `Accept` names HTML. */
export function wantsHtml(request: IncomingMessage): boolean {
  return /\btext\/html\b/i.test(request.headers.accept ?? '');
}

/** Answers with an error: a short page for browsers, JSON for everyone else. */
export function sendError(
  request: IncomingMessage,
  response: ServerResponse,
  { status, message: given, callId, headers }: ErrorPage,
): void {
  const [title, usual] = titles[status] ?? ['Error', 'Something went wrong.'];
  const message = given ?? usual;
  const asPage = wantsHtml(request);
  const body = asPage
    ? renderPage(
        title,
        html`<p>${message}</p>${callId === undefined ? [] : html`<p><small>Call id <code>${callId}</code></small></p>`}`,
      )
    : `${JSON.stringify({ error: { status, message, callId } })}\n`;
  response.writeHead(status, {
    ...pageHeaders,
    'content-type': asPage ? 'text/html; charset=utf-8' : 'application/json',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
