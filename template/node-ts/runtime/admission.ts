import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FunctionLog } from '../function/types.ts';
import { isFull, refuseBusy } from './busy.ts';
import { Call } from './call.ts';
import type { RuntimeConfig } from './config.ts';
import { createExecTimeout } from './exec-timeout.ts';
import { endOne, type Lifecycle } from './lifecycle.ts';
import type { Metrics } from './metrics.ts';
import type { Serve } from './serve.ts';

interface AdmissionOptions {
  readonly config: RuntimeConfig;
  readonly lifecycle: Lifecycle;
  readonly metrics: Metrics;
  readonly log: FunctionLog;
  readonly logAccess: (call: Call, status: number) => void;
  readonly serve: Serve;
}

/** The status in logs and metrics of a request whose caller went before it was answered. */
const callerGone = 499;

/** Lets requests in up to `max_inflight`, under the time limit, and counts and logs how they end. */
export function createAdmission({
  config,
  lifecycle,
  metrics,
  log,
  logAccess,
  serve,
}: AdmissionOptions) {
  const execTimeout = createExecTimeout(config.execTimeout);

  function record(call: Call): void {
    const { request, response } = call;
    const status = response.headersSent ? response.statusCode : callerGone;
    metrics.observe(request.method ?? 'GET', status, call.seconds);
    if (!request.headers['user-agent']?.startsWith('kube-probe')) logAccess(call, status);
  }

  function end(call: Call): void {
    execTimeout.stop(call);
    endOne(lifecycle);
    if (!call.response.writableFinished) {
      call.abort(new DOMException('The caller has gone.', 'AbortError'));
    }
    record(call);
  }

  return (request: IncomingMessage, response: ServerResponse): void => {
    const call = new Call(request, response, log);
    // Whoever keeps connections open moves on to another replica.
    if (lifecycle.draining) response.shouldKeepAlive = false;
    if (isFull(config, lifecycle)) {
      response.once('close', () => record(call));
      refuseBusy(response);
      return;
    }
    lifecycle.inflight++;
    response.on('close', () => end(call));
    execTimeout.start(call);
    serve(call);
  };
}
