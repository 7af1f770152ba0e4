// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the texts under test
import { expect } from 'chai';
import { mergeEnvironment, parseEnvironmentFile } from '#shared/stack-file/environment-file.ts';

const options = { fileName: 'conf/env.yml' };

describe('parseEnvironmentFile', () => {
  it('reads the map "environment" and replaces nothing', () => {
    const text = 'environment:\n  A: ${B}\n  B: 0755\n  C:\nother: 1\n';
    expect(parseEnvironmentFile(text, options)).to.deep.equal({ A: '${B}', B: '0755', C: '' });
    expect(parseEnvironmentFile('', options)).to.deep.equal({});
    expect(parseEnvironmentFile('other: 1', options)).to.deep.equal({});
  });

  it('names file and line of a mistake', () => {
    for (const text of [
      'environment:\n  - a',
      'environment:\n  "a=b": c',
      'a: 1\nenvironment: x',
    ]) {
      expect(() => parseEnvironmentFile(text, options))
        .to.throw(/^conf\/env\.yml line [12]: /)
        .with.property('code', 'OFC_STACK_INVALID');
    }
  });
});

describe('mergeEnvironment', () => {
  it('lets files win over the map and later files over earlier ones', () => {
    const merged = mergeEnvironment({ A: '1', B: '1', C: '1' }, [{ B: '2', C: '2' }, { C: '3' }]);
    expect(merged).to.deep.equal({ A: '1', B: '2', C: '3' });
  });
});
