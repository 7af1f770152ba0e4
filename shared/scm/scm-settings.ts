import type { Settings } from '../config.ts';
import { parseScmId, type ScmId, type ScmKind, scmKind } from './scm-id.ts';

/** One configured SCM, and where its settings are read from. */
export interface ScmSettings {
  readonly scm: ScmId;
  readonly settings: Settings;
}

/**
 * The configured SCMs (variable `scms`), or those of one kind. The first of a kind has the variables
 * and secrets under their plain names; those of `gitlab-work` have `_work` and `-work` behind them.
 */
export function scmSettings(settings: Settings, kind?: ScmKind): ScmSettings[] {
  const scms = settings.parsed('scms', parseScms, 'github,gitlab,gitea') ?? [];
  return scms
    .filter((scm) => kind === undefined || scmKind(scm) === kind)
    .map((scm) => ({ scm, settings: namedSettings(settings, scm.slice(scmKind(scm).length + 1)) }));
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
    url: (plain, fallback) => settings.url(variable(plain), fallback),
    parsed: (plain, parse, fallback) => settings.parsed(variable(plain), parse, fallback),
    list: (plain, fallback) => settings.list(variable(plain), fallback),
    secret: (plain) => settings.secret(secret(plain)),
    optionalSecret: (plain) => settings.optionalSecret(secret(plain)),
  };
}
