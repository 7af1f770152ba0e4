import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import { LocationProvider, Route, Router, useLocation } from 'preact-iso';
import type { Me } from '../api/schemas.ts';
import { askApi } from './api.ts';
import { AuditPage } from './audit-page.tsx';
import { DeploymentPage } from './deployment-page.tsx';
import { DeploymentsPage } from './deployments-page.tsx';
import { Answered, Empty } from './feedback.tsx';
import { FunctionPage } from './function-page.tsx';
import { FunctionsPage } from './functions-page.tsx';
import { Layout, pageNames } from './layout.tsx';
import { ownerOfPart, paths } from './paths.ts';
import { PlatformPage } from './platform-page.tsx';
import { SettingsPage } from './settings-page.tsx';
import { texts } from './texts.ts';
import { useAnswer } from './use-answer.ts';
import './style.css';

/** The page: who is signed in, then what the address says. */
function App() {
  const me = useAnswer('me', (signal) => askApi('me', {}, signal), 60_000);
  const { path } = useLocation();
  const [, , part, kind = ''] = path.split('/');
  const owner =
    part === undefined || part === '' ? me.value?.login.toLowerCase() : ownerOfPart(part);
  const current = pageNames.find((name) => name === kind) ?? 'functions';
  useEffect(() => {
    document.title = `${texts[current]} · ${owner ?? ''} · ${texts.product}`;
  }, [current, owner]);
  return (
    <Answered loaded={me}>
      {(known) => (
        <Layout me={known} owner={owner ?? known.login} current={current}>
          <Router>
            <Route path="/dashboard" component={Home} login={known.login} />
            <Route path="/dashboard/:owner" component={Functions} />
            <Route path="/dashboard/:owner/functions/:name" component={One} />
            <Route path="/dashboard/:owner/deployments" component={Deployments} />
            <Route path="/dashboard/:owner/deployments/:repo/:id" component={Push} />
            <Route path="/dashboard/:owner/audit" component={Audit} me={known} />
            <Route path="/dashboard/:owner/platform" component={PlatformPage} />
            <Route path="/dashboard/:owner/settings" component={Settings} me={known} />
            <Route default component={Nothing} />
          </Router>
        </Layout>
      )}
    </Answered>
  );
}

interface Params {
  readonly owner?: string;
  readonly name?: string;
  readonly repo?: string;
  readonly id?: string;
}

function Home({ login }: { login: string }) {
  const { route } = useLocation();
  useEffect(() => route(paths.functions(login.toLowerCase()), true), [login, route]);
  return null;
}

const Functions = ({ owner = '' }: Params) => <FunctionsPage owner={ownerOfPart(owner)} />;
const One = ({ owner = '', name = '' }: Params) => (
  <FunctionPage owner={ownerOfPart(owner)} name={name} />
);
const Deployments = ({ owner = '' }: Params) => <DeploymentsPage owner={ownerOfPart(owner)} />;
const Push = ({ owner = '', repo = '', id = '' }: Params) => (
  <DeploymentPage owner={ownerOfPart(owner)} repo={repo} id={id} />
);
const Audit = ({ owner = '', me }: Params & { me: Me }) => (
  <AuditPage owner={ownerOfPart(owner)} me={me} />
);
const Settings = ({ owner = '', me }: Params & { me: Me }) => (
  <SettingsPage owner={ownerOfPart(owner)} me={me} />
);
const Nothing = () => <Empty title={texts.notFound} hint={texts.notFoundHint} />;

const place = document.getElementById('app');
if (place !== null) {
  place.replaceChildren();
  render(
    <LocationProvider scope="/dashboard">
      <App />
    </LocationProvider>,
    place,
  );
}
