import type { IncomingMessage } from 'node:http';
import type { FunctionLog } from '../function/types.ts';
import { isFull, refuseBusy } from './busy.ts';
import { Call } from './call.ts';
import type { RuntimeConfig } from './config.ts';
import { createExecTimeout } from './exec-timeout.ts';
import { endOne, type Lifecycle } from './lifecycle.ts';
import type { Metrics } from './metrics.ts';
import { splitTarget } from './request-target.ts';
import type { Serve } from './serve.ts';
import type { TimedResponse } from './timed-response.ts';

interface AdmissionOptions {
  readonly config: RuntimeConfig;
  readonly lifecycle: Lifecycle;
  readonly metrics: Metrics;
  readonly log: FunctionLog;
  readonly serve: Serve;
}

/** The status in logs and metrics of a request whose caller went before it was answered. */
const callerGone = 499;

/** Lets requests in up to `max_inflight`, under the time limit, and counts and logs how they end. */
export function createAdmission({ config, lifecycle, metrics, log, serve }: AdmissionOptions) {
  const execTimeout = createExecTimeout(config.execTimeout);

  function onClose(this: TimedResponse): void {
    const { call } = this;
    if (call === undefined) return;
    execTimeout.stop(this);
    endOne(lifecycle);
    if (!this.writableFinished) call.abort(new DOMException('The caller has gone.', 'AbortError'));
    record(this, call);
  }

  function record(response: TimedResponse, call: Call): void {
    const { seconds } = response;
    const status = response.headersSent ? response.statusCode : callerGone;
    metrics.observe(call.method, status, seconds);
    if (call.quiet) return;
    // The path only: a query may hold a token or an OAuth code.
    log.info('request', {
      method: call.method,
      path: call.path,
      status,
      durationMs: Math.round(seconds * 1e6) / 1e3,
      callId: call.callId,
      incomplete: response.writableFinished ? undefined : true,
    });
  }

  return (request: IncomingMessage, response: TimedResponse): void => {
    const call = new Call(request, splitTarget(request.url ?? '/').path, log);
    // Whoever keeps connections open moves on to another replica.
    if (lifecycle.draining) response.shouldKeepAlive = false;
    if (isFull(config, lifecycle)) {
      response.once('close', () => record(response, call));
      refuseBusy(response);
      return;
    }
    lifecycle.inflight++;
    response.call = call;
    response.on('close', onClose);
    execTimeout.start(request, response);
    void serve(request, response, call);
  };
}
