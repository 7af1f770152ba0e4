import type { SecretsClient } from '#shared/sealed-secrets/secrets-messages.ts';

/** A platform without import-secrets: nobody can tell which secrets there are. */
export const noSecrets: SecretsClient = {
  import: async () => undefined,
  open: () => Promise.reject(new Error('there is no import-secrets')),
};
