import assert from 'node:assert/strict';
import test from 'node:test';
import { portal } from './support/environment.mjs';
import { certificate, integer, newKey, pem } from './support/certificates.mjs';
import { now, World } from './support/world.mjs';

const { verifySNP } = await import(`${portal}/trust/snp.js`);
const { fromBase64URL, toBase64URL } = await import(`${portal}/encoding/base64.js`);
const world = await World.make();
const day = 86400;
const amd = '1.3.6.1.4.1.3704.1.';
const roots = [{ kind: 'ark-milan', pin: world.pins.ark, simulated: false }];
const report = fromBase64URL((await world.platformUnit.document()).evidence, 'x', 'x');
const other = await newKey('PSS');
const elliptic = await newKey('P-256');

/** The good chain, with any part of any certificate replaced. @param {{ leaf?: object, intermediate?: object, root?: object, extensions?: Record<string, Uint8Array | null> }} [changes] */
async function collateral({ leaf = {}, intermediate = {}, root = {}, extensions = {} } = {}) {
    const validity = { notBefore: now - day, notAfter: now + 300 * day };
    const fields = {
        1: integer(0), 2: new Uint8Array(Buffer.from('\x16\x08Milan-B0', 'latin1')), 3.1: integer(4), 3.2: integer(0), 3.3: integer(24), 3.8: integer(219), 4: world.chip, ...extensions,
    };
    const list = /** @type {[string, Uint8Array][]} */ (Object.entries(fields).filter(([, value]) => value !== null).map(([arc, value]) => [`${amd}${arc}`, value]));
    return {
        vek: pem(await certificate({ subject: 'SEV-VCEK', key: world.vcek, issuer: 'SEV-Milan', signer: world.ask, extensions: list, ...validity, ...leaf })),
        chain: pem(await certificate({ subject: 'SEV-Milan', key: world.ask, issuer: 'ARK-Milan', signer: world.ark, authority: true, ...validity, ...intermediate }))
            + pem(await certificate({ subject: 'ARK-Milan', key: world.ark, issuer: 'ARK-Milan', signer: world.ark, authority: true, ...validity, ...root })),
    };
}

test('the good chain is accepted', async () => {
    const verdict = await verifySNP(report, await collateral(), roots, now);
    assert.equal(verdict.code, null);
    assert.equal(verdict.grade, 'hardware');
    assert.equal(verdict.tcbStatus, null);
});

for (const [name, changes, code] of /** @type {[string, Parameters<typeof collateral>[0], string][]} */ ([
    ['an endorsement key that another key certified', { leaf: { signer: other } }, 'evidence-chain'],
    ['an intermediate that another key certified', { intermediate: { signer: other } }, 'evidence-chain'],
    ['a root that another key certified', { root: { signer: other } }, 'evidence-chain'],
    ['an endorsement certificate by another name', { leaf: { subject: 'SEV-VLEK' } }, 'evidence-chain'],
    ['an intermediate by another name', { leaf: { issuer: 'SEV-Genoa' }, intermediate: { subject: 'SEV-Genoa' } }, 'evidence-chain'],
    ['a root by another name', { intermediate: { issuer: 'ARK-Genoa' }, root: { subject: 'ARK-Genoa', issuer: 'ARK-Genoa' } }, 'evidence-chain'],
    ['an intermediate that may not certify', { intermediate: { authority: false } }, 'evidence-chain'],
    ['a root that may not certify', { root: { authority: false } }, 'evidence-chain'],
    ['a certificate that is not signed with RSA-PSS', { leaf: { signer: elliptic }, intermediate: { key: elliptic } }, 'evidence-chain'],
    ['an endorsement key of the wrong kind', { leaf: { key: elliptic } }, 'evidence-chain'],
    ['a product that is not known', { extensions: { 2: new Uint8Array(Buffer.from('\x16\x04Rome', 'latin1')) } }, 'evidence-chain'],
    ['a product that is not the report\'s', { extensions: { 2: new Uint8Array(Buffer.from('\x16\x05Genoa', 'latin1')) } }, 'evidence-chain'],
    ['an expired endorsement certificate', { leaf: { notAfter: now - 1 } }, 'collateral-invalid'],
    ['an intermediate that is not yet valid', { intermediate: { notBefore: now + 1 } }, 'collateral-invalid'],
    ['AC-011 a certificate for another boot loader level', { extensions: { 3.1: integer(3) } }, 'tcb-inconsistent'],
    ['AC-011 a certificate for another microcode level', { extensions: { 3.8: integer(220) } }, 'tcb-inconsistent'],
    ['a certificate without a level', { extensions: { 3.3: null } }, 'tcb-inconsistent'],
    ['a certificate that names no chip', { extensions: { 4: null } }, 'tcb-inconsistent'],
    ['a certificate of another chip', { extensions: { 4: new Uint8Array(64) } }, 'tcb-inconsistent'],
    ['a certificate whose chip is too short', { extensions: { 4: world.chip.slice(0, 8) } }, 'tcb-inconsistent'],
])) {
    test(`${name} is refused as ${code}`, async () => {
        assert.equal((await verifySNP(report, await collateral(changes), roots, now)).code, code);
    });
}

test('evidence without collateral, with too few certificates, or with too many, is refused', async () => {
    assert.equal((await verifySNP(report, undefined, roots, now)).code, 'collateral-invalid');
    const { vek, chain } = await collateral();
    const parts = chain.split(/(?<=-----END CERTIFICATE-----\n)/);
    assert.equal((await verifySNP(report, { vek, chain: parts[1] }, roots, now)).code, 'evidence-chain');
    assert.equal((await verifySNP(report, { vek, chain: chain + parts[1] }, roots, now)).code, 'evidence-chain');
    assert.equal((await verifySNP(report, { vek, chain, extra: '' }, roots, now)).code, 'collateral-invalid');
    assert.equal((await verifySNP(report, { vek: 'nothing', chain }, roots, now)).code, 'evidence-chain');
});

test('AC-001 signatures out of range or with non-zero padding are refused', async () => {
    const good = await collateral();
    const change = async (/** @type {(bytes: Uint8Array) => void} */ edit) => {
        const changed = report.slice();
        edit(changed);
        return (await verifySNP(changed, good, roots, now)).code;
    };
    assert.equal(await change((bytes) => bytes.fill(0, 0x2a0, 0x2d0)), 'evidence-signature');
    assert.equal(await change((bytes) => bytes.fill(255, 0x2e8, 0x318)), 'evidence-signature');
    assert.equal(await change((bytes) => { bytes[0x2d5] = 1; }), 'evidence-malformed');
    assert.equal(await change((bytes) => { bytes[0x49f] = 1; }), 'evidence-malformed');
});

for (const [name, offset, value] of /** @type {[string, number, number][]} */ ([
    ['an unknown version', 0, 9], ['another signature algorithm', 0x34, 2], ['reserved bits of the key information', 0x48, 0x20],
    ['no signing key', 0x48, 0x1c], ['an unknown processor', 0x188, 0x42], ['a guest policy without its fixed bit', 0x0a, 0],
])) {
    test(`AC-018 a report with ${name} is refused as evidence-malformed`, async () => {
        const changed = report.slice();
        changed[offset] = value;
        assert.equal((await verifySNP(changed, await collateral(), roots, now)).code, 'evidence-malformed');
    });
}

test('a root whose name says that it is simulated is still only trusted by its pin', async () => {
    const name = 'Cloister simulated ARK-Milan';
    const named = await collateral({ intermediate: { issuer: name }, root: { subject: name, issuer: name } });
    assert.equal((await verifySNP(report, named, roots, now)).code, null);
    assert.equal((await verifySNP(report, named, [{ ...roots[0], pin: toBase64URL(new Uint8Array(32)) }], now)).code, 'untrusted-root');
});
