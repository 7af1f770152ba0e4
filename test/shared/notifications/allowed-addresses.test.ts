import { expect } from 'chai';
import {
  createAllowedAddresses,
  type ResolveHost,
} from '#shared/notifications/allowed-addresses.ts';

const resolvingTo =
  (...addresses: string[]): ResolveHost =>
  (_host, _options, done) =>
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );

function lookUp(host: string, addresses: string[], allowed: string[] = []): Promise<unknown> {
  const { lookup } = createAllowedAddresses(allowed, resolvingTo(...addresses));
  return new Promise((resolve) => {
    lookup(host, { all: true }, (error, found) => resolve(error?.message ?? found));
  });
}

const hostile = [
  '127.0.0.1',
  '127.9.9.9',
  '0.0.0.0',
  '10.1.2.3',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::1',
  '::',
  'fe80::1',
  'fd00::1',
  'ff02::1',
  '::ffff:127.0.0.1',
  '::ffff:169.254.169.254',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  '2001:db8::1',
];

describe('allowed addresses', () => {
  const { parseUrl } = createAllowedAddresses();

  it('are public ones by https', () => {
    for (const url of [
      'https://hooks.slack.com/services/T/B/x',
      'https://1.1.1.1/',
      'https://[2606:4700::1111]:8443/',
    ]) {
      expect(parseUrl(url).href).to.equal(new URL(url).href);
    }
  });

  it('are no others, however they are written', () => {
    const written = [
      'http://example.com/',
      'ftp://example.com/',
      'file:///etc/passwd',
      'https://user:password@example.com/',
      'https://user@example.com/',
      'https://2130706433/',
      'https://0x7f.1/',
      'https://0177.0.0.1/',
      'https://127.1/',
      'https://[::ffff:7f00:1]/',
      'not a url',
      '',
      `https://example.com/${'x'.repeat(3000)}`,
      ...hostile.map((address) => `https://${address.includes(':') ? `[${address}]` : address}/`),
    ];
    for (const url of written) expect(() => parseUrl(url), url).to.throw(/address/);
  });

  it('say nothing of the secret that an address can be', () => {
    expect(() => parseUrl('http://example.com/services/secret'))
      .to.throw()
      .and.not.match(/secret/);
  });

  it('are checked after the look-up, all of them', async () => {
    for (const address of hostile) {
      expect(await lookUp('evil.example', [address]), address).to.match(/not a public one/);
      expect(await lookUp('evil.example', ['1.1.1.1', address]), address).to.match(/not a public/);
    }
    expect(await lookUp('evil.example', [])).to.match(/not a public one/);
    expect(await lookUp('good.example', ['1.1.1.1', '2606:4700::1111'])).to.deep.equal([
      { address: '1.1.1.1', family: 4 },
      { address: '2606:4700::1111', family: 6 },
    ]);
  });

  it('are also what the operator lists: hosts, addresses and networks', async () => {
    const allowed = ['hooks.internal', '10.0.0.0/8', 'fd00::/8'];
    const { parseUrl: parse } = createAllowedAddresses(allowed);
    expect(parse('http://hooks.internal/x').host).to.equal('hooks.internal');
    expect(parse('http://10.2.3.4:9000/').host).to.equal('10.2.3.4:9000');
    expect(parse('https://[fd00::1]/').host).to.equal('[fd00::1]');
    expect(() => parse('http://hooks.internal.evil.example/')).to.throw(/https/);
    expect(() => parse('http://192.168.0.1/')).to.throw(/https/);
    expect(await lookUp('hooks.internal', ['192.168.0.1'], allowed)).to.be.an('array');
    expect(await lookUp('other.example', ['10.9.9.9'], allowed)).to.be.an('array');
    expect(await lookUp('other.example', ['192.168.0.1'], allowed)).to.match(/not a public one/);
    expect(() => createAllowedAddresses(['10.0.0.0/x'])).to.throw(/not a network/);
    expect(() => createAllowedAddresses(['10.0.0.0/99'])).to.throw();
  });
});
