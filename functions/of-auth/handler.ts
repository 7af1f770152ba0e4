/**
 * of-auth: who may enter. Answers the router's questions, signs people in and out, and shows the
 * start page.
 *
 * @module
 */
import type { InitHandler, RawHandler } from '#runtime-types';
import { loadConfig } from '#shared/config.ts';
import { createCustomers, customersSettings } from '#shared/customers.ts';
import { readConfig } from './config.ts';
import { createAuth } from './of-auth.ts';

let handle: RawHandler;

/** Stops the function at its start if the configuration is wrong. */
export const init: InitHandler = () => {
  const { auth, customers } = loadConfig((settings) => ({
    auth: readConfig(settings),
    customers: settings.flag('validate_customers', true) ? customersSettings(settings) : undefined,
  }));
  handle = createAuth(auth, customers && createCustomers(customers));
};

export const raw: RawHandler = (request, response, context) => handle(request, response, context);
