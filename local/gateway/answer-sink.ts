import type { IncomingMessage, ServerResponse } from 'node:http';
import { headerValue } from '../http/raw-headers.ts';
import type { FunctionAnswer } from '../queue/message.ts';
import type { ForwardedHeaders } from './forwarding-headers.ts';

/** Where a function's answer goes while it arrives. */
export interface AnswerSink {
  /** @param resume Called once the sink can take more, after a `write` that gave `false`. */
  head(status: number, headers: string[], resume: () => void): void;
  write(chunk: Buffer): boolean;
  end(): void;
  /** The answer broke off after its head. */
  breakOff(): void;
}

/** Hands the answer to an HTTP client, as it comes, no faster than the client reads. */
export function responseSink(
  request: IncomingMessage,
  response: ServerResponse,
  { callId, isNewCall, startTime }: ForwardedHeaders,
  servedBy: string,
): AnswerSink {
  return {
    head(status, headers, resume) {
      if (isNewCall && headerValue(headers, 'x-call-id') === undefined)
        headers.push('X-Call-Id', callId);
      headers.push('X-Start-Time', startTime, 'X-Served-By', servedBy);
      // What the client still sends belongs to this request: the connection cannot serve another.
      if (!request.complete) headers.push('Connection', 'close');
      response.on('drain', resume);
      response.writeHead(status, headers);
      if (request.method === 'HEAD') response.flushHeaders();
    },
    write: (chunk) => response.write(chunk),
    end: () => void response.end(),
    breakOff: () => void response.destroy(),
  };
}

/**
 * Collects an answer, for a callback. A body over `maxBytes` cannot be delivered: the answer is then
 * a 500, which is not tried again. Without `maxBytes` the body is read and dropped.
 */
export function collectingSink(maxBytes: number | undefined): {
  sink: AnswerSink;
  answer(): FunctionAnswer;
} {
  let status = 502;
  let headers: string[] = [];
  let chunks: Buffer[] = [];
  let size = 0;
  const replace = (code: number, text: string): void => {
    status = code;
    headers = ['Content-Type', 'text/plain; charset=utf-8'];
    chunks = [Buffer.from(text)];
  };
  return {
    sink: {
      head(code, received) {
        status = code;
        headers = received;
      },
      write(chunk) {
        size += chunk.length;
        if (maxBytes !== undefined && size <= maxBytes) chunks.push(chunk);
        return true;
      },
      end() {
        if (maxBytes !== undefined && size > maxBytes) {
          replace(500, `The function's answer is over ${maxBytes} bytes.`);
        }
      },
      breakOff: () => replace(502, "The function's answer broke off."),
    },
    answer: () => ({ status, headers, body: Buffer.concat(chunks) }),
  };
}
