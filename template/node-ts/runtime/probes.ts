import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerText } from './answer-text.ts';
import { isFull, refuseBusy } from './busy.ts';
import type { RuntimeConfig } from './config.ts';
import type { Lifecycle } from './lifecycle.ts';

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers `/_/health` and `/_/ready`; everything else goes to `next`. */
export function withProbes(config: RuntimeConfig, lifecycle: Lifecycle, next: Listener): Listener {
  function answerProbe(request: IncomingMessage, response: ServerResponse, ready: boolean): void {
    if (request.method !== 'GET') {
      answerText(response, 405, 'Method Not Allowed', { Allow: 'GET' });
    } else if (!lifecycle.ready || lifecycle.draining) {
      answerText(response, 503, 'Service Unavailable');
    } else if (ready && isFull(config, lifecycle)) {
      refuseBusy(response);
    } else if (ready && config.readyPath !== undefined) {
      request.url = config.readyPath;
      next(request, response);
    } else {
      answerText(response, 200, 'OK');
    }
  }

  return (request, response) => {
    const url = request.url ?? '/';
    // One comparison for almost all requests.
    if (url.charCodeAt(1) === 0x5f && /^\/_\/(?:health|ready)(?:\?|$)/.test(url)) {
      answerProbe(request, response, url.startsWith('/_/ready'));
    } else {
      next(request, response);
    }
  };
}
