import { useState } from 'preact/hooks';
import type { AuditAnswer, Me } from '../api/schemas.ts';
import { askApi } from './api.ts';
import { Answered, Empty } from './feedback.tsx';
import { texts } from './texts.ts';
import { Ago } from './time.tsx';
import { useAnswer } from './use-answer.ts';

/** Who did what: an owner's trail, or for operators that of the whole platform. */
export function AuditPage({ owner, me }: { owner: string; me: Me }) {
  const [all, setAll] = useState(false);
  const [before, setBefore] = useState<string | undefined>(undefined);
  const asked = { ...(all ? {} : { owner }), ...(before === undefined ? {} : { before }) };
  const loaded = useAnswer(
    `audit ${JSON.stringify(asked)}`,
    (signal) => askApi('audit', asked, signal),
    10_000,
  );
  return (
    <>
      <div class="title">
        <h1>{texts.audit}</h1>
        {me.operator ? (
          <label>
            <input
              type="checkbox"
              checked={all}
              onChange={({ currentTarget }) => {
                setAll(currentTarget.checked);
                setBefore(undefined);
              }}
            />{' '}
            {texts.wholePlatform}
          </label>
        ) : null}
      </div>
      <Answered loaded={loaded}>
        {({ entries, next }) => (
          <>
            {entries.length === 0 ? (
              <Empty title={texts.noAudit} hint={texts.noAuditHint} />
            ) : (
              <Trail entries={entries} />
            )}
            <p class="choices">
              {before === undefined ? null : (
                <button type="button" onClick={() => setBefore(undefined)}>
                  {texts.newest}
                </button>
              )}
              {next === null ? null : (
                <button type="button" onClick={() => setBefore(next)}>
                  {texts.olderEntries}
                </button>
              )}
            </p>
          </>
        )}
      </Answered>
    </>
  );
}

function Trail({ entries }: { entries: AuditAnswer['entries'] }) {
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">{texts.when}</th>
          <th scope="col">{texts.what}</th>
          <th scope="col">{texts.repo}</th>
          <th scope="col">{texts.source}</th>
        </tr>
      </thead>
      <tbody>
        {entries.map(({ time, source, message, owner, repo, deployment, actor }) => (
          <tr key={`${time} ${source} ${message} ${deployment}`}>
            <td data-label={texts.when}>
              <Ago at={Date.parse(time)} />
            </td>
            <td data-label={texts.what}>
              {message}
              {actor === undefined ? null : <span class="muted">{actor}</span>}
            </td>
            <td data-label={texts.repo}>
              {owner}
              {repo === undefined ? '' : `/${repo}`}
            </td>
            <td data-label={texts.source}>
              <code>{source}</code>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
