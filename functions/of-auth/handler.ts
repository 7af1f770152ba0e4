/**
 * of-auth: who may enter. Answers the router's questions, signs people in and out, and shows the
 * start page.
 *
 * @module
 */
import type { InitHandler, RawHandler } from '#runtime-types';
import { loadConfig } from '#shared/config.ts';
import { type CustomersHealth, createCustomers, customersSettings } from '#shared/customers.ts';
import { createLogger } from '#shared/log.ts';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import { observed } from '#shared/observe/observed.ts';
import { storeSettings } from '#shared/platform-settings.ts';
import { readConfig } from './config.ts';
import { createAuth } from './of-auth.ts';

const step = observed('of-auth', { begins: true });
let handle: RawHandler;

const customersKey = 'auth/customers.txt';

/** Stops the function at its start if the configuration is wrong. */
export const init: InitHandler = () => {
  const { auth, s3, list } = loadConfig((settings) => ({
    auth: readConfig(settings),
    s3: storeSettings(settings),
    list: settings.flag('validate_customers', true) ? customersSettings(settings) : undefined,
  }));
  const store = createS3ObjectStore(s3);
  const backup = {
    load: async () => (await store.get(customersKey))?.toString('utf8'),
    save: (text: string) => store.put(customersKey, text),
  };
  const log = createLogger({ function: 'of-auth' });
  const onChange = ({ ok, problem, count }: CustomersHealth) => {
    if (ok) log.info('The list of customers can be read again.', { count });
    else
      log.error('The list of customers cannot be read; the last good one holds.', {
        problem,
        count,
      });
  };
  handle = createAuth(auth, store, list && createCustomers({ ...list, backup, onChange }));
};

export const raw = step.raw((request, response, context) => handle(request, response, context));

/** What it counts of its own step. */
export const metrics = () => step.metrics.render();
/** Sends on the spans that wait. */
export const { close } = step;
