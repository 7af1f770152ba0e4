import type { IncomingMessage } from 'node:http';
import { answer } from './answer.ts';
import { isFull, refuseBusy } from './busy.ts';
import type { RuntimeConfig } from './config.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { TimedResponse } from './timed-response.ts';

type Listener = (request: IncomingMessage, response: TimedResponse) => void;

/** Answers `/_/health` and `/_/ready`; everything else goes to `next`. */
export function withProbes(config: RuntimeConfig, lifecycle: Lifecycle, next: Listener): Listener {
  function answerProbe(request: IncomingMessage, response: TimedResponse, ready: boolean): void {
    const text = { 'Content-Type': 'text/plain' };
    if (request.method !== 'GET') {
      answer(response, 405, { ...text, Allow: 'GET' });
    } else if (!lifecycle.ready || lifecycle.draining) {
      answer(response, 503, text, 'Service Unavailable');
    } else if (ready && isFull(config, lifecycle)) {
      refuseBusy(response);
    } else if (ready && config.readyPath !== undefined) {
      request.url = config.readyPath;
      next(request, response);
    } else {
      answer(response, 200, text, 'OK');
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
