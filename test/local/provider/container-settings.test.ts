import { expect } from 'chai';
import { engineSockets } from '../../../local/provider/container-engine.ts';
import { containerSettings } from '../../../local/provider/container-settings.ts';
import { parseCpu } from '../../../local/provider/quantity.ts';
import { specOf } from './calls.ts';

const parts = {
  image: 'registry/f@sha256:0',
  memoryBytes: 64 * 2 ** 20,
  network: 'openfaas-cloud-x',
  platform: 'x',
  secretFolder: undefined,
};

describe('settings of a container', () => {
  it('take away what a function does not need', () => {
    const spec = specOf('f', { readOnlyRootFilesystem: true, limits: { cpu: '250m' } });
    const { HostConfig } = containerSettings({ ...parts, spec });
    expect(HostConfig).to.deep.include({
      NetworkMode: 'openfaas-cloud-x',
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      Memory: 64 * 2 ** 20,
      MemorySwap: 64 * 2 ** 20,
      NanoCpus: 250_000_000,
      PidsLimit: 512,
      Mounts: [],
    });
    for (const name of ['Privileged', 'Binds', 'PortBindings', 'CapAdd', 'Devices', 'PidMode']) {
      expect(HostConfig).to.not.have.property(name);
    }
  });

  it('mount the secrets read-only, and nothing else of the machine', () => {
    const { HostConfig } = containerSettings({ ...parts, spec: specOf('f'), secretFolder: '/s' });
    expect(HostConfig?.Mounts).to.deep.equal([
      { Type: 'bind', Source: '/s', Target: '/var/openfaas/secrets', ReadOnly: true },
    ]);
  });

  it('give a function its own variables and name, which it cannot change', () => {
    const envVars = { A: 'x=y', OPENFAAS_NAME: 'other', healthcheck_interval: '5s' };
    const { Env } = containerSettings({
      ...parts,
      spec: specOf('f', { envVars, envProcess: 'cat' }),
    });
    expect(Env).to.have.members([
      ...['A=x=y', 'OPENFAAS_NAME=f', 'OPENFAAS_NAMESPACE=openfaas-fn'],
      ...['healthcheck_interval=5s', 'fprocess=cat'],
    ]);
  });
});

describe('quantities of CPU', () => {
  it('are read as Kubernetes does', () => {
    expect(['250m', '0.5', '2', '1500m'].map(parseCpu)).to.deep.equal([0.25, 0.5, 2, 1.5]);
    expect(['', 'm', '1k', '-1', '1e3'].map(parseCpu)).to.deep.equal(Array(5).fill(undefined));
  });
});

describe('the socket of the container engine', () => {
  it('is what DOCKER_HOST says, or one of the usual ones', () => {
    expect(engineSockets('unix:///x/docker.sock')).to.deep.equal(['/x/docker.sock']);
    expect(engineSockets(undefined)).to.deep.equal(engineSockets('')).and.not.be.empty;
  });

  it('is no address of another machine', () => {
    for (const host of ['tcp://10.0.0.1:2375', 'ssh://me@there', 'unix://docker.sock']) {
      expect(() => engineSockets(host), host).to.throw(/only unix/);
    }
  });
});
