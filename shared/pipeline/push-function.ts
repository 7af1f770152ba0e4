import type { Settings } from '../config.ts';
import { messageFunction } from '../messages/message-function.ts';
import type { Signer } from '../messages/signature.ts';
import { type Beginning, beginDeployment } from './begin-deployment.ts';
import { pushMessageSchema } from './messages.ts';
import { loadPipeline } from './pipeline.ts';

/**
 * The push function of an SCM: begins the deployment of a push that its event function verified.
 *
 * @param name The function's own name, for which messages are signed.
 */
export function pushFunction(name: string) {
  return messageFunction(name, pushMessageSchema, load, async ({ beginning }, push, context) => {
    const result = await beginDeployment(beginning, push);
    return context.status(200).succeed({ id: push.id, result });
  });
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
