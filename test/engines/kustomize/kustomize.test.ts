import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { overlayFolder, overlays, rendered } from '../../deploy/cluster.ts';
import { idOf, type Manifest, parseManifests } from '../../helpers/kubernetes/manifest.ts';
import { describeWith } from '../../helpers/needs-part.ts';

/** Without what our own rendering leaves out: the hash behind generated names. */
function plain(manifests: readonly Manifest[]): Record<string, Manifest> {
  const text = JSON.stringify(manifests).replaceAll(/"buildkitd-[a-z0-9]{10}"/g, '"buildkitd"');
  return Object.fromEntries((JSON.parse(text) as Manifest[]).map((one) => [idOf(one), one]));
}

describeWith(['kubectl'], 'deploy/kubernetes by kubectl kustomize', () => {
  for (const overlay of overlays) {
    it(`${overlay} is what the tests of deploy/kubernetes look at`, async () => {
      const command = ['kustomize', overlayFolder(overlay)];
      const { stdout } = await promisify(execFile)('kubectl', command, {
        maxBuffer: 16 * 1024 ** 2,
      });
      expect(plain(parseManifests(stdout))).to.deep.equal(plain(rendered(overlay)));
    });
  }
});
