import { expect } from 'chai';
import { parseOwner } from '#shared/names.ts';
import { createCustomDomains, parseCustomDomains } from '#shared/router/custom-domains.ts';
import type { IndexedFunction } from '#shared/router/function-index.ts';
import { parseSite } from '#shared/router/site.ts';
import { eventually } from '../../helpers/eventually.ts';

const site = parseSite('https://user.example.com/function');

function fn(owner: string, key: string, domains: string): IndexedFunction {
  const annotations = { 'com.openfaas.cloud.custom-domain': domains };
  return {
    owner: parseOwner(owner),
    ownerId: '1',
    scm: 'github',
    service: `${owner}-${key}`,
    annotations,
  };
}

describe('parseCustomDomains', () => {
  for (const [text, hosts] of [
    ['www.shop.test', ['www.shop.test']],
    ['WWW.Shop.test., shop.test', ['www.shop.test', 'shop.test']],
    ['xn--bcher-kva.test', ['xn--bcher-kva.test']],
    ['a.test,a.test', ['a.test']],
    ['bücher.test', []],
    ['example.com', []],
    ['bob.example.com', []],
    ['system.example.com', []],
    ['a.b.example.com', []],
    ['localhost', []],
    ['127.0.0.1', []],
    ['1.2.3.0x4', ['1.2.3.0x4']],
    ['*.shop.test', []],
    ['shop.test:80', []],
    ['shop.test/x', []],
    ['', []],
    [undefined, []],
    [
      'a.test,b.test,c.test,d.test,e.test,f.test',
      ['a.test', 'b.test', 'c.test', 'd.test', 'e.test'],
    ],
  ] as const) {
    it(`reads ${text}`, () => expect(parseCustomDomains(text, site)).to.deep.equal(hosts));
  }
});

describe('createCustomDomains', () => {
  const build = (records: Record<string, string[] | string>) => {
    let now = 0;
    const asked: string[] = [];
    const problems: string[] = [];
    const domains = createCustomDomains({
      site,
      now: () => now,
      onProblem: (message, host) => problems.push(`${host}: ${message}`),
      resolveTxt: async (name) => {
        asked.push(name);
        const found = records[name] ?? 'ENOTFOUND';
        if (typeof found === 'string') throw Object.assign(new Error(found), { code: found });
        return found.map((text) => [text]);
      },
    });
    const look = async (host: string, functions: IndexedFunction[]) => {
      domains.update(functions);
      await domains.looked(host);
      return domains.find(host)?.service;
    };
    const later = (ms: number) => {
      now += ms;
    };
    return { look, asked, problems, later };
  };
  const proof = '_openfaas-cloud.shop.test';

  it('gives a host to whom annotation and record name, and to nobody by one of them', async () => {
    const { look, asked } = build({ [proof]: ['v=spf1', ' Alice.Example.com '] });
    expect(await look('shop.test', [fn('bob', 'web', 'shop.test')])).to.equal(undefined);
    const both = [fn('bob', 'web', 'shop.test'), fn('alice', 'web', 'shop.test')];
    expect(await look('shop.test', both)).to.equal('alice-web');
    expect(await look('other.test', both)).to.equal(undefined);
    expect(asked).to.deep.equal([proof]);
    expect(await look('shop.test', [])).to.equal(undefined);
  });

  it('gives it to nobody while the records name two who claim it', async () => {
    const { look, problems } = build({ [proof]: ['alice.example.com', 'bob.example.com'] });
    const both = [fn('bob', 'web', 'shop.test'), fn('alice', 'web', 'shop.test')];
    expect(await look('shop.test', both)).to.equal(undefined);
    expect(problems).to.have.length(1);
    expect(await look('shop.test', both.slice(0, 1))).to.equal('bob-web');
  });

  it('gives it to the first of one owner, and says so once', async () => {
    const { look, problems } = build({ [proof]: ['alice.example.com'] });
    const two = [fn('alice', 'web', 'shop.test'), fn('alice', 'app', 'shop.test')];
    expect(await look('shop.test', two)).to.equal('alice-app');
    expect(await look('shop.test', two)).to.equal('alice-app');
    expect(problems).to.have.length(1);
  });

  it('takes it away when the record has gone, not when the name server is out', async () => {
    const records: Record<string, string[] | string> = { [proof]: ['alice.example.com'] };
    const { look, later } = build(records);
    const web = [fn('alice', 'web', 'shop.test')];
    expect(await look('shop.test', web)).to.equal('alice-web');
    records[proof] = 'ESERVFAIL';
    later(6 * 60_000);
    expect(await look('shop.test', web)).to.equal('alice-web');
    records[proof] = 'ENODATA';
    expect(await look('shop.test', web)).to.equal(undefined);
    records[proof] = ['alice.example.com'];
    later(31_000);
    expect(await look('shop.test', web)).to.equal('alice-web');
    records[proof] = 'ESERVFAIL';
    later(25 * 3_600_000);
    await eventually(async () => expect(await look('shop.test', web)).to.equal(undefined));
  });

  it('looks at most every half minute for what is not there', async () => {
    const { look, asked, later } = build({});
    for (let i = 0; i < 10; i++) {
      await look('shop.test', [fn('alice', 'web', 'shop.test')]);
      later(10_000);
    }
    expect(asked).to.have.length(4);
  });
});
