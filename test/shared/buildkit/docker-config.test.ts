import { expect } from 'chai';
import { hostOf, parseDockerConfig } from '#shared/buildkit/docker-config.ts';
import { expectCode } from '../../helpers/expect-code.ts';

const auth = (text: string) => Buffer.from(text).toString('base64');

describe('a Docker config.json', () => {
  it('has logins for several registries, and identity tokens', () => {
    const logins = parseDockerConfig(
      JSON.stringify({
        auths: {
          'registry.example:5000': { auth: auth('bob:pass:word') },
          'https://index.docker.io/v1/': { username: 'hub', password: 'secret' },
          'ghcr.io': { auth: auth('x:'), identitytoken: 'token' },
        },
        credsStore: 'desktop',
      }),
    );
    expect(Object.fromEntries(logins)).to.deep.equal({
      'registry.example:5000': { username: 'bob', secret: 'pass:word' },
      'docker.io': { username: 'hub', secret: 'secret' },
      'ghcr.io': { username: '', secret: 'token' },
    });
  });

  it('may have none', () => {
    expect(parseDockerConfig('{}').size).to.equal(0);
  });

  it('calls Docker Hub by one name', () => {
    for (const name of ['docker.io', 'registry-1.docker.io', 'https://index.docker.io/v1/']) {
      expect(hostOf(name)).to.equal('docker.io');
    }
  });

  it('is refused without its content in the message', async () => {
    const leaky = JSON.stringify({ auths: { 'ghcr.io': { auth: auth('topsecret') } } });
    for (const text of ['', 'topsecret', '{"auths":1}', '{"auths":{"a":"topsecret"}}', leaky]) {
      const error = await expectCode(() => parseDockerConfig(text), 'OFC_CONFIG');
      expect(error.text).to.not.contain('topsecret');
      expect(error.text).to.contain('docker-config');
    }
  });
});
