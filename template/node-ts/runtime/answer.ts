import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** Ends a response with a body of known length. Does nothing if it has begun already. */
export function answer(
  response: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
  body: string | Buffer = '',
): void {
  if (response.headersSent || response.destroyed) return;
  const bodiless = status === 204 || status === 304;
  response.writeHead(
    status,
    bodiless ? headers : { ...headers, 'Content-Length': Buffer.byteLength(body) },
  );
  response.end(bodiless ? undefined : body);
}

/** {@link answer} with a JSON body. */
export function answerJson(
  response: ServerResponse,
  status: number,
  value: object,
  headers: OutgoingHttpHeaders = {},
): void {
  answer(
    response,
    status,
    { ...headers, 'Content-Type': 'application/json' },
    JSON.stringify(value),
  );
}
