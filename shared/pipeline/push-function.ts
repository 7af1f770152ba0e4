import type { FunctionContext, FunctionEvent } from '#runtime-types';
import { loadConfig, type Settings } from '../config.ts';
import { CloudError } from '../errors.ts';
import { receiveMessage } from '../messages/receive.ts';
import type { Signer } from '../messages/signature.ts';
import { observed } from '../observe/observed.ts';
import { once } from '../once.ts';
import { type Beginning, beginDeployment } from './begin-deployment.ts';
import { pushMessageSchema } from './messages.ts';
import { loadPipeline } from './pipeline.ts';

/**
 * The push function of an SCM: begins the deployment of a push that its event function verified.
 *
 * @param name The function's own name, for which messages are signed.
 */
export function pushFunction(name: string) {
  const step = observed(name);
  const loaded = once(() => loadConfig(load));
  return {
    /** Reads the configuration; a mistake in it stops the function at its start. */
    init: async (): Promise<void> => {
      loaded();
    },
    /** What it counts of its own step. */
    metrics: () => step.metrics.render(),
    /** Sends on the spans that wait. */
    close: step.close,
    handle: step.classic(async (event: FunctionEvent, context: FunctionContext) => {
      const { signer, beginning } = loaded();
      if (event.method !== 'POST') throw new CloudError('OFC_METHOD', 'Only POST is supported.');
      const push = receiveMessage(signer, name, event, pushMessageSchema);
      const result = await beginDeployment(beginning, push);
      return context.status(200).succeed({ id: push.id, result });
    }),
  };
}

function load(settings: Settings): { signer: Signer; beginning: Beginning } {
  const { signer, records, messages } = loadPipeline(settings, { admin: false });
  const claim = {
    leaseMs: settings.duration('step_lease', '15m'),
    maxAttempts: settings.integer('step_attempts', 3, { min: 1, max: 20 }),
  };
  const buildBranches = settings.list('build_branch');
  return { signer, beginning: { records, messages, buildBranches, claim, now: Date.now } };
}
