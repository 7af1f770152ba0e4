import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { CloudError } from '#shared/errors.ts';
import { defaultNamespace } from '../provider/provider.ts';
import { namespacePattern } from './namespace.ts';

const map = v.optional(v.nullable(v.record(v.string(), v.string())), {});

/** The body of `POST` and `PUT /system/namespace/NAME`. */
export const namespaceSchema = v.object({ name: v.string(), labels: map, annotations: map });

/** A namespace: functions and secrets in it have names, and values, of their own. */
export interface Namespace {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** The namespaces of a gateway. `openfaas-fn` is always there. */
export interface Namespaces {
  /** All names, sorted. */
  list(): string[];
  /** @throws CloudError `OFC_NOT_FOUND` */
  get(name: string): Namespace;
  /** @throws CloudError `OFC_BAD_REQUEST` for one that a request named and that is not there. */
  require(name: string): string;
  /** @throws CloudError `OFC_CONFLICT` if it exists, `OFC_BAD_REQUEST` for a name or labels that cannot be. */
  create(namespace: Namespace): Promise<void>;
  /** @throws CloudError `OFC_NOT_FOUND`, `OFC_BAD_REQUEST` */
  update(namespace: Namespace): Promise<void>;
  /** @throws CloudError `OFC_NOT_FOUND`, `OFC_CONFLICT` if something is in it, `OFC_BAD_REQUEST` for the default one. */
  remove(name: string, isEmpty: () => Promise<boolean>): Promise<void>;
}

/** OpenFaaS takes a namespace for its own only with this label. */
const marker = 'openfaas';
const fileSchema = v.array(
  v.object({
    name: v.pipe(v.string(), v.regex(namespacePattern)),
    labels: v.record(v.string(), v.string()),
    annotations: v.record(v.string(), v.string()),
  }),
);
const standard: Namespace = {
  name: defaultNamespace,
  labels: { [marker]: '1' },
  annotations: {},
};

/** Opens the namespaces that are kept in `folder`. */
export async function openNamespaces(folder: string): Promise<Namespaces> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'namespaces.json');
  const known = new Map<string, Namespace>([[standard.name, standard]]);
  for (const namespace of await readSaved(path)) known.set(namespace.name, namespace);
  let saved: Promise<void> = Promise.resolve();

  /** One write after the other, each with what holds then. */
  const save = (): Promise<void> => {
    saved = saved
      .catch(() => undefined)
      .then(async () => {
        const file = await open(`${path}.draft`, 'w', 0o600);
        try {
          await file.writeFile(JSON.stringify([...known.values()], undefined, 2));
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(`${path}.draft`, path);
      });
    return saved;
  };
  const get = (name: string): Namespace => {
    const found = known.get(name);
    if (found !== undefined) return found;
    throw new CloudError('OFC_NOT_FOUND', `There is no namespace "${name.slice(0, 63)}".`);
  };

  return {
    list: () => [...known.keys()].sort(),
    get,
    require(name) {
      if (known.has(name)) return name;
      const short = name.slice(0, 63);
      throw new CloudError('OFC_BAD_REQUEST', `There is no namespace "${short}" on this gateway.`, {
        hint: `Create it with "faas-cli namespace create ${short}".`,
      });
    },
    async create(namespace) {
      check(namespace);
      if (known.has(namespace.name)) {
        throw new CloudError('OFC_CONFLICT', `The namespace "${namespace.name}" exists already.`);
      }
      known.set(namespace.name, namespace);
      await save();
    },
    async update(namespace) {
      get(namespace.name);
      check(namespace);
      known.set(namespace.name, namespace);
      await save();
    },
    async remove(name, isEmpty) {
      get(name);
      if (name === defaultNamespace) {
        throw new CloudError('OFC_BAD_REQUEST', `The namespace ${name} cannot be removed.`);
      }
      if (!(await isEmpty())) {
        throw new CloudError('OFC_CONFLICT', `The namespace "${name}" is not empty.`, {
          hint: 'Remove its functions and secrets first.',
        });
      }
      known.delete(name);
      await save();
    },
  };
}

function check({ name, labels }: Namespace): void {
  if (!namespacePattern.test(name) || name.startsWith('kube-') || name === 'openfaas') {
    throw new CloudError('OFC_BAD_REQUEST', `"${name.slice(0, 63)}" cannot be a namespace.`, {
      hint: 'Use lower-case letters, digits and hyphens; "openfaas" and "kube-…" are not for functions.',
    });
  }
  if (labels[marker] !== '1') {
    throw new CloudError(
      'OFC_BAD_REQUEST',
      'A namespace for functions needs the label openfaas=1.',
    );
  }
}

async function readSaved(path: string): Promise<Namespace[]> {
  const text = await readFile(path, 'utf8').catch(() => '[]');
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), fileSchema), text);
  if (parsed.success) return parsed.output;
  throw new CloudError('OFC_CONFIG', `${path} cannot be read.`, {
    hint: 'Remove it, and create the namespaces again.',
  });
}
