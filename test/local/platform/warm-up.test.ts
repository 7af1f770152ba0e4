import { expect } from 'chai';
import { createLogger } from '#shared/log.ts';
import { warmUp } from '../../../local/platform/warm-up.ts';
import { eventually } from '../../helpers/eventually.ts';
import { tempDir } from '../../helpers/temp-dir.ts';
import {
  createTestProvider,
  type TestImage,
  type TestProvider,
} from '../../helpers/test-provider.ts';
import { specOf } from '../provider/calls.ts';

describe('the warm-up after a start', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let provider: TestProvider;
  let images: Record<string, TestImage>;
  const lines: string[] = [];
  const log = createLogger({}, (line) => lines.push(line));
  const steps = ['github-push', 'git-tar', 'buildshiprun', 'of-builder', 'github-status'];

  beforeEach(async () => {
    dir = await tempDir();
    lines.length = 0;
    images = { it: { handle: (_request, response) => void response.end() } };
    provider = createTestProvider(dir.path, images);
    for (const name of [...steps, 'dashboard']) {
      await provider.deploy(specOf(name, { image: 'it' }), { start: false });
    }
  });
  afterEach(async () => {
    await provider.close();
    await dir.remove();
  });

  it('starts what a push needs, holds none of it, and nothing else', async () => {
    await provider.deploy(specOf('pipeline-log', { image: 'it' }), { start: false });
    const warming = warmUp(provider, log);
    await eventually(() => expect(provider.starts('pipeline-log')).to.equal(1));
    await warming.close();
    expect(steps.map((name) => provider.starts(name))).to.deep.equal([1, 1, 1, 1, 1]);
    expect(steps.map((name) => provider.leases(name))).to.deep.equal([0, 0, 0, 0, 0]);
    expect(provider.starts('dashboard')).to.equal(0);
    expect(lines).to.deep.equal([]);
  });

  it('passes over what is not deployed', async () => {
    await provider.remove('github-push');
    const warming = warmUp(provider, log);
    await eventually(() => expect(provider.starts('github-status')).to.equal(1));
    await warming.close();
    expect(lines).to.deep.equal([]);
  });

  it('only notes what cannot be started', async () => {
    delete images['it'];
    const warming = warmUp(provider, log);
    await eventually(() => expect(lines.join()).to.contain('in advance'));
    await warming.close();
  });
});
