import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { CloudError, type ErrorCode, errorCodes } from '../errors.ts';
import type { GatewayClient } from '../gateway/gateway-client.ts';
import { type Signer, signatureHeader } from '../messages/signature.ts';
import { type DeploymentRef, deploymentRefSchema, refOf } from '../pipeline/deployment.ts';
import { garbageMessageSchema } from '../pipeline/messages.ts';
import { encodeKey, openSecrets, parsePrivateKey } from '../sealed-box.ts';

const receiver = 'import-secrets';
/** Names only, but of up to a hundred functions. */
export const maxSecretsMessageBytes = 256 * 1024;
const timeoutMs = 60_000;

const names = v.array(v.pipe(v.string(), v.maxLength(253)));

/** What import-secrets is asked to do. */
export const secretsMessageSchema = v.variant('do', [
  /** git-tar: put a deployment's sealed secrets in place, and say which secrets there are. */
  v.object({
    do: v.literal('import'),
    ...deploymentRefSchema.entries,
    /** Names in sealed boxes that are for builds only. */
    buildOnly: names,
  }),
  /**
   * of-builder: the values of a deployment's build secrets, sealed for `recipient`; function-logs: of
   * everything that it sealed.
   */
  v.object({
    do: v.literal('open'),
    ...deploymentRefSchema.entries,
    ids: v.union([v.literal('*'), names]),
    /** A public key, base64. */
    recipient: v.string(),
  }),
  /** garbage-collect: remove what is not sealed any more. */
  v.object({ do: v.literal('prune'), message: garbageMessageSchema }),
]);
export type SecretsMessage = v.InferOutput<typeof secretsMessageSchema>;

/** What import-secrets answers to `import`. Names are as the owner writes them; never a value. */
export const importedSchema = v.object({
  /** The owner's secrets, with a digest of the sealed form for those that a repo sealed. */
  secrets: v.record(v.string(), v.nullable(v.string())),
  /** Names in the deployment's sealed boxes. */
  sealed: v.array(v.string()),
  warnings: v.array(v.string()),
});
export type Imported = v.InferOutput<typeof importedSchema>;

/** Calls import-secrets. */
export interface SecretsClient {
  /**
   * Puts the sealed secrets of a deployment in place.
   *
   * @returns `undefined` if the operator left import-secrets out
   * @throws CloudError `OFC_SECRETS` and others of kind `user` with the line; `OFC_UPSTREAM` to try again
   */
  import(ref: DeploymentRef, buildOnly: readonly string[]): Promise<Imported | undefined>;
  /**
   * The values of build secrets, or of all that a deployment sealed. They travel sealed for a key pair
   * that is made for this call.
   *
   * @throws CloudError as `import`
   */
  open(ref: DeploymentRef, ids: readonly string[] | '*'): Promise<ReadonlyMap<string, Buffer>>;
}

/** Makes a {@link SecretsClient}. */
export function createSecretsClient(
  gateway: Pick<GatewayClient, 'invoke'>,
  signer: Signer,
): SecretsClient {
  const call = async (message: SecretsMessage): Promise<Buffer | undefined> => {
    const body = JSON.stringify(message);
    const signature = signer.sign({ receiver, method: 'POST', path: '/', body });
    const answer = await gateway.invoke(receiver, {
      method: 'POST',
      headers: { [signatureHeader]: signature },
      body,
      timeoutMs,
    });
    if (answer.status === 200) return answer.body;
    const refused = refusal(answer.body);
    if (refused !== undefined) throw refused;
    if (answer.status === 404) return undefined;
    throw new CloudError('OFC_UPSTREAM', `import-secrets answered ${answer.status}.`);
  };
  return {
    async import(ref, buildOnly) {
      const body = await call({ do: 'import', ...refOf(ref), buildOnly: [...buildOnly] });
      return body && v.parse(importedSchema, JSON.parse(body.toString('utf8')));
    },
    async open(ref, ids) {
      const keys = parsePrivateKey(encodeKey(randomBytes(32)));
      const recipient = encodeKey(keys.publicKey);
      const wanted = ids === '*' ? ids : [...ids];
      const body = await call({ do: 'open', ...refOf(ref), ids: wanted, recipient });
      if (body === undefined) throw notThere();
      const opened = openSecrets(body.toString('utf8'), [keys], 'The answer of import-secrets');
      return new Map([...opened].map(([name, { value }]) => [name, value]));
    },
  };
}

const refusalSchema = v.object({
  error: v.string(),
  code: v.custom<ErrorCode>((code) => typeof code === 'string' && Object.hasOwn(errorCodes, code)),
  hint: v.optional(v.string()),
  id: v.optional(v.string()),
});

/** The error that import-secrets ended with; `undefined` if it was not import-secrets that answered. */
function refusal(body: Buffer): CloudError | undefined {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), refusalSchema), body.toString());
  if (!parsed.success) return undefined;
  const { error, code, hint, id } = parsed.output;
  if (id === undefined) return new CloudError(code, error, hint === undefined ? {} : { hint });
  return new CloudError(code, 'The secrets of this push could not be put in place.', {
    hint: `The operator finds the reason in the log of import-secrets, reference id ${id}.`,
  });
}

function notThere(): CloudError {
  return new CloudError('OFC_CONFIG', 'This platform has no import-secrets.', {
    hint: 'The operator can deploy it: it is a function of stack.yml.',
  });
}
