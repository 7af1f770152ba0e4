import { expect } from 'chai';
import { CloudError } from '#shared/errors.ts';
import {
  parseBranch,
  parseFunctionKey,
  parseOwner,
  parseRepoName,
  parseSha,
} from '#shared/names.ts';
import { parseDeploymentId } from '#shared/pipeline/deployment.ts';
import { parseImageReference } from '#shared/registry/image-reference.ts';
import { parseProjectPath } from '#shared/scm/gitlab/project-path.ts';
import { parseScmId } from '#shared/scm/scm-id.ts';

/** What a shell, or a program that reads its arguments, would take for more than a name. */
const hostile = [
  'x;id',
  'x&&id',
  'x|id',
  'x`id`',
  'x$(id)',
  'x$IFS',
  'x\nid',
  'x\rid',
  'x\0id',
  "x'id'",
  'x"id"',
  'x>y',
  'x<y',
  'x y',
  'x\\y',
  'x*',
  '~x',
  '#x',
  '!x',
  '{x,y}',
  'EOF\nid\nEOF',
  '-x',
  '--upload-pack=id',
  '--config=core.sshCommand=id',
  '../x',
  'x/../y',
];

const parsers: Record<string, (text: string) => unknown> = {
  owner: parseOwner,
  repo: parseRepoName,
  'function key': parseFunctionKey,
  commit: parseSha,
  'deployment id': parseDeploymentId,
  SCM: parseScmId,
  'GitLab project': (text) => parseProjectPath(`group/${text}`),
  'GitLab group': (text) => parseProjectPath(`${text}/repo`),
  'image, repository': (text) => parseImageReference(`registry.test/${text}`),
  'image, registry': (text) => parseImageReference(`${text}.test/image`),
  'image, tag': (text) => parseImageReference(`registry.test/image:${text}`),
};

/** A repo's name may begin with a hyphen: it always stands behind its owner's in a path. */
const harmless = new Set(['repo -x', 'GitLab project -x']);

/**
 * CWE-78, CWE-88; Dokploy CVE-2026-45628 (branch, URL), CVE-2026-45662 (registry), CVE-2026-27130 (name of an app), Dokku
 * CVE-2026-45408 (the same in a here-document). No shell runs here (`test/no-shell.test.ts`), and a name
 * that would mean something to one is no name.
 */
describe('a name that is a command', () => {
  for (const [what, parse] of Object.entries(parsers)) {
    it(`is no ${what}`, () => {
      for (const text of hostile) {
        if (harmless.has(`${what} ${text}`)) continue;
        expect(() => parse(text), JSON.stringify(text)).to.throw(CloudError);
      }
    });
  }

  it('is no branch where git itself would refuse it, nor an option', () => {
    for (const text of ['-x', '--upload-pack=id', 'x y', 'x\nid', 'x\0id', '../x', 'x\\y', 'x*']) {
      expect(() => parseBranch(text), JSON.stringify(text)).to.throw(CloudError);
    }
  });
});
