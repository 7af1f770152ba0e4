import type { LogFields } from '../function/types.ts';
import { mapStack } from './map-stack.ts';

const maxCauses = 5;

/** The log fields of anything that was thrown: message and stack, with those of its causes. */
export function errorFields(thrown: unknown): LogFields {
  if (!(thrown instanceof Error)) return { error: String(thrown) };
  const stacks: string[] = [];
  let current: unknown = thrown;
  while (current instanceof Error && stacks.length < maxCauses) {
    stacks.push(mapStack(current.stack ?? current.message));
    current = current.cause;
  }
  return { error: thrown.message, stack: stacks.join('\nCaused by: ') };
}
