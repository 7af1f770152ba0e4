import { containerProviderContract } from '../../helpers/container-provider-contract.ts';
import { startDockerEngine } from '../../helpers/docker-engine.ts';
import { describeWith } from '../../helpers/needs-part.ts';

describeWith(['docker', 'docker-registry', 'busybox'], 'container provider', function () {
  this.timeout(180_000);
  containerProviderContract(() => startDockerEngine(), { containersOutliveIt: false });
});
