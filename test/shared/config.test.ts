import { expect } from 'chai';
import { type Environment, loadConfig, parseDuration, type Settings } from '#shared/config.ts';
import { CloudError } from '#shared/errors.ts';
import { expectCode } from '../helpers/expect-code.ts';

const read = <T>(env: Environment, get: (settings: Settings) => T): T =>
  loadConfig(get, { secret_mount_path: '/nowhere', ...env });

describe('configuration', () => {
  it('names every problem at once', async () => {
    const env = { flag: 'maybe', number: '1.5', wait: 'soon', url: 'ftp://x' };
    const load = () =>
      read(env, (settings) => ({
        text: settings.text('text'),
        flag: settings.flag('flag', true),
        number: settings.integer('number', 1),
        wait: settings.duration('wait', '1s'),
        url: settings.url('url'),
        parsed: settings.parsed('text', (text) => text),
        secret: settings.secret('token'),
      }));
    const { message } = await expectCode(load, 'OFC_CONFIG');
    for (const name of ['text', 'flag', 'number', 'wait', 'url', 'token']) {
      expect(message).to.include(name);
    }
  });

  it('names the setting where its stand-in made the reading fail', async () => {
    const load = () => read({}, (settings) => new URL(settings.url('gateway_url')));
    expect((await expectCode(load, 'OFC_CONFIG')).message).to.include('gateway_url is not set');
  });

  it('hands on what goes wrong with right settings', () => {
    const failure = new TypeError('ours');
    const load = () =>
      read({}, () => {
        throw failure;
      });
    expect(load).to.throw(failure);
  });

  it('never shows credentials of a URL', async () => {
    const env = { url: 'http://user:hunter2@host' };
    const error = await expectCode(() => read(env, (s) => s.url('url')), 'OFC_CONFIG');
    expect(error.text).to.not.include('hunter2');
  });

  it('takes an empty variable for one that is not set', () => {
    expect(read({ a: ' ' }, (s) => s.text('a', 'x'))).to.equal('x');
    expect(read({ a: '' }, (s) => s.flag('a', true))).to.equal(true);
    expect(read({ a: '' }, (s) => s.integer('a', 7))).to.equal(7);
    expect(read({}, (s) => s.text('a', ''))).to.equal('');
  });

  it('reads flags', () => {
    for (const [text, value] of [
      ['true', true],
      ['1', true],
      ['TRUE', true],
      ['0', false],
      ['false', false],
    ] as const) {
      expect(read({ a: text }, (s) => s.flag('a', !value))).to.equal(value);
    }
  });

  it('reads whole numbers within bounds', async () => {
    expect(read({ a: '10' }, (s) => s.integer('a', 1, { min: 10, max: 10 }))).to.equal(10);
    for (const text of ['9', '11', '-1', '1e1', '0x10', '10.0', 'ten', '99999999999999999999']) {
      const load = () => read({ a: text }, (s) => s.integer('a', 1, { min: 10, max: 10 }));
      await expectCode(load, 'OFC_CONFIG');
    }
  });

  it('reads URLs without the slash at their end', async () => {
    expect(read({ a: 'http://gw:8080//' }, (s) => s.url('a'))).to.equal('http://gw:8080');
    expect(read({}, (s) => s.url('a', 'https://x/y/'))).to.equal('https://x/y');
    for (const text of ['gw:8080', '/path', 'http://', 'file:///etc/passwd', 'http://u@h']) {
      await expectCode(() => read({ a: text }, (s) => s.url('a')), 'OFC_CONFIG');
    }
  });

  it('reads lists', () => {
    expect(read({ a: ' x, ,y,' }, (s) => s.list('a'))).to.deep.equal(['x', 'y']);
    expect(read({}, (s) => s.list('a', 'x,y'))).to.deep.equal(['x', 'y']);
    expect(read({ a: 'none' }, (s) => s.list('a', 'x'))).to.deep.equal([]);
    expect(read({}, (s) => s.list('a'))).to.deep.equal([]);
  });

  it('parses with the parser of the caller', async () => {
    expect(read({ a: '7' }, (s) => s.parsed('a', Number))).to.equal(7);
    expect(read({}, (s) => s.parsed('a', Number, '8'))).to.equal(8);
    const refuse = () => {
      throw new CloudError('OFC_BAD_REQUEST', 'a is odd.');
    };
    const error = await expectCode(
      () => read({ a: '7' }, (s) => s.parsed('a', refuse)),
      'OFC_CONFIG',
    );
    expect(error.message).to.include('a is odd.');
  });

  it('takes a secret that may be absent for undefined', () => {
    expect(read({}, (s) => s.optionalSecret('x'))).to.equal(undefined);
  });

  describe('a duration', () => {
    for (const [text, milliseconds] of [
      ['30', 30_000],
      ['0', 0],
      ['30s', 30_000],
      ['250ms', 250],
      ['1m30s', 90_000],
      ['1h2m3.5s', 3_723_500],
      ['1.5h', 5_400_000],
    ] as const) {
      it(`${text} is ${milliseconds} ms`, () => {
        expect(parseDuration(text)).to.equal(milliseconds);
      });
    }

    for (const text of ['', '1.5', '1x', 's', '-1s', '1s ', '1 s', '1s,2s', '1d']) {
      it(`is not ${JSON.stringify(text)}`, () => {
        expect(() => parseDuration(text, 'wait')).to.throw('wait is');
      });
    }
  });
});
