import { createGitlabStatuses } from '#shared/scm/gitlab/commit-statuses.ts';
import { createGitlabClient } from '#shared/scm/gitlab/gitlab-client.ts';
import { scmSettings } from '#shared/scm/scm-settings.ts';
import { statusFunction } from '#shared/scm/status-function.ts';

const { init, handle, metrics, close } = statusFunction('gitlab-status', (settings, store) =>
  scmSettings(settings, 'gitlab').map(({ scm, settings: own }) => {
    const instance = own.url('gitlab_instance', 'https://gitlab.com');
    const { api } = createGitlabClient(instance, own.secret('gitlab-api-token'));
    return [scm, createGitlabStatuses({ api, store })];
  }),
);

export { close, init, metrics };
/** Brings the statuses, environments and deployments of a commit up to date. */
export default handle;
