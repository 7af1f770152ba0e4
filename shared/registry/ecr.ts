import type { RegistryLogin } from '../buildkit/docker-config.ts';
import { CloudError, errorMessage } from '../errors.ts';
import { parseImageReference } from './image-reference.ts';

/** A registry of Amazon's, by its host. */
const ecrHost = /^\d{12}\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/;
const username = 'AWS';
/** Tokens hold for twelve hours. */
const tokenMs = 6 * 60 * 60_000;
const tokens = new Map<string, { readonly secret: string; readonly until: number }>();

/**
 * Makes an image's repository where it is in Amazon ECR, which takes no push to one that is not there, and
 * gives a login; does nothing for other registries. The credentials are those that the AWS SDK finds: a
 * role of the pod, or variables.
 *
 * @param endpoint Another address of the API, for tests.
 * @throws CloudError `OFC_CONFIG` if Amazon refuses us, `OFC_UPSTREAM` if it does not answer
 * @see https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
 */
export async function prepareEcrRepository(
  image: string,
  signal: AbortSignal,
  endpoint?: string,
): Promise<RegistryLogin | undefined> {
  const { host, repository } = parseImageReference(image);
  const region = ecrHost.exec(host)?.[1];
  if (region === undefined) return undefined;
  // Of no use to anybody else, and large.
  const ecr = await import('@aws-sdk/client-ecr');
  const client = new ecr.ECRClient({ region, ...(endpoint !== undefined && { endpoint }) });
  try {
    await client
      .send(
        new ecr.CreateRepositoryCommand({
          repositoryName: repository,
          imageScanningConfiguration: { scanOnPush: true },
        }),
        { abortSignal: signal },
      )
      .catch((error: unknown) => {
        if (!(error instanceof ecr.RepositoryAlreadyExistsException)) throw error;
      });
    const known = tokens.get(host);
    if (known !== undefined && known.until > Date.now()) return { username, secret: known.secret };
    const { authorizationData } = await client.send(new ecr.GetAuthorizationTokenCommand({}), {
      abortSignal: signal,
    });
    const token = Buffer.from(authorizationData?.[0]?.authorizationToken ?? '', 'base64');
    const secret = token.toString('utf8').replace(/^[^:]*:/, '');
    if (secret === '') throw new Error('it gave no token');
    tokens.set(host, { secret, until: Date.now() + tokenMs });
    return { username, secret };
  } catch (error) {
    throw ecrError(error, repository, host);
  } finally {
    client.destroy();
  }
}

function ecrError(error: unknown, repository: string, host: string): CloudError {
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  const refused = status !== undefined && status >= 400 && status < 500;
  const noCredentials = (error as Error).name === 'CredentialsProviderError';
  const text = `The repository ${repository} could not be made at ${host}: ${errorMessage(error)}.`;
  if (!refused && !noCredentials) return new CloudError('OFC_UPSTREAM', text, { cause: error });
  return new CloudError('OFC_CONFIG', text, {
    hint: 'of-builder needs ecr:CreateRepository, ecr:GetAuthorizationToken and the rights to push.',
    cause: error,
  });
}
