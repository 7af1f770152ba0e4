import { createRecords, type Records } from '#shared/pipeline/records.ts';
import { createGithubWebhooks, type GithubWebhooksConfig } from '#shared/scm/github/webhooks.ts';
import { createOwnerClaims } from '#shared/scm/owner-claims.ts';
import type { Receiving } from '#shared/webhooks/receive-webhook.ts';
import { webhookSecret } from './github-webhook.ts';
import { createMemoryObjectStore, type MemoryObjectStore } from './memory-object-store.ts';
import { createRecordingMessages, type RecordingMessages } from './recording-messages.ts';

/** github-event with a store in memory, messages that are recorded, and everybody a customer. */
export interface TestReceiving extends Receiving {
  readonly store: MemoryObjectStore;
  readonly records: Records;
  readonly messages: RecordingMessages;
}

/** Makes a {@link TestReceiving}. */
export function createReceiving({
  secrets = { current: webhookSecret },
  allowSha1 = false,
  githubUrl = 'https://github.com',
  ...changes
}: Partial<Receiving> & Partial<GithubWebhooksConfig> = {}): TestReceiving {
  const store = createMemoryObjectStore();
  return {
    scms: [createGithubWebhooks({ scm: 'github', secrets, allowSha1, githubUrl })],
    customers: undefined,
    now: () => 1_700_000_000_000,
    ...changes,
    store,
    owners: createOwnerClaims(store),
    records: createRecords(store),
    messages: createRecordingMessages(),
  };
}
