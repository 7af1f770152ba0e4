import { expect } from 'chai';
import type { LogLine, Provider } from '../../local/provider/provider.ts';
import { specOf } from '../local/provider/calls.ts';
import { ask, type ContainerStage, containerStage } from './container-stage.ts';
import type { ContainerEngineProcess } from './docker-engine.ts';
import { eventually } from './eventually.ts';

/** What an engine has to do for the container provider; to be called within `describe`. */
export function containerProviderContract(
  startEngine: () => Promise<ContainerEngineProcess>,
  /** Whether containers go on running while the engine does not answer. */
  { containersOutliveIt }: { containersOutliveIt: boolean },
): void {
  let stage: ContainerStage;
  let provider: Provider;
  let shellImage: string;
  const containers = () => stage.engine.docker.listContainers({ all: true });
  const failure = (service: string, pattern: RegExp) =>
    eventually(() => expect(provider.status(service)?.failure).to.match(pattern), {
      timeoutMs: 30_000,
    });

  before(async () => {
    stage = await containerStage(startEngine);
    shellImage = await stage.publish('sh', 'USER 12000\nENV fprocess=sh');
    stage.secrets.set('mine', 'value of mine').set('others', 'value of others');
    provider = await stage.provider();
    await provider.deploy(
      specOf('sh', {
        image: shellImage,
        secrets: ['mine'],
        readOnlyRootFilesystem: true,
        envVars: { GREETING: 'hello' },
        limits: { memory: '64Mi', cpu: '500m' },
      }),
    );
  });
  after(() => stage?.close());

  it('pulls by digest with a password and answers', async () => {
    expect(await ask(provider, 'sh', 'echo "$GREETING from $OPENFAAS_NAME"')).to.equal(
      'hello from sh',
    );
    const other = await stage.provider({ platform: 'stranger', credentials: () => undefined });
    const unknown = await stage.publish('private', 'ENV fprocess=cat');
    const refused = await other.deploy(specOf('x', { image: unknown })).catch(String);
    expect(refused).to.match(/could not be pulled.*(?:no basic auth|unauthorized|denied)/s);
  });

  it('says that an image does not exist', async () => {
    const image = `${stage.registry.address}/test/none@sha256:${'0'.repeat(64)}`;
    const refused = await provider.deploy(specOf('none', { image })).catch(String);
    expect(refused).to.match(
      /none@sha256:0+ could not be pulled: .*(?:manifest unknown|not found)/s,
    );
  });

  it('shows the function its own secrets, which it cannot change', async () => {
    expect(await ask(provider, 'sh', 'ls /var/openfaas/secrets')).to.equal('mine');
    expect(await ask(provider, 'sh', 'cat /var/openfaas/secrets/mine')).to.equal('value of mine');
    const write = 'echo x 2>&1 > /var/openfaas/secrets/mine || echo refused';
    expect(await ask(provider, 'sh', write)).to.contain('refused');
  });

  it('hides its secrets in its log', async () => {
    const print = 'cat /var/openfaas/secrets/mine';
    await ask(provider, 'sh', `echo "it is $(${print})" > /proc/1/fd/1`);
    await ask(provider, 'sh', `echo "as text $(${print} | base64)" > /proc/1/fd/2`);
    const query = { id: 'sh', name: 'sh', follow: false, signal: new AbortController().signal };
    await eventually(async () => {
      const texts: string[] = [];
      for await (const { text } of provider.logs(query)) texts.push(text);
      expect(texts).to.include.members(['it is •••', 'as text •••']);
    });
  });

  it('lets it write to /tmp only', async () => {
    expect(await ask(provider, 'sh', 'echo x > /tmp/x && cat /tmp/x')).to.equal('x');
    const tries =
      'for f in /x /usr/bin/x /home/x; do echo x > $f && echo "wrote $f"; done; echo end';
    expect(await ask(provider, 'sh', `(${tries}) 2>/dev/null`)).to.equal('end');
  });

  it('takes all privileges away', async () => {
    expect(await ask(provider, 'sh', 'cat /proc/self/status'))
      .to.match(/CapEff:\s+0+\n/)
      .and.match(/CapBnd:\s+0+\n/)
      .and.match(/NoNewPrivs:\s+1/)
      .and.match(/Uid:\s+12000/);
    expect(await ask(provider, 'sh', 'mount -t tmpfs x /mnt 2>&1 || echo refused')).to.contain(
      'refused',
    );
  });

  it('shows it no process and no file of this machine', async () => {
    const pids = await ask(provider, 'sh', 'ls /proc | grep -c "^[0-9]"');
    expect(Number(pids)).to.be.below(10);
    const path = `/proc/${process.pid}`;
    expect(await ask(provider, 'sh', `ls ${path} 2>&1 || true`)).to.match(/No such file/);
    expect(await ask(provider, 'sh', `ls ${import.meta.dirname} 2>&1 || true`)).to.match(
      /No such file/,
    );
  });

  it('has the kernel keep its memory limit', async () => {
    const hog = '(head -c 200m /dev/zero | tail -c 190m | wc -c) 2>&1; echo end';
    expect(await ask(provider, 'sh', hog)).to.not.contain(String(190 * 2 ** 20));
    const [found] = await containers();
    const { HostConfig } = await stage.engine.docker.getContainer(found?.Id ?? '').inspect();
    expect(HostConfig).to.include({ Memory: 64 * 2 ** 20, NanoCpus: 5e8, PidsLimit: 512 });
  });

  it('measures what it uses', async () => {
    await eventually(
      () => expect(provider.status('sh')?.usage?.totalMemoryBytes).to.be.above(100_000),
      { timeoutMs: 15_000 },
    );
  });

  it('keeps the lines of both outputs', async () => {
    await ask(provider, 'sh', 'echo to-out > /proc/1/fd/1; echo to-err > /proc/1/fd/2');
    const lines = async (): Promise<LogLine[]> => {
      const found: LogLine[] = [];
      const query = { id: 'sh', name: 'sh', follow: false, signal: new AbortController().signal };
      for await (const line of provider.logs(query)) found.push(line);
      return found;
    };
    await eventually(async () => {
      expect((await lines()).map((line) => line.text)).to.include.members(['to-out', 'to-err']);
    });
  });

  it('rolls over to a new container and removes the old one', async () => {
    const image = await stage.publish('roll', 'ENV fprocess=sh\nENV VERSION=1');
    await provider.deploy(specOf('roll', { image }));
    expect(await ask(provider, 'roll', 'echo $VERSION')).to.equal('1');
    const next = await stage.publish('roll', 'ENV fprocess=sh\nENV VERSION=2');
    await provider.deploy(specOf('roll', { image: next }));
    await eventually(async () =>
      expect(await ask(provider, 'roll', 'echo $VERSION')).to.equal('2'),
    );
    await provider.remove('roll');
    const left = await containers();
    expect(left.filter(({ Labels }) => Labels['com.openfaas.cloud.function'] === 'roll')).to.be
      .empty;
  });

  it('stops what is idle, with its secrets, and starts it on demand', async () => {
    const own = await stage.provider({ platform: 'idle', idleMs: 200 });
    await own.deploy(specOf('lazy', { image: shellImage, secrets: ['mine'] }));
    expect(await ask(own, 'lazy', 'echo first')).to.equal('first');
    await eventually(
      async () => {
        expect(own.status('lazy')?.replicas).to.equal(0);
        const left = await containers();
        expect(left.filter(({ Labels }) => Labels['com.openfaas.cloud.platform'] === 'idle')).to.be
          .empty;
      },
      { timeoutMs: 30_000 },
    );
    expect(await ask(own, 'lazy', 'echo again')).to.equal('again');
    await own.close();
  });

  it('says how a function ended, with its last lines', async () => {
    const image = await stage.publish('crash', 'CMD ["sh", "-c", "echo no luck >&2; exit 3"]');
    await provider.deploy(specOf('crash', { image }));
    await failure('crash', /^It exited with code 3\.\nno luck/);
    await provider.remove('crash');
  });

  it('gives up on a function that never answers', async () => {
    const own = await stage.provider({ platform: 'mute', startTimeoutMs: 1000 });
    const image = await stage.publish('mute', 'CMD ["sh", "-c", "echo thinking >&2; sleep 60"]');
    await own.deploy(specOf('mute', { image }));
    await eventually(
      () =>
        expect(own.status('mute')?.failure).to.match(
          /did not answer \/_\/ready within 1 s[\s\S]*thinking/,
        ),
      { timeoutMs: 30_000 },
    );
    await own.close();
  });

  it('removes what a killed platform left', async () => {
    const first = await stage.provider({ platform: 'killed' });
    await first.deploy(specOf('left', { image: shellImage, secrets: ['mine'] }));
    await ask(first, 'left', 'true');
    const ofKilled = async () =>
      (await containers()).filter(
        ({ Labels }) => Labels['com.openfaas.cloud.platform'] === 'killed',
      );
    const before = await ofKilled();
    expect(before).to.have.length(1);
    const second = await stage.provider({ platform: 'killed' });
    const after = (await ofKilled()).map(({ Id }) => Id);
    expect(after).to.not.include(before[0]?.Id);
    await first.close();
    await second.close();
  });

  it('starts functions again when the engine was stopped and comes back', async () => {
    expect(await ask(provider, 'sh', 'echo before')).to.equal('before');
    await stage.engine.halt();
    const meanwhile = await ask(provider, 'sh', 'echo x').catch(String);
    expect(meanwhile).to.match(
      containersOutliveIt ? /^x$/m : /does not start|ECONNREFUSED|EHOSTUNREACH|socket hang up/,
    );
    await stage.engine.resume();
    await eventually(
      async () => expect(await ask(provider, 'sh', 'echo after')).to.equal('after'),
      {
        timeoutMs: 20_000,
      },
    );
  });

  it('leaves no container and no network behind', async () => {
    const own = await stage.provider({ platform: 'clean' });
    await own.deploy(specOf('one', { image: shellImage }));
    await ask(own, 'one', 'true');
    await own.close();
    const labels = (await containers()).map(({ Labels }) => Labels['com.openfaas.cloud.platform']);
    expect(labels).to.not.include('clean');
    const networks = (await stage.engine.docker.listNetworks()).map(({ Name }) => Name);
    expect(networks).to.not.include('openfaas-cloud-clean');
  });
}
