import type { ComponentChildren } from 'preact';
import type { FunctionOne } from '../api/schemas.ts';
import { CommitLink } from './commit-link.tsx';
import { CopyText } from './copy-text.tsx';
import { paths } from './paths.ts';
import { texts } from './texts.ts';
import { Ago, duration } from './time.tsx';

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
          <Fact name={texts.source}>
            <CommitLink repoUrl={provenance.repoUrl} sha={provenance.sha} /> {texts.on}{' '}
            {provenance.branch}, {texts.pushedBy} {provenance.pusher}
          </Fact>
          <Fact name={texts.deployment}>
            <a href={paths.deployment(owner, provenance.repo, provenance.id)}>
              {provenance.repo} <code>{provenance.id}</code>
            </a>
          </Fact>
          <Fact name={texts.built}>
            {provenance.cached ? (
              <>
                {texts.notBuilt}, <Ago at={provenance.builtAt} />
              </>
            ) : (
              <>
                <Ago at={provenance.startedAt} />, {texts.took(duration(provenance.seconds * 1000))}
              </>
            )}
          </Fact>
          <Fact name={texts.template}>
            <code>{provenance.lang}</code>
          </Fact>
          <Fact name={texts.contextDigest}>
            <code>{provenance.contextDigest}</code>
          </Fact>
        </dl>
      )}
      <h3>{texts.image}</h3>
      <CopyText text={image} />
      <h3>{texts.attestations}</h3>
      <p class="muted">{texts.attestationsHint}</p>
      {['Provenance', 'SBOM'].map((what) => (
        <CopyText
          key={what}
          text={`docker buildx imagetools inspect ${image} --format '{{ json .${what} }}'`}
        />
      ))}
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

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
