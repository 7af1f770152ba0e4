import { useState } from 'preact/hooks';
import type { DeployedFunction, DeploymentDetail } from '../api/schemas.ts';
import { apiUrl, askApi } from './api.ts';
import { CommitLink } from './commit-link.tsx';
import { DeploymentActions } from './deployment-actions.tsx';
import { isOpen } from './deployments-page.tsx';
import { Answered } from './feedback.tsx';
import { LogView } from './log-view.tsx';
import { paths } from './paths.ts';
import { StateBadge } from './state-badge.tsx';
import { texts } from './texts.ts';
import { Ago, duration } from './time.tsx';
import { useAnswer } from './use-answer.ts';
import { useBuildLog } from './use-log.ts';

/** One push: its functions, its steps, its build logs. */
export function DeploymentPage({ owner, repo, id }: { owner: string; repo: string; id: string }) {
  const loaded = useAnswer(
    `${owner} ${repo} ${id}`,
    (signal) => askApi('deployment', { owner, repo, id }, signal),
    (deployment) => (isOpen(deployment) ? 700 : 10_000),
    'deployments',
  );
  return (
    <>
      <p class="crumb">
        <a href={paths.deployments(owner)}>{texts.deployments}</a>
      </p>
      <Answered loaded={loaded}>{(deployment) => <Deployment deployment={deployment} />}</Answered>
    </>
  );
}

function Deployment({ deployment }: { deployment: DeploymentDetail }) {
  const { repo, branch, sha, repoUrl, state, text, pusher, receivedAt, functions } = deployment;
  const failed = functions.find((fn) => fn.state === 'failed' && fn.hasLog);
  const [chosen, choose] = useState<string | undefined>(undefined);
  const shown =
    functions.find(({ name }) => name === chosen) ?? failed ?? functions.find((fn) => fn.hasLog);
  return (
    <>
      <div class="title">
        <h1>
          {repo} <span class="muted">{branch}</span>
        </h1>
        <StateBadge state={state} />
        <DeploymentActions deployment={deployment} />
      </div>
      <p>
        <CommitLink repoUrl={repoUrl} sha={sha} /> {begun(deployment)} {pusher},{' '}
        <Ago at={receivedAt} />
        {deployment.traceId === null ? null : (
          <span class="muted">
            {' '}
            · {texts.trace} <code>{deployment.traceId}</code>
          </span>
        )}
      </p>
      {text === null ? null : (
        <p class={state === 'failed' ? 'verdict bad' : 'verdict'} role="status">
          {text}
        </p>
      )}
      {deployment.warnings.map((warning) => (
        <p class="banner" key={warning}>
          {texts.warning}: {warning}
        </p>
      ))}
      <div class="columns">
        <section>
          <h2>{texts.functions}</h2>
          <ul class="pushes">
            {functions.map((fn) => (
              <FunctionOutcome
                key={fn.name}
                fn={fn}
                owner={deployment.owner}
                chosen={fn.name === shown?.name}
                onLog={() => choose(fn.name)}
              />
            ))}
          </ul>
        </section>
        <section>
          <h2>{texts.timeLine}</h2>
          <ol class="steps">
            {deployment.steps.map(({ ms, what }) => (
              <li key={`${ms} ${what}`}>
                <span class="muted">{duration(ms)}</span> {what}
              </li>
            ))}
          </ol>
        </section>
      </div>
      {shown?.hasLog === true ? <BuildLog deployment={deployment} name={shown.name} /> : null}
    </>
  );
}

/** How a deployment came about, up to whose doing it was. */
function begun({ origin }: DeploymentDetail): string {
  return origin === null ? texts.pushedBy : texts.origins[origin.kind];
}

function FunctionOutcome({
  fn,
  owner,
  chosen,
  onLog,
}: {
  fn: DeployedFunction;
  owner: string;
  chosen: boolean;
  onLog: () => void;
}) {
  return (
    <li>
      <StateBadge state={fn.state} />
      <a class="main" href={paths.function(owner, fn.name)}>
        {fn.name}
      </a>
      <span class="text">{fn.url === null ? fn.text : <a href={fn.url}>{fn.url}</a>}</span>
      {fn.cached ? <span class="muted">{texts.notBuilt}</span> : null}
      {fn.hasLog ? (
        <button type="button" aria-pressed={chosen} onClick={onLog}>
          {texts.log}
        </button>
      ) : null}
    </li>
  );
}

function BuildLog({ deployment, name }: { deployment: DeploymentDetail; name: string }) {
  const { owner, repo, id } = deployment;
  const log = useBuildLog(apiUrl('build-log', { owner, repo, id, function: name, follow: '1' }));
  return (
    <>
      <h2>
        {texts.buildLog}: {name}
      </h2>
      <LogView log={log} name={`${texts.buildLog} ${name}`} />
    </>
  );
}
