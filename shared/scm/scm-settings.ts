import type { Settings } from '../config.ts';
import { CloudError } from '../errors.ts';
import { parseScmId, type ScmId, type ScmKind, scmKind } from './scm-id.ts';

/** One configured SCM, and where its settings are read from. */
export interface ScmSettings {
  readonly scm: ScmId;
  readonly settings: Settings;
}

/**
 * The configured SCMs (variable `scms`), or those of one kind. The first of a kind has the variables
 * and secrets under their plain names; those of `gitlab-work` have `_work` and `-work` behind them, and no
 * default for an address: its token would go to the public site.
 */
export function scmSettings(settings: Settings, kind?: ScmKind): ScmSettings[] {
  const scms = settings.parsed('scms', parseScms, 'github,gitlab,gitea') ?? [];
  return scms
    .filter((scm) => kind === undefined || scmKind(scm) === kind)
    .map((scm) => ({ scm, settings: namedSettings(settings, scm.slice(scmKind(scm).length + 1)) }));
}

/**
 * Makes sure that no two SCMs of a kind have a webhook secret in common: by that alone it is known whose
 * an event is, and so where it is looked up, cloned from and reported to.
 *
 * @throws CloudError `OFC_CONFIG` that names both.
 */
export function requireOwnSecrets(
  scms: readonly { readonly scm: ScmId; readonly secrets: readonly (string | undefined)[] }[],
): void {
  const owners = new Map<string, ScmId>();
  for (const { scm, secrets } of scms) {
    for (const secret of secrets) {
      if (secret === undefined) continue;
      const other = owners.get(secret) ?? scm;
      owners.set(secret, other);
      if (other === scm) continue;
      throw new CloudError('OFC_CONFIG', `${other} and ${scm} have the same webhook secret.`, {
        hint: 'Give each its own: the secret alone tells whose an event is.',
      });
    }
  }
}

function parseScms(text: string): ScmId[] {
  const scms = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
    .map(parseScmId);
  if (new Set(scms).size !== scms.length) throw new Error('scms names an SCM twice.');
  return scms;
}

function namedSettings(settings: Settings, name: string): Settings {
  if (name === '') return settings;
  const variable = (plain: string) => `${plain}_${name}`;
  const secret = (plain: string) => `${plain}-${name}`;
  return {
    text: (plain, fallback) => settings.text(variable(plain), fallback),
    flag: (plain, fallback) => settings.flag(variable(plain), fallback),
    integer: (plain, fallback, bounds) => settings.integer(variable(plain), fallback, bounds),
    duration: (plain, fallback) => settings.duration(variable(plain), fallback),
    url: (plain) => settings.url(variable(plain)),
    parsed: (plain, parse, fallback) => settings.parsed(variable(plain), parse, fallback),
    list: (plain, fallback) => settings.list(variable(plain), fallback),
    secret: (plain) => settings.secret(secret(plain)),
    optionalSecret: (plain) => settings.optionalSecret(secret(plain)),
  };
}
