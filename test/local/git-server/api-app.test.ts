import { generateKeyPairSync } from 'node:crypto';
import { expect } from 'chai';
import jwt from 'jsonwebtoken';
import { apiStage, refused } from './api-stage.ts';
import { appId, keys } from './harness.ts';

describe('git server: REST API', () => {
  const api = apiStage();

  describe('the app', () => {
    it('finds itself and its installations', async () => {
      const app = api.server.app();
      expect((await app.apps.getAuthenticated()).data).to.include({
        id: appId,
        slug: 'openfaas-cloud',
      });
      expect((await app.apps.getUserInstallation({ username: 'ALICE' })).data.id).to.equal(
        api.installationId,
      );
      expect(
        (await app.apps.getInstallation({ installation_id: api.installationId })).data.account,
      ).to.include({ login: 'alice' });
      expect((await app.apps.listInstallations()).data.map(({ id }) => id)).to.include(
        api.installationId,
      );
      expect((await refused(app.apps.getUserInstallation({ username: 'nobody' }))).status).to.equal(
        404,
      );
      expect(
        (await refused(app.apps.getRepoInstallation({ owner: 'alice', repo: 'none' }))).status,
      ).to.equal(404);
    });

    it('gets tokens that end after an hour, for chosen repos and permissions', async () => {
      await api.server.pushed('alice', 'other');
      const { data, status } = await api.server.app().apps.createInstallationAccessToken({
        installation_id: api.installationId,
        repositories: ['hello'],
        permissions: { checks: 'write' },
      });
      expect(status).to.equal(201);
      expect(data.token).to.match(/^ghs_[A-Za-z0-9]{36}$/);
      expect(Date.parse(data.expires_at) - Date.now()).to.be.closeTo(3_600_000, 5000);
      expect(data.permissions).to.deep.equal({ checks: 'write', metadata: 'read' });
      expect(data.repositories?.map(({ name }) => name)).to.deep.equal(['hello']);
      const send = (path: string, body: object) =>
        fetch(`${api.server.api}/repos/alice/${path}`, {
          method: 'POST',
          headers: { authorization: `token ${data.token}` },
          body: JSON.stringify(body),
        }).then((response) => response.status);
      expect(await send('hello/check-runs', { name: 'x', head_sha: api.sha })).to.equal(201);
      expect(await send('other/check-runs', { name: 'x', head_sha: api.sha })).to.equal(403);
      expect(await send(`hello/statuses/${api.sha}`, { state: 'success' })).to.equal(403);
      for (const wrong of [
        { repositories: ['none'] },
        { repository_ids: [1] },
        { permissions: { contents: 'write' } },
        { permissions: { administration: 'read' } },
      ]) {
        const request = api.server.app().request('POST /app/installations/{id}/access_tokens', {
          id: api.installationId,
          ...wrong,
        });
        expect((await refused(request)).status, JSON.stringify(wrong)).to.equal(422);
      }
    });

    it('is known by its signed token only', async () => {
      const now = Math.floor(Date.now() / 1000);
      const good = { iat: now - 30, exp: now + 500, iss: appId };
      const sign = (
        claims: object,
        key: string = keys.privateKey,
        algorithm: jwt.Algorithm = 'RS256',
      ) => jwt.sign(claims, key, { algorithm });
      const other = generateKeyPairSync('rsa', { modulusLength: 2048 })
        .privateKey.export({ type: 'pkcs8', format: 'pem' })
        .toString();
      const parts = (header: object) =>
        [header, good]
          .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
          .join('.');
      const status = (token: string) =>
        fetch(`${api.server.api}/app`, { headers: { authorization: `Bearer ${token}` } }).then(
          (response) => response.status,
        );
      expect(await status(sign(good))).to.equal(200);
      expect(await status(sign({ ...good, iss: String(appId) }))).to.equal(200);
      expect(await status(sign({ ...good, iss: 'local-client' }))).to.equal(200);
      expect(await status(sign({ ...good, iat: now + 30 }))).to.equal(200);
      const attacks: Record<string, string> = {
        'another app': sign({ ...good, iss: 43 }),
        'out of date': sign({ ...good, exp: now - 5 }),
        'lives too long': sign({ ...good, exp: now + 3600 }),
        'no end': sign({ iat: now, iss: appId }),
        'from the future': sign({ ...good, iat: now + 300 }),
        'another key': sign(good, other),
        'another algorithm': sign(good, keys.privateKey, 'RS512'),
        'no algorithm': `${parts({ alg: 'none', typ: 'JWT' })}.`,
        'the public key as an HMAC secret': `${parts({ alg: 'HS256', typ: 'JWT' })}.AAAA`,
      };
      for (const [name, token] of Object.entries(attacks))
        expect(await status(token), name).to.equal(401);
      expect((await fetch(`${api.server.api}/app`)).status).to.equal(401);
    });
  });
});
