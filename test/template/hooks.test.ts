import { expect } from 'chai';
import { eventually } from '../helpers/eventually.ts';
import { freePort } from '../helpers/free-port.ts';
import {
  type BuiltFunction,
  buildFunction,
  call,
  type FunctionProcess,
} from './helpers/function-process.ts';

const handler = `
let calls = 0;
export const metrics = async () => {
  if (process.env.metrics === 'fail') throw new Error('no numbers');
  return '# HELP own Calls.\\n# TYPE own counter\\nown ' + calls + '\\n';
};
export const raw = (request, response, { note }) => {
  calls++;
  note({ owner: 'alice' });
  note({ owner: 'bob', quoted: 'a "b"\\n{}', nothing: undefined });
  response.on('finish', () => note({ ended: 'done' }));
  response.end('ok');
};
`;

describe('template/node-ts: what a handler adds to metrics and to the access log', () => {
  let built: BuiltFunction;
  let fn: FunctionProcess | undefined;
  before(async () => {
    built = await buildFunction({ 'handler.mjs': handler });
  });
  afterEach(() => fn?.kill());
  after(() => built.remove());

  it('metrics: its own series stand beside those of the runtime', async () => {
    const port = await freePort();
    fn = await built.start({ metrics_port: String(port) });
    await fn.call('/a');
    await fn.call('/b');
    const { status, body } = await call({ port, path: '/metrics' });
    expect(status).to.equal(200);
    expect(body).to.match(/^http_requests_total\{code="200",method="get"\} 2$/m);
    expect(body).to.match(/^# TYPE own counter\nown 2$/m);
  });

  it('metrics: a handler that fails there serves on, and says so to its log alone', async () => {
    const port = await freePort();
    fn = await built.start({ metrics_port: String(port), metrics: 'fail' });
    const { status, body } = await call({ port, path: '/metrics' });
    expect([status, body]).to.deep.equal([500, 'Failed.\n']);
    expect((await fn.call('/')).status).to.equal(200);
    await eventually(() => expect(fn?.output()).to.contain('no numbers'));
  });

  it('note: fields join the one line of the request, the later over the earlier', async () => {
    fn = await built.start();
    await fn.call('/real?token=geheim');
    const line = await eventually(() => {
      const found = fn?.logs().find(({ message }) => message === 'request');
      if (found === undefined) throw new Error('no line yet');
      return found;
    });
    expect(line).to.include({ owner: 'bob', quoted: 'a "b"\n{}', status: 200, method: 'GET' });
    expect(fn.logs().filter(({ message }) => message === 'request')).to.have.length(1);
    expect(fn.output()).to.not.contain('geheim');
  });
});
