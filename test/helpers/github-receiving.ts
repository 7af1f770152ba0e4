import { createRecords, type Records } from '#shared/pipeline/records.ts';
import type { Receiving } from '../../functions/github-event/receive-webhook.ts';
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
export function createReceiving(changes: Partial<Receiving> = {}): TestReceiving {
  const store = createMemoryObjectStore();
  return {
    secrets: { current: webhookSecret },
    allowSha1: false,
    githubUrl: 'https://github.com',
    customers: undefined,
    now: () => 1_700_000_000_000,
    ...changes,
    store,
    records: createRecords(store),
    messages: createRecordingMessages(),
  };
}
