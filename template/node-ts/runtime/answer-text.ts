import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** An answer of the runtime itself that is not part of a call: probes, refusals. */
export function answerText(
  response: ServerResponse,
  status: number,
  text: string,
  headers: OutgoingHttpHeaders = {},
): void {
  const typed = { ...headers, 'Content-Type': 'text/plain', 'Content-Length': text.length };
  response.writeHead(status, typed).end(text);
}
