import { createGithubApp } from '#shared/scm/github/app-client.ts';
import { createCheckRuns } from '#shared/scm/github/check-runs.ts';
import { createCommitStatuses } from '#shared/scm/github/commit-statuses.ts';
import { scmSettings } from '#shared/scm/scm-settings.ts';
import { statusFunction } from '#shared/scm/status-function.ts';

const { init, handle, metrics, close } = statusFunction('github-status', (settings, store) => {
  const report = settings.flag('use_checks', true) ? createCheckRuns : createCommitStatuses;
  return scmSettings(settings, 'github').map(({ scm, settings: own }) => {
    const app = createGithubApp({
      apiUrl: own.url('github_api_url', 'https://api.github.com'),
      appId: own.text('github_app_id'),
      privateKey: own.secret(own.text('private_key_filename', 'private-key')),
    });
    return [scm, report({ app, store })];
  });
});

export { close, init, metrics };
/** Brings the checks of a deployment's commit up to date. */
export default handle;
