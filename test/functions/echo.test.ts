import { expect } from 'chai';
import type { FunctionContext, FunctionEvent } from '#runtime-types';
import echo from '../../functions/echo/handler.ts';

describe('echo', () => {
  it('gives back what it got, without what proves who sent it', async () => {
    const rawBody = Buffer.from('{"a":"é"}');
    const event: FunctionEvent = {
      body: { a: 'é' },
      rawBody,
      headers: {
        'content-type': 'application/json',
        'x-custom': 'yes',
        authorization: 'Bearer token',
        'proxy-authorization': 'Basic token',
        cookie: '__Host-session=token',
        'x-cloud-signature': 'v1,0,token',
        'x-cloud-identity': 'token',
      },
      method: 'POST',
      query: { q: '1' },
      rawQuery: 'q=1',
      path: '/deep',
    };
    const answer: { status?: number; headers?: unknown; value?: unknown } = {};
    const context = {
      note: () => undefined,
      status(code?: number) {
        if (code === undefined) return answer.status;
        answer.status = code;
        return this;
      },
      headers(headers: unknown) {
        answer.headers = headers;
        return this;
      },
      succeed(value: unknown) {
        answer.value = value;
        return this;
      },
    };
    await echo(event, context as unknown as FunctionContext);
    expect(answer).to.deep.equal({
      status: 200,
      headers: { 'x-content-type-options': 'nosniff' },
      value: {
        method: 'POST',
        path: '/deep',
        query: { q: '1' },
        headers: { 'content-type': 'application/json', 'x-custom': 'yes' },
        body: '{"a":"é"}',
      },
    });
    expect(JSON.stringify(answer)).to.not.contain('token');
  });
});
