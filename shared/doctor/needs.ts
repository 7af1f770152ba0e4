import type { Patient } from './check.ts';
import { settingsOf } from './check.ts';

/** The functions without which no push goes live; a test compares them with stack.yml and README. */
export const neededFunctions: readonly string[] = [
  'of-router',
  'of-auth',
  'github-event',
  'github-push',
  'git-tar',
  'buildshiprun',
  'of-builder',
  'github-status',
  'garbage-collect',
];

/** The secrets that those functions need with these settings. */
export function neededSecrets(patient: Patient): string[] {
  const { basicAuth, client, customers } = settingsOf(patient, (settings) => ({
    client: settings.text('client_id', '') !== '',
    basicAuth: settings.flag('basic_auth', true),
    customers:
      settings.flag('validate_customers', true) && settings.text('customers_url', '') === '',
  }));
  return [
    'payload-secret',
    'github-webhook-secret',
    'jwt-private-key',
    'jwt-public-key',
    's3-access-key',
    's3-secret-key',
    'private-key',
    ...(client ? ['of-client-secret'] : []),
    ...(basicAuth ? ['basic-auth-user', 'basic-auth-password'] : []),
    ...(customers ? ['customers'] : []),
  ];
}
