import type { FunctionOne } from '../api/schemas.ts';
import { CopyText } from './copy-text.tsx';
import { paths } from './paths.ts';
import { texts } from './texts.ts';
import { Ago } from './time.tsx';

/** What a function's image was made from, and what can be done with it elsewhere. */
export function Provenance({ fn }: { fn: FunctionOne }) {
  const { provenance, owner, name, badgeUrl, url } = fn;
  const image = provenance?.image ?? fn.image;
  const secrets = fn.secrets.map((secret) => ` --secret ${secret}`).join('');
  const variables = fn.environment.map((variable) => ` --env ${variable}=…`).join('');
  return (
    <details class="card">
      <summary>
        <h2>{texts.provenance}</h2>
      </summary>
      {provenance === null ? (
        <p class="muted">{texts.noProvenance}</p>
      ) : (
        <dl class="facts">
          <div>
            <dt>{texts.builtFrom}</dt>
            <dd>
              <a href={paths.deployment(owner, provenance.repo, provenance.id)}>
                {provenance.repo} <code>{provenance.sha.slice(0, 7)}</code>
              </a>
              , <Ago at={provenance.builtAt} />
              {provenance.cached ? ` (${texts.notBuilt})` : ''}
            </dd>
          </div>
          <div>
            <dt>{texts.template}</dt>
            <dd>
              <code>{provenance.lang}</code>
            </dd>
          </div>
          <div>
            <dt>{texts.contextDigest}</dt>
            <dd>
              <code>{provenance.contextDigest}</code>
            </dd>
          </div>
        </dl>
      )}
      <h3>{texts.image}</h3>
      <CopyText text={image} />
      <h3>{texts.attestations}</h3>
      <CopyText
        text={`docker buildx imagetools inspect ${image} --format '{{ json .Provenance }}'`}
      />
      <h3>{texts.runElsewhere}</h3>
      <CopyText text={`faas-cli deploy --name ${name} --image ${image}${variables}${secrets}`} />
      <h3>{texts.badge}</h3>
      {fn.private ? (
        <p class="muted">{texts.noBadge}</p>
      ) : (
        <>
          <p>
            <img src={badgeUrl} alt={texts.badgeOf(name)} height="20" />
          </p>
          <CopyText text={`[![${name}](${badgeUrl})](${url})`} />
        </>
      )}
    </details>
  );
}
