import { useLocation } from 'preact-iso';
import type { DeploymentRow } from '../api/schemas.ts';
import { ActionButton } from './action-button.tsx';
import { actApi } from './api.ts';
import { paths } from './paths.ts';
import { texts } from './texts.ts';

/** What can be done to a deployment, by its state. A new deployment is shown at once. */
export function DeploymentActions({ deployment }: { deployment: DeploymentRow }) {
  const { route } = useLocation();
  const { owner, repo, id, state, sha, endedAt } = deployment;
  const of = { owner, repo, id };
  const short = sha.slice(0, 7);
  const show = (made: DeploymentRow) => route(paths.deployment(owner, repo, made.id));
  if (endedAt === null) {
    return (
      <ActionButton
        label={texts.cancel}
        destroys
        confirmation={{ title: texts.cancelTitle(repo, short), text: texts.cancelText }}
        act={async () => {
          await actApi('cancel', of);
        }}
      />
    );
  }
  return (
    <>
      {state === 'live' ? (
        <ActionButton
          label={texts.rollBack}
          confirmation={{ title: texts.rollBackTitle(repo, short), text: texts.rollBackText }}
          act={async () => show(await actApi('roll-back', of))}
        />
      ) : null}
      {state === 'skipped' ? null : (
        <ActionButton
          label={texts.redeploy}
          confirmation={{ title: texts.redeployTitle(repo, short), text: texts.redeployText }}
          act={async () => show(await actApi('redeploy', of))}
        />
      )}
    </>
  );
}
