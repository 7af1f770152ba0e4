import type { Settings } from '#shared/config.ts';
import { type ScmKind, scmKind } from '#shared/scm/scm-id.ts';
import { scmSettings } from '#shared/scm/scm-settings.ts';
import type { SettingsAnswer } from './api/schemas.ts';

/** An SCM that repos may come from. */
export type Installation = Omit<SettingsAnswer['scms'][number], 'webhookUrl'>;

/** Where each kind of SCM is, as the rest of the platform reads it. */
const addresses: Readonly<Record<ScmKind, (settings: Settings) => string>> = {
  github: (settings) => settings.url('github_url', 'https://github.com'),
  gitlab: (settings) => settings.url('gitlab_instance', 'https://gitlab.com'),
  gitea: (settings) => settings.url('gitea_url', 'https://gitea.com'),
};

/** The SCMs that repos may come from, and where people connect them; for `loadConfig`. */
export function installationSettings(settings: Settings): Installation[] {
  return scmSettings(settings).map(({ scm, settings: own }) => {
    const kind = scmKind(scm);
    const url = addresses[kind](own);
    const page = kind === 'github' && own.text('github_app_page', '') !== '';
    return {
      scm,
      kind,
      url,
      // The git server that `npm start` brings along: nobody else's is on this very machine.
      isOwn: kind === 'github' && new URL(url).hostname === '127.0.0.1',
      installUrl: page ? `${own.url('github_app_page')}/installations/new` : null,
    };
  });
}
