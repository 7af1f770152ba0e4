import { expect } from 'chai';
import { CloudError, errorCodes, errorMessage, toCloudError } from '#shared/errors.ts';

describe('errors', () => {
  it('have a code, a kind, a status and a text with the fix', () => {
    const error = new CloudError('OFC_BUSY', 'The builder is busy.', { hint: 'Try again later.' });
    expect(error).to.be.instanceOf(Error);
    expect(error).to.include({ name: 'CloudError', code: 'OFC_BUSY', kind: 'retry', status: 429 });
    expect(error.text).to.equal('The builder is busy. Try again later.');
  });

  it('end a message of a tool before the fix', () => {
    const error = new CloudError('OFC_BUILD_FAILED', 'Expected "}" but found ")"', {
      hint: 'See the build log.',
    });
    expect(error.text).to.equal('Expected "}" but found ")". See the build log.');
  });

  it('say the message alone without a hint, and keep the cause', () => {
    const cause = new Error('socket hang up');
    const error = new CloudError('OFC_UPSTREAM', 'No answer.', { cause });
    expect(error.text).to.equal('No answer.');
    expect(error.hint).to.equal(undefined);
    expect(error.cause).to.equal(cause);
    expect('cause' in new CloudError('OFC_UPSTREAM', 'No answer.')).to.equal(false);
  });

  it('of every code answer with a 4xx or 5xx that fits their kind', () => {
    for (const [code, { kind, status }] of Object.entries(errorCodes)) {
      expect(status, code).to.be.within(400, 599);
      if (kind === 'user') expect(status, code).to.be.lessThan(500);
      if (kind === 'final') expect(status, code).to.equal(500);
    }
  });

  it('of an unexpected kind become OFC_INTERNAL without telling their message', () => {
    const cause = new TypeError('password hunter2');
    const error = toCloudError(cause);
    expect(error).to.include({ code: 'OFC_INTERNAL', cause });
    expect(error.text).to.not.include('hunter2');
  });

  it('of ours stay as they are', () => {
    const error = new CloudError('OFC_CLONE', 'x');
    expect(toCloudError(error)).to.equal(error);
  });

  it('give the message of whatever was thrown', () => {
    expect(errorMessage(new Error('a'))).to.equal('a');
    expect(errorMessage('b')).to.equal('b');
    expect(errorMessage(undefined)).to.equal('undefined');
  });
});
