import { useState } from 'preact/hooks';
import type { FunctionRow } from '../api/schemas.ts';
import { apiUrl } from './api.ts';
import { LogView } from './log-view.tsx';
import { texts } from './texts.ts';
import { useFunctionLog } from './use-log.ts';

const spans = Object.keys(texts.logSpans) as (keyof typeof texts.logSpans)[];

/** The log of a function as it grows: of all replicas or one, since when, until when. */
export function FunctionLog({ fn }: { fn: FunctionRow }) {
  const [since, setSince] = useState<keyof typeof texts.logSpans>('30m');
  const [until, setUntil] = useState('');
  const [instance, setInstance] = useState('');
  const end = until === '' ? {} : { until: new Date(until).toISOString() };
  const log = useFunctionLog(
    apiUrl('function-log', { owner: fn.owner, function: fn.name, since, follow: '1', ...end }),
    instance,
  );
  return (
    <section>
      <h2>{texts.log}</h2>
      <div class="bar">
        <label class="field">
          {texts.since}
          <select
            value={since}
            onChange={({ currentTarget }) =>
              setSince(spans.find((span) => span === currentTarget.value) ?? '30m')
            }
          >
            {spans.map((span) => (
              <option key={span} value={span}>
                {texts.logSpans[span]}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          {texts.until}
          <input
            type="datetime-local"
            value={until}
            onInput={({ currentTarget }) => setUntil(currentTarget.value)}
          />
        </label>
        <label class="field">
          {texts.replica}
          <select
            value={instance}
            onChange={({ currentTarget }) => setInstance(currentTarget.value)}
          >
            <option value="">{texts.allReplicas}</option>
            {log.instances.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      </div>
      <LogView log={log} name={`${texts.functionLog} ${fn.name}`} json />
    </section>
  );
}
