import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { DeploymentRow } from '../api/schemas.ts';
import { ActionButton } from './action-button.tsx';
import { actApi, askApi } from './api.ts';
import { Answered, Empty } from './feedback.tsx';
import { paths } from './paths.ts';
import { StateBadge } from './state-badge.tsx';
import { texts } from './texts.ts';
import { Ago, duration } from './time.tsx';
import { useAnswer } from './use-answer.ts';

/** Pushes of an owner, newest first. */
export function DeploymentsPage({ owner }: { owner: string }) {
  const { query, route } = useLocation();
  const repo = query['repo'];
  const [before, setBefore] = useState<string | undefined>(undefined);
  const asked = {
    owner,
    ...(repo === undefined ? {} : { repo }),
    ...(before === undefined ? {} : { before }),
  };
  const loaded = useAnswer(
    JSON.stringify(asked),
    (signal) => askApi('deployments', asked, signal),
    ({ deployments }) => (deployments.some(isOpen) ? 1000 : 4000),
    'deployments',
  );
  return (
    <>
      <div class="title">
        <h1>{texts.deployments}</h1>
        {repo === undefined ? null : (
          <>
            <span>
              {texts.repo} <strong>{repo}</strong> ·{' '}
              <a href={paths.deployments(owner)}>{texts.allRepos}</a>
            </span>
            <ActionButton
              label={texts.removeRepo}
              destroys
              confirmation={{
                title: texts.removeRepoTitle(repo),
                text: texts.removeRepoText,
                typed: repo,
              }}
              act={async () => {
                await actApi('remove-repo', { owner, repo });
                route(paths.functions(owner));
              }}
            />
          </>
        )}
      </div>
      <Answered loaded={loaded}>
        {({ deployments, next }) =>
          deployments.length === 0 ? (
            <Empty title={texts.noDeployments} hint={texts.noDeploymentsHint} />
          ) : (
            <>
              <ul class="pushes">
                {deployments.map((each) => (
                  <Push key={each.id} deployment={each} />
                ))}
              </ul>
              {next === null ? null : (
                <button type="button" onClick={() => setBefore(next)}>
                  {texts.older}
                </button>
              )}
            </>
          )
        }
      </Answered>
    </>
  );
}

function Push({ deployment }: { deployment: DeploymentRow }) {
  const { owner, repo, id, branch, sha, pusher, origin, receivedAt, endedAt, state, text } =
    deployment;
  return (
    <li>
      <StateBadge state={state} />
      <a class="main" href={paths.deployment(owner, repo, id)}>
        {repo} <span class="muted">{branch}</span> <code>{sha.slice(0, 7)}</code>
      </a>
      <span class="text">{text ?? ''}</span>
      <span class="muted">
        <Ago at={receivedAt} /> {origin === null ? texts.by : texts.origins[origin.kind]} {pusher}
        {endedAt === null ? '' : ` · ${duration(endedAt - receivedAt)}`}
      </span>
    </li>
  );
}

/** Whether a deployment still goes on. */
export function isOpen({ endedAt }: Pick<DeploymentRow, 'endedAt'>): boolean {
  return endedAt === null;
}
