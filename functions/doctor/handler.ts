import * as v from 'valibot';
import type { FunctionContext, FunctionEvent } from '#runtime-types';
import { coalesce } from '#shared/coalesce.ts';
import { loadConfig } from '#shared/config.ts';
import { runChecks } from '#shared/doctor/check.ts';
import { echoKey } from '#shared/doctor/check-queue.ts';
import { checks } from '#shared/doctor/checks.ts';
import { moveDeadLetter, platformState } from '#shared/doctor/platform-state.ts';
import { CloudError } from '#shared/errors.ts';
import { identityHeader, verifyIdentity } from '#shared/messages/identity.ts';
import { receiveMessage, signedPath, singleHeader } from '#shared/messages/receive.ts';
import { type Signer, signatureHeader } from '#shared/messages/signature.ts';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import { observed } from '#shared/observe/observed.ts';
import { once } from '#shared/once.ts';
import { gatewaySettings, signerSettings, storeSettings } from '#shared/platform-settings.ts';
import { pageHeaders } from '#shared/web/page.ts';
import { findingsPage } from './page.ts';

const step = observed('doctor');

/** Everything else is read by the checks: what is wrong must not stop the one who says so. */
const signer = once(() => loadConfig(signerSettings));
const letterId = v.pipe(v.string(), v.regex(/^\w{1,64}$/));
/** The message by which the queue is tried, or what an operator wants done with a dead letter. */
const messageSchema = v.union([
  v.object({ nonce: v.pipe(v.string(), v.uuid()) }),
  v.object({ redrive: letterId }),
  v.object({ discard: letterId }),
]);
const gateway = () => loadConfig((settings) => gatewaySettings(settings, { admin: true }));
const pauseMs = 5_000;

/** Reads the configuration; a mistake in it stops the function at its start. */
export const init = async (): Promise<void> => {
  signer();
};

/** However often the page is loaded, one examination runs at a time. */
const examine = coalesce(
  () =>
    runChecks(checks, {
      env: undefined,
      allSecrets: false,
      signal: AbortSignal.timeout(60_000),
    }),
  pauseMs,
);

/**
 * Examines the platform for its operators, and tells them what it is at (`?show=state`); takes back the
 * message by which the queue is tried, and moves dead letters for the dashboard: signed messages.
 */
export default step.classic(async (event: FunctionEvent, context: FunctionContext) => {
  if (event.method === 'POST') {
    const message = receiveMessage(signer(), 'doctor', event, messageSchema);
    if (!('nonce' in message)) {
      await moveDeadLetter(gateway(), message);
      return context.status(200).succeed({ done: true });
    }
    await createS3ObjectStore(loadConfig(storeSettings)).create(echoKey(message.nonce), '');
    return context.status(200).succeed({ nonce: message.nonce });
  }
  if (event.method !== 'GET' && event.method !== 'HEAD') {
    throw new CloudError('OFC_METHOD', 'Only GET, HEAD and POST are supported.');
  }
  requireOperator(signer(), event);
  if (event.query['show'] === 'state') {
    const state = await platformState(gateway(), AbortSignal.timeout(20_000));
    return context.status(200).headers({ 'cache-control': 'no-store' }).succeed(state);
  }
  const findings = await examine('');
  const answer = context.status(200);
  if (/\btext\/html\b/.test(String(event.headers['accept'] ?? ''))) {
    return answer.headers(pageHeaders).succeed(findingsPage(findings));
  }
  return answer.headers({ 'cache-control': 'no-store' }).succeed({ findings });
});

/** What it counts of its own step. */
export const metrics = () => step.metrics.render();
/** Sends on the spans that wait. */
export const { close } = step;

/** The router asked of-auth, too; this is for whoever reaches the function past it. */
function requireOperator(keys: Signer, event: FunctionEvent): void {
  const { operator, login } = verifyIdentity(keys, 'doctor', signedPath(event), {
    identity: singleHeader(event, identityHeader),
    signature: singleHeader(event, signatureHeader),
  });
  if (!operator) throw new CloudError('OFC_FORBIDDEN', `${login} is not an operator.`);
}
