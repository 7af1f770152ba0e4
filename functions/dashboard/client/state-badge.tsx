import type { DeploymentRow } from '../api/schemas.ts';
import { texts } from './texts.ts';

/** A state, by word and colour. */
export function StateBadge({ state }: { state: DeploymentRow['state'] }) {
  return <span class={`badge ${state}`}>{texts.states[state]}</span>;
}
