import assert from 'node:assert/strict';
import test from 'node:test';
import { portal, vector, withoutVectors } from './support/environment.mjs';

const { verifySNP } = await import(`${portal}/trust/snp.js`);
const { verifySGX } = await import(`${portal}/trust/sgx.js`);
const { Certificate } = await import(`${portal}/trust/certificate.js`);
const { certificatesOfPEM } = await import(`${portal}/encoding/der.js`);
const { parse } = await import(`${portal}/encoding/json.js`);

/** Digests of the public keys of the vendors' published roots. */
const roots = [
    { kind: 'ark-milan', pin: 'nwVr7kQ3fikwjLX_qJW9-2LRiIH6a-2NbwdbAgQInLk', simulated: false },
    { kind: 'ark-genoa', pin: 'QpppyUIqoljuTY21_NqcZHDvFfjNWpzr1svH2QuGODE', simulated: false },
    { kind: 'ark-turin', pin: 'TxJUEFY6KrmlA1b5JD9v4Lb3PemGA_U_kDOccOnXrQg', simulated: false },
    { kind: 'sgx', pin: 'oK8DEon11dQTL5GGBop_wTYoYzuiNXd0cuKba2xnpJ4', simulated: false },
];
const text = (/** @type {string} */ name) => new TextDecoder().decode(vector(name));
const pem = (/** @type {Uint8Array} */ der) => `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE-----\n`;

/** @param {any} one */
function snpInput(one) {
    const endorsement = one.endorsement.endsWith('.pem') ? text(one.endorsement).match(/-----BEGIN[^]*?-----END CERTIFICATE-----\n/)?.[0] : pem(vector(one.endorsement));
    const product = one.collateral.split('/').pop();
    const suffix = one.id.includes('vlek') ? '_vlek' : product === 'turin' ? '_vcek' : '';
    return { evidence: vector(one.evidence), collateral: { vek: endorsement, chain: text(`${one.collateral}/ask_ark_${product}${suffix}.pem`) } };
}

const all = withoutVectors ? [] : JSON.parse(text('expected.json')).cases;
const cases = all.filter((/** @type {any} */ one) => (one.tee === 'snp' && one.evidence.endsWith('report.bin')) || (one.tee === 'sgx' && one.collateral));
test('the vectors hold cases for this browser', { skip: withoutVectors }, () => assert.ok(cases.length >= 29));

for (const one of cases) {
    test(`${one.id}: ${one.expect}`, async () => {
        const verdict = one.tee === 'snp' ? await (async () => {
            const { evidence, collateral } = snpInput(one);
            return verifySNP(evidence, collateral, roots, one.unix);
        })() : await verifySGX(vector(one.evidence).subarray(one.evidence_offset ?? 0), parse(vector(one.collateral), 'x', 'x'), roots, one.unix);
        const status = /TCB ([A-Z][A-Za-z]+)/.exec(one.expect)?.[1];
        if (/default policy must reject/.test(one.expect)) {
            assert.equal(verdict.accepted, false);
            if (/DEBUG/.test(one.expect)) assert.equal(verdict.code, 'debug-enabled');
            assert.equal(verdict.signatureChain, 'valid');
        } else if (one.expect.startsWith('valid')) {
            assert.equal(verdict.code, null);
            assert.equal(verdict.accepted, true);
            assert.equal(verdict.grade, 'hardware');
        } else assert.equal(verdict.accepted, false);
        if (status !== undefined && verdict.tee === 'sgx' && status !== 'CONFIGURATION') assert.equal(verdict.tcbStatus, status);
    });
}

test('advisories of the collateral are reported', { skip: withoutVectors }, async () => {
    const one = cases.find((/** @type {any} */ each) => each.id === 'sgx-oasis-00606a-eval17');
    const verdict = await verifySGX(vector(one.evidence), parse(vector(one.collateral), 'x', 'x'), roots, one.unix);
    assert.deepEqual([...verdict.advisories].sort(), [...one.advisories_seen_by_dcap_qvl].sort());
});

test('AC-001 no changed byte of an SNP report is accepted', { skip: withoutVectors }, async () => {
    const one = cases.find((/** @type {any} */ each) => each.id === 'snp-genoa-v5');
    const { evidence, collateral } = snpInput(one);
    // Every third byte: the Swift tests flip every bit.
    for (let i = 0; i < evidence.length; i += 3) {
        const changed = evidence.slice();
        changed[i] ^= 1 << (i % 8);
        assert.equal((await verifySNP(changed, collateral, roots, one.unix)).accepted, false, `byte ${i}`);
    }
});

test('AC-001 no changed byte of an SGX quote is accepted', { skip: withoutVectors }, async () => {
    const one = cases.find((/** @type {any} */ each) => each.id === 'sgx-phala-cfg-swh');
    const evidence = vector(one.evidence);
    const collateral = parse(vector(one.collateral), 'x', 'x');
    for (let i = 0; i < evidence.length; i += i < 1100 ? 3 : 61) {
        const changed = evidence.slice();
        changed[i] ^= 1 << (i % 8);
        const verdict = await verifySGX(changed, collateral, roots, one.unix);
        assert.equal(verdict.accepted, false, `byte ${i}`);
    }
});

for (const [name, change, code] of /** @type {[string, (bytes: Uint8Array) => Uint8Array, string][]} */ ([
    ['cut short', (bytes) => bytes.subarray(0, 1000), 'evidence-malformed'], ['empty', () => new Uint8Array(), 'evidence-malformed'],
    ['with a byte after its end', (bytes) => new Uint8Array([...bytes, 0]), 'evidence-malformed'],
])) {
    test(`an SNP report ${name} is refused as ${code}`, { skip: withoutVectors }, async () => {
        const { evidence, collateral } = snpInput(cases.find((/** @type {any} */ each) => each.id === 'snp-milan-v3'));
        assert.equal((await verifySNP(change(evidence), collateral, roots, 1739568114)).code, code);
    });
}

test('evidence up to a root that is not pinned is refused as untrusted-root', { skip: withoutVectors }, async () => {
    const snp = cases.find((/** @type {any} */ each) => each.id === 'snp-milan-v3');
    const { evidence, collateral } = snpInput(snp);
    assert.equal((await verifySNP(evidence, collateral, roots.slice(1), snp.unix)).code, 'untrusted-root');
    const sgx = cases.find((/** @type {any} */ each) => each.id === 'sgx-phala-cfg-swh');
    assert.equal((await verifySGX(vector(sgx.evidence), parse(vector(sgx.collateral), 'x', 'x'), roots.slice(0, 3), sgx.unix)).code, 'untrusted-root');
});

test('a root is trusted for its own product only', { skip: withoutVectors }, async () => {
    const one = cases.find((/** @type {any} */ each) => each.id === 'snp-milan-v3');
    const { evidence, collateral } = snpInput(one);
    const swapped = roots.map((root) => (root.kind === 'ark-milan' ? { ...root, kind: 'ark-genoa' } : root));
    assert.equal((await verifySNP(evidence, collateral, swapped, one.unix)).code, 'untrusted-root');
});

test('AMD\'s revocation list is read and checked for freshness and signature', { skip: withoutVectors }, async () => {
    const one = cases.find((/** @type {any} */ each) => each.id === 'snp-milan-v3');
    const { evidence, collateral } = snpInput(one);
    const crl = Buffer.from(vector('snp/chains/milan/crl-2025-05.der')).toString('base64url');
    const fresh = Date.UTC(2025, 5, 15) / 1000;
    assert.equal((await verifySNP(evidence, { ...collateral, crl }, roots, fresh)).code, null);
    assert.equal((await verifySNP(evidence, { ...collateral, crl }, roots, one.unix)).code, 'collateral-invalid');
    const genoa = Buffer.from(vector('snp/chains/genoa/crl-2024-10.der')).toString('base64url');
    assert.equal((await verifySNP(evidence, { ...collateral, crl: genoa }, roots, fresh)).code, 'collateral-invalid');
});

test('the pins above are those of the published roots', { skip: withoutVectors }, async () => {
    const [, ark] = certificatesOfPEM(text('snp/chains/milan/ask_ark_milan.pem'), 'x', 'x').map((/** @type {Uint8Array} */ der) => new Certificate(der, 'x', 'x'));
    assert.equal(ark.commonName, 'ARK-Milan');
    assert.equal(await ark.pin(), roots[0].pin);
    assert.ok(await ark.isSignedBy(ark));
});
