import { expect } from 'chai';
import { parse } from 'yaml';
import { neededFunctions } from '#shared/doctor/needs.ts';
import { platformStack } from '../helpers/platform-environment.ts';
import { readSource } from '../helpers/source-files.ts';

interface Service {
  image: string;
  command?: string[];
  environment?: string[];
  volumes?: { type: string; source: string; target: string }[];
  ports?: string[];
}

describe('deploy/faasd', () => {
  const { services } = parse(readSource('deploy/faasd/docker-compose.additional.yaml')) as {
    services: Record<string, Service>;
  };

  it('has services with keys that faasd reads, binds only, pinned images, and no port for everybody', () => {
    expect(Object.keys(services)).to.deep.equal(['registry', 'object-store', 'cron-connector']);
    const known = [
      'image',
      'command',
      'environment',
      'volumes',
      'ports',
      'user',
      'cap_add',
      'depends_on',
    ];
    for (const [name, service] of Object.entries(services)) {
      expect(known, name).to.include.members(Object.keys(service));
      expect(service.image).to.match(/^[\w.-]+\.[a-z]+\/[\w./-]+:(?!latest\b)[\w.-]*\d[\w.-]*$/);
      for (const { type, source } of service.volumes ?? []) {
        expect(type).to.equal('bind');
        expect(source).to.match(/^\.\//);
      }
      for (const port of service.ports ?? [])
        expect(port).to.match(/^(?:127\.0\.0\.1|10\.62\.0\.1):\d+:\d+$/);
      for (const variable of service.environment ?? []) expect(variable).to.match(/^\w+=/);
      expect(JSON.stringify(service.environment ?? [])).to.not.match(/password=|secret=/i);
    }
  });

  it('runs BuildKit without root and asks for a client certificate', () => {
    const unit = readSource('deploy/faasd/buildkit.service');
    expect(unit)
      .to.match(/^User=buildkit$/m)
      .and.include('--disable-host-loopback');
    const toml = readSource('deploy/faasd/buildkitd.toml');
    for (const key of ['cert', 'key', 'ca'])
      expect(toml).to.include(`${key} = "/etc/buildkit/certs/${key}.pem"`);
    expect(toml).to.include('insecure-entitlements = []');
  });
});

describe('the minimal selection for OpenFaaS CE', () => {
  const names = platformStack().functions.map(({ key }) => key as string);
  const text = readSource('docs/operators.md');

  it('is what --regex selects, in both documents', () => {
    for (const document of [text, readSource('deploy/faasd/README.md')]) {
      const pattern = /--regex '([^']+)'/.exec(document)?.[1] ?? '';
      const selected = names.filter((name) => new RegExp(pattern).test(name));
      expect(selected.sort()).to.deep.equal([...neededFunctions].sort());
    }
  });

  it('is what the patterns of --filter select, in which only * has a meaning', () => {
    const list = /for f in ([^;]+); do faas-cli up --filter/.exec(text)?.[1] ?? '';
    const patterns = list.split(' ').map((pattern) => pattern.replaceAll("'", ''));
    expect(patterns).to.have.length.above(2);
    const matches = (pattern: string, name: string) =>
      new RegExp(
        `^${pattern
          .split('*')
          .map((part) => part.replaceAll(/\W/g, '\\$&'))
          .join('.*')}$`,
      ).test(name);
    const selected = names.filter((name) => patterns.some((pattern) => matches(pattern, name)));
    expect(selected.sort()).to.deep.equal([...neededFunctions].sort());
  });

  it('leaves room under the limit of 15', () => {
    expect(neededFunctions.length).to.be.at.most(10);
  });
});
