import { createGiteaStatuses } from '#shared/scm/gitea/commit-statuses.ts';
import { createJsonApi } from '#shared/scm/json-api.ts';
import { scmSettings } from '#shared/scm/scm-settings.ts';
import { statusFunction } from '#shared/scm/status-function.ts';

const { init, handle, metrics, close } = statusFunction('gitea-status', (settings, store) =>
  scmSettings(settings, 'gitea').map(({ scm, settings: own }) => {
    const api = createJsonApi({
      name: 'Gitea',
      baseUrl: `${own.url('gitea_url', 'https://gitea.com')}/api/v1`,
      headers: { authorization: `token ${own.secret('gitea-api-token')}` },
    });
    return [scm, createGiteaStatuses({ api, store })];
  }),
);

export { close, init, metrics };
/** Brings the statuses of a commit up to date. */
export default handle;
