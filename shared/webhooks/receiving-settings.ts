import type { Settings } from '../config.ts';
import { createCustomers, customersSettings } from '../customers.ts';
import { loadPipeline } from '../pipeline/pipeline.ts';
import type { ScmWebhooks } from '../scm/scm-webhooks.ts';
import type { Receiving } from './receive-webhook.ts';

/** Reads what all event functions share. */
export function receivingSettings(settings: Settings, scms: readonly ScmWebhooks[]): Receiving {
  const { store, records, messages } = loadPipeline(settings, { admin: false });
  const customers = settings.flag('validate_customers', true)
    ? createCustomers(customersSettings(settings))
    : undefined;
  return { scms, customers, store, records, messages, now: Date.now };
}
