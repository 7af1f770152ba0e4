import type { FunctionContext, FunctionEvent } from '#runtime-types';
import { loadConfig, type Settings } from '#shared/config.ts';
import { createCustomers, customersSettings } from '#shared/customers.ts';
import { once } from '#shared/once.ts';
import { loadPipeline } from '#shared/pipeline/pipeline.ts';
import { type Receiving, receiveWebhook } from './receive-webhook.ts';

const loaded = once(() => loadConfig(load));

/** Reads the configuration; a mistake in it stops the function at its start. */
export const init = async (): Promise<void> => {
  loaded();
};

/** Receives the webhooks of the GitHub App. */
export default async (event: FunctionEvent, context: FunctionContext) => {
  const { status, body } = await receiveWebhook(loaded(), event);
  return context.status(status).succeed(body);
};

function load(settings: Settings): Receiving {
  const { store, records, messages } = loadPipeline(settings, { admin: false });
  return {
    secrets: {
      current: settings.secret('github-webhook-secret'),
      previous: settings.optionalSecret('github-webhook-secret-previous'),
    },
    allowSha1: settings.flag('allow_sha1_signature', false),
    githubUrl: settings.url('github_url', 'https://github.com'),
    customers: settings.flag('validate_customers', true)
      ? createCustomers(customersSettings(settings))
      : undefined,
    store,
    records,
    messages,
    now: Date.now,
  };
}
