import { containerProviderContract } from '../../helpers/container-provider-contract.ts';
import { describeWith } from '../../helpers/needs-part.ts';
import { startPodmanEngine } from '../../helpers/podman-engine.ts';

describeWith(['podman', 'docker-registry', 'busybox'], 'container provider on Podman', function () {
  this.timeout(180_000);
  containerProviderContract(startPodmanEngine, { containersOutliveIt: true });
});
