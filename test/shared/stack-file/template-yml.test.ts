import { expect } from 'chai';
import { additionalPackages, parseTemplateYml } from '#shared/stack-file/template-yml.ts';

describe('parseTemplateYml', () => {
  it('reads what a template says', () => {
    const text = `language: python3
fprocess: python index.py
handler_folder: ./src/function/
mount_ssh: true
unknown: 1
welcome_message: |
  Hi
build_options:
  - name: dev
    packages: [make, gcc]
  - name: db
    packages:
      - libpq-dev
      - gcc
`;
    expect(parseTemplateYml(text)).to.deep.equal({
      language: 'python3',
      fprocess: 'python index.py',
      buildOptions: [
        { name: 'dev', packages: ['make', 'gcc'] },
        { name: 'db', packages: ['libpq-dev', 'gcc'] },
      ],
      welcomeMessage: 'Hi\n',
      handlerFolder: 'src/function',
      mountSsh: true,
    });
  });

  it('puts handlers into function/ unless told otherwise', () => {
    expect(parseTemplateYml('language: go').handlerFolder).to.equal('function');
    expect(parseTemplateYml('').handlerFolder).to.equal('function');
  });

  it('refuses a handler folder outside the context', () => {
    for (const folder of ['../x', '/x', 'a/../../b']) {
      expect(() => parseTemplateYml(`a: 1\nhandler_folder: ${folder}`))
        .to.throw('template.yml line 2: ')
        .with.property('code', 'OFC_TEMPLATE');
    }
  });
});

describe('additionalPackages', () => {
  const template = parseTemplateYml(
    'build_options:\n  - { name: dev, packages: [make, gcc] }\n  - { name: db, packages: [pq, gcc] }\n',
  );

  it('is the sorted union of the options and the user’s own', () => {
    expect(additionalPackages(template, ['db', 'dev'], 'zip  make')).to.equal('gcc make pq zip');
    expect(additionalPackages(template, [])).to.equal('');
  });

  it('refuses an unknown option and names the known ones', () => {
    expect(() => additionalPackages(template, ['x']))
      .to.throw('"x" is unknown')
      .with.property('hint', 'This template has: dev, db.');
  });
});
