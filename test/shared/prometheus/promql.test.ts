import { expect } from 'chai';
import * as fc from 'fast-check';
import { promDuration, selector } from '#shared/prometheus/promql.ts';
import { parsePromQuery } from '../../../local/metrics/parse-promql.ts';

describe('promql', () => {
  it('writes selectors', () => {
    expect(selector('up', [])).to.equal('up{}');
    expect(
      selector('up', [
        ['job', '=', 'a'],
        ['name', 'in', ['x.y', 'z']],
      ]),
    ).to.equal('up{job="a",name=~"x\\\\.y|z"}');
    expect(promDuration(90_500)).to.equal('91s');
    expect(promDuration(1)).to.equal('1s');
  });

  it('lets no value out of its quotes', () => {
    expect(selector('up', [['job', '=', 'a"} or vector(1) or up{job="b']])).to.equal(
      'up{job="a\\"} or vector(1) or up{job=\\"b"}',
    );
    expect(selector('up', [['job', '=', 'a\\\n']])).to.equal('up{job="a\\\\\\n"}');
    expect(() => selector('up', [['job"', '=', 'a']])).to.throw('label name');
  });

  it('means exactly the given values, whatever they are', () => {
    const text = fc.string({ unit: 'grapheme-ascii', maxLength: 12 });
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 3 }), text, (values, other) => {
        for (const op of ['in', '='] as const) {
          const given = op === 'in' ? values : [values[0] ?? ''];
          const query = parsePromQuery(
            `sum by (a) (increase(${selector('m', [['a', op, op === 'in' ? given : (given[0] ?? '')]])}[5s]))`,
          );
          if (query.kind !== 'sum') throw new Error('not a sum');
          for (const value of given) expect(query.selector.matches({ a: value })).to.equal(true);
          expect(query.selector.matches({ a: other })).to.equal(given.includes(other));
        }
      }),
    );
  });
});
