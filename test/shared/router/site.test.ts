import { expect } from 'chai';
import { CloudError } from '#shared/errors.ts';
import { parseSite } from '#shared/router/site.ts';

describe('parseSite', () => {
  it('reads the domain after "user."', () => {
    expect(parseSite('https://user.Example.com/function')).to.deep.equal({
      scheme: 'https',
      domain: 'example.com',
      port: '',
      systemHost: 'system.example.com',
      systemOrigin: 'https://system.example.com',
    });
    expect(parseSite('http://user.localhost:8080/function')).to.include({
      domain: 'localhost',
      port: ':8080',
      systemOrigin: 'http://system.localhost:8080',
    });
  });

  for (const text of [
    '',
    'user.example.com',
    'https://example.com',
    'ftp://user.x/',
    'https://user./',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => parseSite(text))
        .to.throw(CloudError)
        .with.property('code', 'OFC_CONFIG');
    });
  }
});
