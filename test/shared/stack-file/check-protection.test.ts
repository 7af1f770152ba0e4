import { expect } from 'chai';
import { CloudError } from '#shared/errors.ts';
import { parseStack } from '#shared/stack-file/parse-stack.ts';

const stack = (lines: string) => `provider: { name: openfaas }
functions:
  hello:
    lang: node-ts
    handler: ./hello
    image: alice/hello:0.1
${lines}`;

function failureOf(lines: string): CloudError {
  try {
    parseStack(stack(lines));
  } catch (error) {
    if (error instanceof CloudError) return error;
    throw error;
  }
  throw new Error(`accepted: ${lines}`);
}

describe('the protection of a function in stack.yml', () => {
  it('is one of the values of the table, in any case', () => {
    for (const value of ['public', 'customers', 'members', 'owner', 'Owner', '" members "']) {
      const lines = `    annotations: { com.openfaas.cloud.auth: ${value} }`;
      expect(parseStack(stack(lines)).functions, value).to.have.length(1);
    }
  });

  it('that is mistyped stops the deployment, with the line and the values there are', () => {
    for (const value of ['onwer', 'private', 'true', '""', '', 'owner,members', 'оwner']) {
      const error = failureOf(
        `    annotations:\n      topic: x\n      com.openfaas.cloud.auth: ${value}`,
      );
      expect(error, value).to.include({ code: 'OFC_STACK_INVALID', kind: 'user' });
      expect(error.text, value).to.match(
        /^stack\.yml line 9: .*Write one of: public, customers, members, owner\.$/,
      );
    }
  });

  it('whose name is mistyped does too', () => {
    for (const name of [
      'com.openfaas.cloud.Auth',
      'com.openfaas.cloud.auht',
      'com.openfaas.cloud.authentication',
      'COM.OPENFAAS.CLOUD.AUTH',
      'com.openfass.cloud.auth',
      '" com.openfaas.cloud.auth"',
      'com.openfaas.cloud-auth',
    ]) {
      const { text } = failureOf(`    annotations:\n      ${name}: owner`);
      expect(text, name).to.match(/^stack\.yml line 8: .*reads com\.openfaas\.cloud\.auth, /);
    }
  });

  it('does not stand among the labels', () => {
    const { text } = failureOf('    labels:\n      com.openfaas.cloud.auth: owner');
    expect(text).to.match(/^stack\.yml line 8: .*below "annotations"\.$/);
  });

  it('takes nothing away from annotations and labels of others', () => {
    const lines = `    labels: { com.openfaas.scale.zero: "false", com.openfaas.cloud.git-owner: x, auth: y }
    annotations: { com.openfaas.cloud.async: "true", com.openfaas.health.http.path: /h, acme.io/auth: z }`;
    expect(parseStack(stack(lines)).functions).to.have.length(1);
  });
});
