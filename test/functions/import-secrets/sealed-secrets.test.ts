import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { expect } from 'chai';
import sodium from 'libsodium-wrappers';
import { createKubernetesClient } from '#shared/kubernetes/kubernetes-client.ts';
import { parseOwner } from '#shared/names.ts';
import { parseControllerKeys } from '#shared/sealed-secrets/open-sealed-secret.ts';
import { pruneSecrets } from '../../../functions/import-secrets/prune.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { type KubernetesApi, startKubernetesApi } from '../../helpers/kubernetes-api.ts';
import { kubeseal, kubesealValue } from '../../helpers/kubeseal.ts';
import { createStage, type Stage } from './stage.ts';

const file = (...documents: readonly string[]) => [
  { name: 'secrets.yml', text: documents.join('---\n') },
];

describe('import-secrets, SealedSecrets on Kubernetes', () => {
  let api: KubernetesApi;
  let stage: Stage;
  before(async () => {
    await sodium.ready;
    api = await startKubernetesApi();
  });
  after(() => api.close());
  beforeEach(() => {
    for (const map of [api.objects, api.secrets]) map.clear();
    api.calls.length = 0;
    api.controllerRuns = true;
    const client = createKubernetesClient({ url: api.url, accountFolder: api.accountFolder });
    stage = createStage({ client, namespace: api.namespace, timeoutMs: 2000 });
  });
  const seal = (name: string, values: Record<string, string>, namespace?: string) =>
    kubeseal(api.publicKey, name, values, namespace);

  it('are applied and opened by the controller, several in one file', async () => {
    const { imported } = await stage.run(
      file(
        seal('alice-db', { 'alice-db': 'one', 'ca.crt': 'two' }),
        seal('alice-key', { key: 'three' }),
      ),
    );
    expect(Object.fromEntries(api.secrets)).to.deep.equal({
      'alice-db': { 'alice-db': 'one', 'ca.crt': 'two' },
      'alice-key': { key: 'three' },
    });
    expect(Object.keys(imported.secrets)).to.deep.equal(['db', 'key']);
    expect(imported.warnings).to.deep.equal([]);
    const labels = {
      'app.kubernetes.io/managed-by': 'openfaas',
      'com.openfaas.cloud.git-owner': 'alice',
    };
    const object = api.objects.get('alice-db');
    expect(object?.metadata.labels).to.deep.equal(labels);
    expect(object?.spec.template).to.deep.equal({ type: 'Opaque', metadata: { labels } });
    expect(stage.gateway.calls).to.deep.equal([]);
  });

  it('lose keys that have disappeared, and are not applied again if nothing changed', async () => {
    const two = file(seal('alice-db', { a: '1', b: '2' }));
    await stage.run(two);
    stage.gateway.secrets.set('alice-db', Buffer.from('listed by OpenFaaS'));
    await stage.run(two);
    expect(api.calls.filter((call) => call.startsWith('PATCH'))).to.have.length(1);
    await stage.run(file(seal('alice-db', { a: '3' })));
    expect(api.secrets.get('alice-db')).to.deep.equal({ a: '3' });
  });

  it('that have disappeared are deleted, and no one else’s', async () => {
    await stage.run(file(seal('alice-a', { a: '1' }), seal('alice-b', { b: '1' })));
    await stage.run(file(seal('alice--b-a', { a: '1' })), {
      owner: 'alice-b',
      ownerId: 5,
      repoId: 9,
    });
    const { deployment } = await stage.run(file(seal('alice-b', { b: '1' })));
    expect(await stage.prune(deployment)).to.deep.equal(['alice-a']);
    const gone = { owner: parseOwner('alice'), repo: '*' as const, functions: [] };
    expect(await pruneSecrets(stage.importing, gone)).to.deep.equal(['alice-b']);
    expect([...api.objects.keys()]).to.deep.equal(['alice--b-a']);
  });

  it('may become sealed boxes, and boxes SealedSecrets', async () => {
    await stage.run(file(seal('alice-db', { 'alice-db': 'one' })));
    await stage.run([stage.box({ db: 'two' })]);
    expect([...api.objects.keys()]).to.deep.equal([]);
    expect(stage.values()).to.deep.equal({ 'alice-db': 'two' });
    await stage.run(file(seal('alice-db', { 'alice-db': 'three' })));
    expect(stage.values()).to.deep.equal({});
    expect(api.secrets.get('alice-db')).to.deep.equal({ 'alice-db': 'three' });
  });

  it('of another certificate fail the deployment, with the controller’s reason', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    const error = await expectCode(
      stage.run(file(kubeseal(other, 'alice-db', { k: 'v' }))),
      'OFC_SECRETS',
    );
    expect(error.message).to.contain('alice-db').and.contain('no key could decrypt secret (k)');
  });

  it('are tried again while the controller is down', async () => {
    api.controllerRuns = false;
    const places = createKubernetesClient({ url: api.url, accountFolder: api.accountFolder });
    const impatient = createStage({ client: places, namespace: api.namespace, timeoutMs: 100 });
    await expectCode(impatient.run(file(seal('alice-db', { k: 'v' }))), 'OFC_UPSTREAM');
  });

  it('are sent with the token of the moment', async () => {
    await api.rotateToken();
    await stage.run(file(seal('alice-db', { k: 'v' })));
    expect(api.secrets.has('alice-db')).to.equal(true);
  });

  it('need the role, and say so', async () => {
    api.verbs = new Set(['get']);
    const error = await expectCode(stage.run(file(seal('alice-db', { k: 'v' }))), 'OFC_CONFIG');
    expect(error.text).to.contain('forbidden').and.contain('role');
    api.verbs = new Set(['get', 'create', 'patch', 'delete']);
  });

  it('are sent to nobody but the API server of the service account', async () => {
    const stranger = await startKubernetesApi();
    const client = createKubernetesClient({ url: stranger.url, accountFolder: api.accountFolder });
    const error = await expectCode(client.get('/x'), 'OFC_UPSTREAM');
    expect(error.message).to.match(/SELF_SIGNED|SIGNATURE|CERT/);
    expect(stranger.calls).to.deep.equal([]);
    await stranger.close();
  });

  describe('that break a rule fail the deployment, with the line, and apply nothing', () => {
    const good = () => seal('alice-good', { k: 'v' });
    const cases: [what: string, make: () => string, line: number, says: RegExp][] = [
      [
        'another kind',
        () => good().replace('kind: SealedSecret', 'kind: Secret'),
        2,
        /kind must be SealedSecret/,
      ],
      [
        'a role',
        () => 'kind: ClusterRoleBinding\napiVersion: rbac.authorization.k8s.io/v1\n',
        2,
        /apiVersion must be/,
      ],
      ['another API', () => good().replace('v1alpha1', 'v2'), 1, /apiVersion must be/],
      ['no name', () => good().replace('  name: alice-good\n', ''), 1, /is not one of "alice"/],
      [
        'another owner’s name',
        () => seal('bob-db', { k: 'v' }),
        5,
        /"bob-db" is not one of "alice"/,
      ],
      ['a secret of alice-b', () => seal('alice--b-db', { k: 'v' }), 5, /is not one of "alice"/],
      ['a prefix without a hyphen', () => seal('aliceb', { k: 'v' }), 5, /is not one of "alice"/],
      ['upper case', () => seal('alice-DB', { k: 'v' }), 5, /is not one of "alice"/],
      ['a path', () => seal('alice-db/../x', { k: 'v' }), 5, /is not one of "alice"/],
      [
        'another namespace',
        () => seal('alice-db', { k: 'v' }, 'kube-system'),
        6,
        /"kube-system" is not the functions/,
      ],
      [
        'another namespace in the template',
        () => good().replace(/(template:[\s\S]*namespace: )openfaas-fn/, '$1openfaas'),
        14,
        /template\.metadata\.namespace/,
      ],
      ...['cluster-wide', 'namespace-wide'].map((scope): [string, () => string, number, RegExp] => [
        `the scope ${scope}`,
        () =>
          good().replace(
            'metadata:\n',
            `metadata:\n  annotations:\n    sealedsecrets.bitnami.com/${scope}: "true"\n`,
          ),
        5,
        /is not taken: others could open/,
      ]),
      [
        'a docker config',
        () =>
          good().replace(
            '  template:\n',
            '  template:\n    type: kubernetes.io/dockerconfigjson\n',
          ),
        11,
        /type "kubernetes\.io\/dockerconfigjson"/,
      ],
      [
        'templated data',
        () => good().replace('  template:\n', '  template:\n    data: { x: "{{ .k }}" }\n'),
        11,
        /template\.data/,
      ],
      ['an old form', () => good().replace('spec:\n', 'spec:\n  data: aGk=\n'), 8, /old form/],
      ['no values', () => good().replace(/\n {4}k: .*/, ' {}'), 8, /no sealed values/],
      [
        'a value in the clear',
        () => good().replace(/ {4}k: .*/, '    k: my password!'),
        9,
        /not base64/,
      ],
      ['a key that is a path', () => good().replace(/ {4}k:/, '    ../k:'), 9, /key "\.\.\/k"/],
      ['the same secret twice', () => `${good()}---\n${good()}`, 15, /sealed twice/],
      [
        'a document of another kind after a good one',
        () => `${good()}---\nkind: Secret\n`,
        15,
        /apiVersion|kind/,
      ],
    ];
    for (const [what, make, line, says] of cases) {
      it(what, async () => {
        const error = await expectCode(stage.run(file(make())), 'OFC_SECRETS');
        expect(error.message).to.match(says);
        expect(error.message).to.match(new RegExp(`^secrets\\.yml line ${line}: `));
        expect(api.calls).to.deep.equal([]);
      });
    }
  });

  it('are left without labels, annotations and what else a tenant may not set', async () => {
    const text = seal('alice-db', { k: 'v' })
      .replace(
        'metadata:\n',
        'metadata:\n  labels: { com.openfaas.cloud.git-owner: bob }\n  finalizers: [x/y]\n',
      )
      .replace(
        /template:\n {4}metadata:\n/,
        'template:\n    immutable: true\n    metadata:\n      annotations: { a: b }\n      ownerReferences: []\n',
      );
    const { imported } = await stage.run(file(text));
    expect(imported.warnings).to.have.length(5);
    expect(imported.warnings.join(' ')).to.match(/line 4: metadata\.labels is left out/);
    const object = JSON.stringify(api.objects.get('alice-db'));
    expect(object).to.not.match(/bob|finalizers|annotations|ownerReferences|immutable/);
  });

  it('that somebody else put there are not taken over', async () => {
    await stage.run(file(seal('alice-db', { k: 'v' })));
    const object = api.objects.get('alice-db');
    if (object) object.metadata.labels = {};
    const error = await expectCode(stage.run(file(seal('alice-db', { k: 'w' }))), 'OFC_SECRETS');
    expect(error.message).to.contain('somebody else');
    await pruneSecrets(stage.importing, { owner: parseOwner('alice'), repo: '*', functions: [] });
    expect(api.objects.has('alice-db')).to.equal(true);
  });
});

describe('import-secrets, SealedSecrets elsewhere', () => {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const older = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = [older, pair]
    .map(({ privateKey }) => privateKey.export({ type: 'pkcs8', format: 'pem' }))
    .join('');
  let stage: Stage;
  before(() => sodium.ready);
  beforeEach(() => {
    const made = createStage();
    const opening = { ...made.importing.opening, controllerKeys: parseControllerKeys(pem) };
    stage = Object.assign(made, { importing: Object.assign(made.importing, { opening }) });
  });

  it('are opened with the controller’s keys, the older one too', async () => {
    await stage.run(
      file(
        kubeseal(pair.publicKey, 'alice-db', { 'alice-db': 'new' }),
        kubeseal(
          createPublicKey(older.publicKey.export({ type: 'spki', format: 'pem' })),
          'alice-old',
          {
            'alice-old': 'old',
          },
        ),
      ),
    );
    expect(stage.values()).to.deep.equal({ 'alice-db': 'new', 'alice-old': 'old' });
  });

  it('say where a key of another name is read', async () => {
    const { imported } = await stage.run(
      file(kubeseal(pair.publicKey, 'alice-db', { password: 'v' })),
    );
    expect(imported.warnings.join()).to.contain('"password"').and.contain('alice-db');
  });

  it('of more than one key, of another name, namespace or scope are refused', async () => {
    const moved = kubeseal(pair.publicKey, 'alice-db', { k: 'v' }).replaceAll(
      'alice-db',
      'alice-other',
    );
    const wide = kubeseal(pair.publicKey, 'alice-db', { k: 'v' }).replace(
      /k: .*/,
      `k: ${kubesealValue(pair.publicKey, '', 'v')}`,
    );
    const cases: [string, RegExp][] = [
      [kubeseal(pair.publicKey, 'alice-db', { a: '1', b: '2' }), /more than one key/],
      [moved, /"k" of "alice-other" cannot be opened/],
      [wide, /cannot be opened/],
      [
        kubeseal(pair.publicKey, 'alice-db', { k: 'v' }).replace(/k: .*/, 'k: AAAA'),
        /cannot be opened/,
      ],
    ];
    for (const [text, says] of cases) {
      const error = await expectCode(stage.run(file(text)), 'OFC_SECRETS');
      expect(error.message)
        .to.match(says)
        .and.to.match(/^secrets\.yml line 1/);
    }
    expect(stage.values()).to.deep.equal({});
  });

  it('need those keys', async () => {
    const error = await expectCode(
      createStage().run(file(kubeseal(pair.publicKey, 'alice-db', { k: 'v' }))),
      'OFC_SECRETS',
    );
    expect(error.text).to.contain('faas-cli secret seal');
    for (const text of ['', 'x', pem.replace('MII', 'XXX')]) {
      const failure = await expectCode(() => parseControllerKeys(text), 'OFC_CONFIG');
      expect(failure.text).to.not.contain('XXX');
    }
  });
});
