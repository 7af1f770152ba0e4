import type { FunctionContext, FunctionEvent } from '#runtime-types';
import { loadConfig, type Settings } from '../config.ts';
import { createCustomers, customersSettings } from '../customers.ts';
import { observed } from '../observe/observed.ts';
import { once } from '../once.ts';
import { loadPipeline } from '../pipeline/pipeline.ts';
import { createOwnerClaims } from '../scm/owner-claims.ts';
import type { ScmWebhooks } from '../scm/scm-webhooks.ts';
import { type Receiving, receiveWebhook } from './receive-webhook.ts';

/** Reads the settings of all SCMs of one kind, and makes their webhooks. */
export type LoadWebhooks = (settings: Settings) => ScmWebhooks[];

/**
 * The event function of a kind of SCM: receives its webhooks.
 *
 * @param name The function's own name.
 */
export function eventFunction(name: string, webhooks: LoadWebhooks) {
  const step = observed(name, { begins: true });
  const loaded = once(() => loadConfig((settings) => load(settings, webhooks)));
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
      const { status, body } = await receiveWebhook(loaded(), event);
      return context.status(status).succeed(body);
    }),
  };
}

function load(settings: Settings, webhooks: LoadWebhooks): Receiving {
  const { store, records, messages } = loadPipeline(settings, { admin: false });
  const customers = settings.flag('validate_customers', true)
    ? createCustomers(customersSettings(settings))
    : undefined;
  const owners = createOwnerClaims(store);
  const scms = webhooks(settings);
  return { scms, customers, store, owners, records, messages, now: Date.now };
}
