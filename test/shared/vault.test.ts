import { expect } from 'chai';
import { createVault } from '#shared/vault.ts';

describe('vault', () => {
  const vault = createVault({ current: 'the secret' });

  it('opens what it sealed, and seals nothing twice alike', () => {
    const [one, two] = [vault.seal('token', 'a'), vault.seal('token', 'a')];
    expect(one).not.to.equal(two);
    expect(one).not.to.include(Buffer.from('token').toString('base64'));
    expect(vault.open(one, 'a')).to.deep.equal({ text: 'token', stale: false });
  });

  it('opens nothing of another place, changed, cut, or of another secret', () => {
    const sealed = vault.seal('token', 'alice');
    const bytes = Buffer.from(sealed, 'base64');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8((changed.at(at) ?? 0) ^ 1, at);
      expect(vault.open(changed.toString('base64'), 'alice'), `byte ${at}`).to.equal(undefined);
      const cut = bytes.subarray(0, at).toString('base64');
      expect(vault.open(cut, 'alice'), `cut at ${at}`).to.equal(undefined);
    }
    expect(vault.open(sealed, 'bob')).to.equal(undefined);
    expect(createVault({ current: 'other' }).open(sealed, 'alice')).to.equal(undefined);
  });

  it('opens what the secret before sealed, and says so', () => {
    const rotating = createVault({ current: 'new', previous: 'the secret' });
    expect(rotating.open(vault.seal('token', 'a'), 'a')).to.deep.equal({
      text: 'token',
      stale: true,
    });
  });
});
