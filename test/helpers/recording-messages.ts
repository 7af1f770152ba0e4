import { refOf } from '#shared/pipeline/deployment.ts';
import type { Messages } from '#shared/pipeline/messages.ts';

/** A message that was sent: its kind and what it says. */
export type Sent = readonly [kind: keyof Messages, content: unknown];

/** {@link Messages} that keep what they are given. Set `fail` to make every message but audit fail. */
export interface RecordingMessages extends Messages {
  readonly sent: Sent[];
  /** The contents of one kind. */
  of(kind: keyof Messages): unknown[];
  fail: Error | undefined;
}

/** Makes {@link RecordingMessages}. */
export function createRecordingMessages(): RecordingMessages {
  const sent: Sent[] = [];
  const record = (kind: keyof Messages) => async (content: unknown) => {
    if (messages.fail !== undefined && kind !== 'audit') throw messages.fail;
    sent.push([kind, content]);
  };
  const messages: RecordingMessages = {
    sent,
    fail: undefined,
    of: (kind) => sent.filter(([of]) => of === kind).map(([, content]) => content),
    pushed: record('pushed'),
    plan: record('plan'),
    build: async (ref, key) => record('build')({ ...ref, function: key }),
    advance: record('advance'),
    status: async (of) => record('status')(refOf(of)),
    collectGarbage: record('collectGarbage'),
    pruneSecrets: record('pruneSecrets'),
    audit: record('audit'),
    deliverNotices: () => record('deliverNotices')(undefined),
  };
  return messages;
}
