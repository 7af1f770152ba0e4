import { expect } from 'chai';
import { checkBuilder } from '#shared/doctor/check-builder.ts';
import { checkRegistry } from '#shared/doctor/check-registry.ts';
import { json, useClinic } from './clinic.ts';

describe('builder and registry, as the doctor checks them', () => {
  const { serve, expectCodes, write } = useClinic();

  it('builder: none set, healthy, ill, gone; BuildKit that hangs up', async () => {
    await expectCodes(checkBuilder, {}, 'config-invalid');
    await expectCodes(
      checkBuilder,
      { builder_url: await serve({ 'GET /healthz': json({}) }) },
      'ok',
    );
    await expectCodes(checkBuilder, { builder_url: await serve({}) }, 'builder-unreachable');
    await expectCodes(
      checkBuilder,
      { buildkit_url: 'tcp://127.0.0.1:1,tcp://127.0.0.1:2' },
      'builder-unreachable',
      'builder-unreachable',
    );
  });

  it('registry: takes a push, refuses, wants a password, is not there', async () => {
    const taking = async (status: number, asked: string[] = []) => {
      const url = await serve({
        '*': (request, response) => {
          asked.push(`${request.method} ${request.headers.authorization ?? ''}`.trim());
          const known = request.headers.authorization !== undefined || status !== 401;
          const answer =
            request.method === 'DELETE' ? 204 : known ? (status === 401 ? 202 : status) : 401;
          response
            .writeHead(answer, {
              location: '/v2/x/blobs/uploads/1',
              'www-authenticate': 'Basic realm="x"',
            })
            .end();
        },
      });
      return { push_repository_url: `${new URL(url).host}/acme/` };
    };
    const asked: string[] = [];
    await expectCodes(checkRegistry, await taking(202, asked), 'ok');
    expect(asked).to.deep.equal(['POST', 'DELETE']);
    await expectCodes(checkRegistry, await taking(403), 'registry-credentials');
    const closed = await taking(401);
    expect(await expectCodes(checkRegistry, closed, 'not-checked')).to.include('wants a password');
    const auth = Buffer.from('me:secret').toString('base64');
    await write(
      'docker-config',
      JSON.stringify({ auths: { [closed.push_repository_url.split('/')[0] ?? '']: { auth } } }),
    );
    await expectCodes(checkRegistry, closed, 'ok');
    await expectCodes(
      checkRegistry,
      { push_repository_url: '127.0.0.1:1/acme/' },
      'registry-unreachable',
    );
  });
});
