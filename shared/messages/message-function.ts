import type * as v from 'valibot';
import type { FunctionContext, FunctionEvent } from '#runtime-types';
import { loadConfig, type Settings } from '../config.ts';
import { CloudError } from '../errors.ts';
import { observed } from '../observe/observed.ts';
import { once } from '../once.ts';
import { receiveMessage } from './receive.ts';
import type { Signer } from './signature.ts';

/**
 * A function of the platform that is called with signed messages of one kind, and by nobody else.
 *
 * @param name The function's own name, for which messages are signed.
 * @param load Reads the configuration, once.
 * @param act Does what a message asks for; it is the handler from there on.
 */
export function messageFunction<
  Schema extends v.GenericSchema,
  Loaded extends { readonly signer: Signer },
>(
  name: string,
  schema: Schema,
  load: (settings: Settings) => Loaded,
  act: (
    loaded: Loaded,
    message: v.InferOutput<Schema>,
    context: FunctionContext,
  ) => Promise<unknown>,
) {
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
      const configuration = loaded();
      if (event.method !== 'POST') throw new CloudError('OFC_METHOD', 'Only POST is supported.');
      const message = receiveMessage(configuration.signer, name, event, schema);
      return act(configuration, message, context);
    }),
  };
}
