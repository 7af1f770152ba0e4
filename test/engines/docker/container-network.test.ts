import { networkInterfaces } from 'node:os';
import { expect } from 'chai';
import type { Provider } from '../../../local/provider/provider.ts';
import { ask, type ContainerStage, containerStage } from '../../helpers/container-stage.ts';
import { startDockerEngine } from '../../helpers/docker-engine.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';
import { describeWith } from '../../helpers/needs-part.ts';
import { specOf } from '../../local/provider/calls.ts';

describeWith(['docker', 'docker-registry', 'busybox'], 'network of containers', function () {
  this.timeout(180_000);
  let stage: ContainerStage;
  let provider: Provider;
  let gateway: TestServer;
  /** What `wget` says of a URL in the first function's container. */
  const fetchFrom = (url: string) =>
    ask(provider, 'one', `timeout 3 wget -q -O - http://${url}/_/health 2>&1 || echo "no answer"`);
  const addressOf = async (service: string): Promise<string> => {
    const { endpoint, release } = await provider.acquire(service);
    release();
    return 'host' in endpoint ? `${endpoint.host}:${endpoint.port}` : '';
  };

  before(async () => {
    stage = await containerStage(() => startDockerEngine({ firewall: true }));
    gateway = await listen((_request, response) => response.end('the gateway'));
    const image = await stage.publish('sh', 'USER 12000\nENV fprocess=sh');
    provider = await stage.provider();
    await provider.deploy(specOf('one', { image }));
    await provider.deploy(specOf('two', { image }));
  });
  after(async () => {
    await stage?.close();
    await gateway?.close();
  });

  it('lets this machine reach each container', async () => {
    expect(await ask(provider, 'one', 'echo one')).to.equal('one');
    expect(await ask(provider, 'two', 'echo two')).to.equal('two');
  });

  it('does not let a container reach what listens on loopback, under any address', async () => {
    const own = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
    const addresses = own.filter(({ family }) => family === 'IPv4').map(({ address }) => address);
    expect(addresses).to.include('127.0.0.1');
    expect(addresses.length).to.be.above(1);
    for (const address of addresses) {
      expect(await fetchFrom(`${address}:${gateway.port}`), address).to.contain('no answer');
    }
  });

  it('does not let a container reach another function', async () => {
    const [one, two] = [await addressOf('one'), await addressOf('two')];
    // Itself it reaches, so the address and the tool are right.
    expect(await fetchFrom(one)).to.equal('OK');
    expect(await fetchFrom(two)).to.contain('no answer');
  });
});
