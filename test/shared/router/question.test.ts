import { expect } from 'chai';
import { parseOwner } from '#shared/names.ts';
import type { IndexedFunction } from '#shared/router/function-index.ts';
import { askAboutFunction } from '#shared/router/question.ts';
import { parseSite } from '#shared/router/site.ts';

describe('askAboutFunction', () => {
  const site = parseSite('https://user.example.com/function');
  const fn = (annotations: Record<string, string>): IndexedFunction => ({
    owner: parseOwner('alice'),
    ownerId: '7',
    scm: 'github',
    service: 'alice-hello',
    annotations,
  });
  const visitor = (session: string) => ({
    method: 'POST',
    headers: { cookie: `__Host-ofc_session=${session}`, origin: 'https://evil.example' },
  });

  it('asks one question about a function that is open to everyone, whoever comes', () => {
    const open = fn({});
    const first = askAboutFunction(site, 'alice.example.com', open, visitor('a'));
    expect(askAboutFunction(site, 'alice.example.com', open, visitor('b'))).to.equal(first);
    expect(first.shown).to.deep.equal({ session: '', token: '' });
  });

  it('asks another one for another host, and once the function is another', () => {
    const open = fn({});
    const first = askAboutFunction(site, 'alice.example.com', open, visitor('a'));
    const other = askAboutFunction(site, 'hello.example.org', open, visitor('a'));
    expect(other.question.host).to.equal('hello.example.org');
    expect(other.path).to.not.equal(first.path);
    const closed = fn({ 'com.openfaas.cloud.auth': 'owner' });
    const asked = askAboutFunction(site, 'alice.example.com', closed, visitor('a'));
    expect(asked.question).to.include({ protection: 'owner', foreign: true });
  });

  it('never keeps what a visitor of a protected function shows', () => {
    const closed = fn({ 'com.openfaas.cloud.auth': 'members' });
    const asked = ['a', 'b'].map((session) =>
      askAboutFunction(site, 'alice.example.com', closed, visitor(session)),
    );
    expect(asked.map(({ shown }) => shown.session)).to.deep.equal(['a', 'b']);
  });
});
