import type { FunctionRow } from '../api/schemas.ts';
import { texts } from './texts.ts';

/** Whether a function answers, and with how many replicas. */
export function FunctionState({ fn }: { fn: Pick<FunctionRow, 'replicas' | 'availableReplicas'> }) {
  const { replicas, availableReplicas } = fn;
  const state = replicas === 0 ? 'idle' : availableReplicas > 0 ? 'ready' : 'starting';
  return (
    <>
      <span class={`badge ${state}`}>{texts.functionStates[state]}</span>
      {replicas === 0 ? null : (
        <span class="muted">{texts.replicasOf(availableReplicas, replicas)}</span>
      )}
    </>
  );
}
