import type { FindingsAnswer, PlatformAnswer } from '../api/schemas.ts';
import { ActionButton } from './action-button.tsx';
import { actApi, askApi } from './api.ts';
import { Answered } from './feedback.tsx';
import { paths } from './paths.ts';
import { texts } from './texts.ts';
import { Ago, duration } from './time.tsx';
import { useAnswer } from './use-answer.ts';

type State = NonNullable<PlatformAnswer['state']>;

/** The whole platform, for its operators. */
export function PlatformPage() {
  const loaded = useAnswer('platform', (signal) => askApi('platform', {}, signal), 3000);
  const findings = useAnswer('findings', (signal) => askApi('findings', {}, signal), 60_000);
  return (
    <>
      <div class="title">
        <h1>{texts.platform}</h1>
      </div>
      <Answered loaded={loaded}>
        {({ state, problem, open }) => (
          <>
            {problem === null ? null : (
              <p class="banner" role="status">
                {texts.platformProblem}
                {problem}
              </p>
            )}
            {state === null ? null : <Queue state={state} />}
            <Open open={open} />
            {state === null ? null : <DeadLetters letters={state.deadLetters} />}
            <h2>{texts.findings}</h2>
            <Answered loaded={findings}>{(found) => <Findings {...found} />}</Answered>
            {state === null ? null : <Versions state={state} />}
          </>
        )}
      </Answered>
    </>
  );
}

function Queue({ state: { queue, gateway, provider } }: { state: State }) {
  const facts: [string, string][] = [
    [texts.waiting, queue === null ? texts.notTold : String(queue.depth)],
    [
      texts.oldest,
      queue === null ? texts.notTold : queue.oldestMs === null ? '–' : duration(queue.oldestMs),
    ],
    [texts.runningCalls, queue === null ? texts.notTold : String(queue.running)],
    [texts.gateway, gateway ?? texts.notTold],
    [texts.provider, provider ?? texts.notTold],
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Open({ open }: Pick<PlatformAnswer, 'open'>) {
  return (
    <>
      <h2>{texts.goingOn}</h2>
      {open.length === 0 ? (
        <p class="card muted">{texts.nothingGoesOn}</p>
      ) : (
        <ul class="pushes">
          {open.map(({ owner, repo, id, sha, receivedAt, building }) => (
            <li key={id}>
              <a class="main" href={paths.deployment(owner, repo, id)}>
                {owner}/{repo} <code>{sha.slice(0, 7)}</code>
              </a>
              <span class="text">
                {building.length === 0 ? '' : texts.building(building.join(', '))}
              </span>
              <Ago at={receivedAt} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function DeadLetters({ letters }: { letters: State['deadLetters'] }) {
  return (
    <>
      <h2>{texts.deadLetters}</h2>
      {letters.length === 0 ? (
        <p class="card muted">{texts.noDeadLetters}</p>
      ) : (
        <ul class="pushes">
          {letters.map(({ id, function: name, attempts, reason, failedAt }) => (
            <li key={id}>
              <strong>{name}</strong>
              <span class="text">{reason}</span>
              <span class="muted">
                {texts.attempts(attempts)}, <Ago at={Date.parse(failedAt)} />
              </span>
              <ActionButton
                label={texts.redrive}
                confirmation={{ title: texts.redriveTitle(name), text: texts.redriveText }}
                act={async () => {
                  await actApi('redrive', { id });
                }}
              />
              <ActionButton
                label={texts.discard}
                destroys
                confirmation={{ title: texts.discardTitle(name), text: texts.discardText }}
                act={async () => {
                  await actApi('discard', { id });
                }}
              />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Findings({ findings }: FindingsAnswer) {
  return (
    <ul class="pushes">
      {findings.map(({ check, code, level, what, why, fix }) => (
        <li key={`${check} ${code} ${what}`}>
          <span class={`badge ${level}`}>{texts.levels[level]}</span>
          <strong>{check}</strong>
          <span class="text">
            {what} {level === 'ok' ? '' : `${why} ${fix}`}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Versions({ state: { functions } }: { state: State }) {
  return (
    <details class="card">
      <summary>
        <h2>{texts.versions}</h2>
      </summary>
      <dl class="facts">
        {functions.map(({ name, image, replicas, availableReplicas }) => (
          <div key={name}>
            <dt>
              {name}, {texts.replicasOf(availableReplicas, replicas)}
            </dt>
            <dd>
              <code>{image}</code>
            </dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
