import { expect } from 'chai';
import {
  memoryLimit,
  processKey,
  replicasWhenUp,
  scalesToZero,
} from '../../../local/provider/function-settings.ts';
import { parseMemory } from '../../../local/provider/quantity.ts';
import { specOf } from './calls.ts';

describe('settings of a function', () => {
  it('reads memory quantities', () => {
    const table: [string, number | undefined][] = [
      ['128Mi', 128 * 2 ** 20],
      ['128M', 128e6],
      ['128m', 128 * 2 ** 20],
      ['1.5Gi', 1.5 * 2 ** 30],
      ['1000', 1000],
      ['Mi', undefined],
      ['-1Mi', undefined],
      ['12 apples', undefined],
      ['', undefined],
    ];
    for (const [text, bytes] of table) expect(parseMemory(text), text).to.equal(bytes);
  });

  it('falls back to the default memory', () => {
    expect(memoryLimit(specOf('f'), 7)).to.equal(7);
    expect(memoryLimit(specOf('f', { limits: { cpu: '1' } }), 7)).to.equal(7);
    expect(memoryLimit(specOf('f', { limits: { memory: 'lots' } }), 7)).to.equal(7);
    expect(memoryLimit(specOf('f', { limits: { memory: '1Ki' } }), 7)).to.equal(1024);
  });

  it('reads the scaling labels', () => {
    const min = (value: string) =>
      replicasWhenUp(specOf('f', { labels: { 'com.openfaas.scale.min': value } }));
    expect([min('3'), min('0'), min('x'), min('-2'), min('999')]).to.deep.equal([3, 1, 1, 1, 20]);
    expect(scalesToZero(specOf('f'))).to.equal(true);
    expect(scalesToZero(specOf('f', { labels: { 'com.openfaas.scale.zero': 'false' } }))).to.equal(
      false,
    );
  });

  it('starts new processes for what a process can see, and for nothing else', () => {
    const base = specOf('f', { envVars: { A: '1', B: '2' }, secrets: ['x', 'y'] });
    const key = processKey(base, 'sha256:1');
    const same = { ...base, envVars: { B: '2', A: '1' }, secrets: ['y', 'x'], labels: { a: 'b' } };
    expect(processKey(same, 'sha256:1')).to.equal(key);
    const others = [
      processKey(base, 'sha256:2'),
      processKey({ ...base, envVars: { A: '1' } }, 'sha256:1'),
      processKey({ ...base, secrets: ['x'] }, 'sha256:1'),
      processKey({ ...base, limits: { memory: '1Gi' } }, 'sha256:1'),
      processKey({ ...base, envProcess: 'x' }, 'sha256:1'),
    ];
    expect(others).to.not.include(key);
    expect(new Set(others).size).to.equal(others.length);
  });
});
