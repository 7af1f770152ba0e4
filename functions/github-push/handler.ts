import type { FunctionContext, FunctionEvent } from '#runtime-types';
import { loadConfig, type Settings } from '#shared/config.ts';
import { CloudError } from '#shared/errors.ts';
import { receiveMessage } from '#shared/messages/receive.ts';
import type { Signer } from '#shared/messages/signature.ts';
import { once } from '#shared/once.ts';
import { pushMessageSchema } from '#shared/pipeline/messages.ts';
import { loadPipeline } from '#shared/pipeline/pipeline.ts';
import { type Beginning, beginDeployment } from './begin-deployment.ts';

interface GithubPush {
  readonly signer: Signer;
  readonly beginning: Beginning;
}

const loaded = once(() => loadConfig(load));

/** Reads the configuration; a mistake in it stops the function at its start. */
export const init = async (): Promise<void> => {
  loaded();
};

/** Begins the deployment of a push that github-event verified. */
export default async (event: FunctionEvent, context: FunctionContext) => {
  const { signer, beginning } = loaded();
  if (event.method !== 'POST') throw new CloudError('OFC_METHOD', 'Only POST is supported.');
  const push = receiveMessage(signer, 'github-push', event, pushMessageSchema);
  const result = await beginDeployment(beginning, push);
  return context.status(200).succeed({ id: push.id, result });
};

function load(settings: Settings): GithubPush {
  const { signer, records, messages } = loadPipeline(settings, { admin: false });
  const claim = {
    leaseMs: settings.duration('step_lease', '15m'),
    maxAttempts: settings.integer('step_attempts', 3, { min: 1, max: 20 }),
  };
  const buildBranches = settings.list('build_branch');
  return { signer, beginning: { records, messages, buildBranches, claim, now: Date.now } };
}
