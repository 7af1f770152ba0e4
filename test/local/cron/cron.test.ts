import { expect } from 'chai';
import { createLogger } from '#shared/log.ts';
import { type Cron, createCron } from '../../../local/cron/cron.ts';
import { parseSchedule } from '../../../local/cron/schedule.ts';
import { eventually } from '../../helpers/eventually.ts';
import { readSeen, type Seen, startTestGateway } from '../../helpers/test-gateway.ts';

const scheduled = (service: string, schedule: string, topic = 'cron-function') => ({
  service,
  namespace: 'openfaas-fn',
  annotations: { topic, schedule },
});

describe('schedules', () => {
  it('read five fields and descriptors, in UTC', () => {
    const next = parseSchedule('30 2 * * *').next();
    expect([next?.getUTCHours(), next?.getUTCMinutes()]).to.deep.equal([2, 30]);
    expect(parseSchedule('@hourly').next()?.getUTCMinutes()).to.equal(0);
    expect(Number(parseSchedule('@every 1m30s').next())).to.be.closeTo(Date.now() + 90_000, 1000);
  });

  it('refuse what cannot be read', () => {
    for (const text of [
      '',
      'often',
      '* * * *',
      '* * * * * *',
      '61 * * * *',
      '@never',
      '@every',
      '@every 0s',
      '@every 1d',
    ]) {
      expect(() => parseSchedule(text), text)
        .to.throw()
        .with.property('code', 'OFC_BAD_REQUEST');
    }
  });
});

describe('cron', () => {
  let cron: Cron;
  let fired: string[];
  beforeEach(() => {
    fired = [];
    cron = createCron({
      log: createLogger({}, () => undefined),
      async fire(service) {
        fired.push(service);
        if (service === 'failing') throw new Error('queue is full');
      },
    });
  });
  afterEach(() => cron.close());

  it('calls functions of its topic, again and again, also after a failure', async () => {
    cron.set(scheduled('failing', '@every 1s; @yearly'));
    cron.set(scheduled('other', '@every 1s', 'kafka'));
    await eventually(() => expect(fired).to.have.length.above(1));
    expect(new Set(fired)).to.deep.equal(new Set(['failing']));
  });

  it('stops when a function is changed or removed', async () => {
    cron.set(scheduled('changed', '@every 1s'));
    cron.set(scheduled('changed', '@yearly'));
    cron.set(scheduled('removed', '@every 1s'));
    cron.delete('removed');
    cron.set(scheduled('kept', '@every 1s'));
    await eventually(() => expect(fired).to.have.length.above(1));
    expect(new Set(fired)).to.deep.equal(new Set(['kept']));
  });

  it('checks without starting', () => {
    expect(() => cron.check(scheduled('f', '@hourly; often'))).to.throw('often');
    cron.check(scheduled('f', 'often', 'another-topic'));
    cron.check({ service: 'f', namespace: 'openfaas-fn', annotations: {} });
  });
});

describe('gateway: cron annotations', () => {
  it('call a deployed function through the queue, until it is removed', async () => {
    const seen: Seen[] = [];
    const gateway = await startTestGateway({
      job: {
        async handle(request, response) {
          seen.push(await readSeen(request));
          response.end();
        },
      },
    });
    try {
      await gateway.deploy('job', 'job', {
        annotations: { topic: 'cron-function', schedule: '@every 1s' },
      });
      await eventually(() => expect(seen).to.have.length.above(0));
      expect(seen[0]).to.include({ method: 'POST', url: '/' });
      expect(seen[0]?.headers).to.include({ 'x-topic': 'cron-function' });
      expect(seen[0]?.headers['x-call-id']).to.match(/^[0-9a-f-]{36}$/);
    } finally {
      await gateway.close();
    }
  });
});
