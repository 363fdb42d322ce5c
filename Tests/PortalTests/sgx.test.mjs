import assert from 'node:assert/strict';
import test from 'node:test';
import { portal, vector, withoutVectors } from './support/environment.mjs';

const { verifySGX } = await import(`${portal}/trust/sgx.js`);
const { TCBInfo, QEIdentity, converge } = await import(`${portal}/trust/tcb.js`);
const { parse } = await import(`${portal}/encoding/json.js`);
const roots = [{ kind: 'sgx', pin: 'oK8DEon11dQTL5GGBop_wTYoYzuiNXd0cuKba2xnpJ4', simulated: false }];
const time = 1750334171;
const quote = withoutVectors ? new Uint8Array() : vector('sgx/phala-00a067/quote.bin');
const collateral = () => /** @type {any} */ (parse(vector('sgx/phala-00a067/collateral.json'), 'x', 'x'));
const verify = (/** @type {any} */ changes, at = time, bytes = quote) => verifySGX(bytes, { ...collateral(), ...changes }, roots, at);
const flip = (/** @type {string} */ hex) => `${hex.slice(0, -1)}${hex.endsWith('0') ? '1' : '0'}`;

for (const name of ['tcb_info_signature', 'qe_identity_signature', 'root_ca_crl', 'pck_crl']) {
    test(`a changed ${name} is refused as collateral-invalid`, { skip: withoutVectors }, async () => {
        assert.equal((await verify({ [name]: flip(collateral()[name]) })).code, 'collateral-invalid');
    });
}

test('AC-012 TCB info and QE identity with one changed value are refused', { skip: withoutVectors }, async () => {
    const { tcb_info: info, qe_identity: identity } = collateral();
    assert.equal((await verify({ tcb_info: info.replace('"OutOfDate"', '"UpToDate"') })).code, 'collateral-invalid');
    assert.equal((await verify({ qe_identity: identity.replace('"isvprodid":1', '"isvprodid":2') })).code, 'collateral-invalid');
});

test('collateral that is missing, incomplete, or of another signer is refused', { skip: withoutVectors }, async () => {
    assert.equal((await verifySGX(quote, undefined, roots, time)).code, 'collateral-invalid');
    const { pck_crl: crl, ...rest } = collateral();
    assert.equal((await verifySGX(quote, rest, roots, time)).code, 'collateral-invalid');
    assert.equal((await verify({ extra: '1' })).code, 'collateral-invalid');
    const chain = collateral().tcb_info_issuer_chain.split(/(?<=-----END CERTIFICATE-----\n)/);
    assert.equal((await verify({ tcb_info_issuer_chain: chain[0] })).code, 'collateral-invalid');
    assert.equal((await verify({ tcb_info_issuer_chain: collateral().pck_crl_issuer_chain })).code, 'collateral-invalid');
    assert.equal((await verify({ qe_identity_issuer_chain: collateral().pck_crl_issuer_chain })).code, 'collateral-invalid');
    assert.equal((await verify({ pck_crl: collateral().root_ca_crl })).code, 'collateral-invalid');
});

test('certificates that have expired are refused before the collateral is', { skip: withoutVectors }, async () => {
    assert.equal((await verify({}, 4102444800 + 86400)).code, 'evidence-chain');
});

test('AC-014 a quoting enclave that does not vouch for the key is refused as qe-identity', { skip: withoutVectors }, async () => {
    // The attestation key follows the quote's signature: header 48, report 384, length 4, signature 64.
    for (const offset of [48 + 384 + 4 + 64, 48 + 384 + 4 + 64 + 64, 48 + 384 + 4 + 64 + 64 + 384]) {
        const changed = quote.slice();
        changed[offset] ^= 1;
        assert.equal((await verify({}, time, changed)).code, 'qe-identity');
    }
});

for (const [name, edit] of /** @type {[string, (bytes: Uint8Array) => Uint8Array][]} */ ([
    ['of another version', (bytes) => (bytes.fill(4, 0, 1), bytes)], ['with another kind of key', (bytes) => (bytes.fill(3, 2, 3), bytes)], ['of another TEE', (bytes) => (bytes.fill(0x81, 4, 5), bytes)],
    ['of another vendor', (bytes) => (bytes.fill(0, 12, 13), bytes)], ['cut short', (bytes) => bytes.subarray(0, 900)], ['with other bytes after its end', (bytes) => new Uint8Array([...bytes, 1])],
])) {
    test(`AC-018 a quote ${name} is refused as evidence-malformed`, { skip: withoutVectors }, async () => {
        assert.equal((await verify({}, time, edit(quote.slice()))).code, 'evidence-malformed');
    });
}

test('zeros after a quote are padding', { skip: withoutVectors }, async () => {
    assert.equal((await verify({}, time, new Uint8Array([...quote, 0, 0, 0]))).code, null);
});

test('TCB levels: the first that is reached in all 16 components and in PCESVN counts', () => {
    const level = (/** @type {number[]} */ components, /** @type {number} */ pcesvn, /** @type {string} */ tcbStatus) =>
        ({ tcb: { sgxtcbcomponents: components.map((svn) => ({ svn })), pcesvn }, tcbStatus, tcbDate: '2024-01-01T00:00:00Z', advisoryIDs: [tcbStatus] });
    const sixteen = (/** @type {number} */ first) => [first, ...Array(15).fill(1)];
    const info = new TCBInfo(new TextEncoder().encode(JSON.stringify({
        id: 'SGX', version: 3, issueDate: '2024-01-01T00:00:00Z', nextUpdate: '2024-02-01T00:00:00Z', fmspc: '00A067110000', pceId: '0000', tcbType: 0,
        tcbEvaluationDataNumber: 17, tcbLevels: [level(sixteen(5), 11, 'UpToDate'), level(sixteen(3), 11, 'OutOfDate'), level(sixteen(1), 5, 'Revoked')],
    })));
    assert.equal(info.level(sixteen(5), 11).status, 'UpToDate');
    assert.equal(info.level(sixteen(4), 11).status, 'OutOfDate');
    assert.deepEqual(info.level(sixteen(4), 11).advisories, ['OutOfDate']);
    assert.equal(info.level(sixteen(5), 10).status, 'Revoked');
    assert.equal(info.level(sixteen(0), 11).status, 'NotSupported');
    assert.equal(info.level([5, ...Array(14).fill(1), 0], 11).status, 'NotSupported');
});

test('platform and quoting enclave converge as Intel\'s library does', () => {
    for (const [platform, enclave, wanted] of [
        ['UpToDate', 'UpToDate', 'UpToDate'], ['SWHardeningNeeded', 'UpToDate', 'SWHardeningNeeded'], ['UpToDate', 'OutOfDate', 'OutOfDate'],
        ['SWHardeningNeeded', 'OutOfDate', 'OutOfDate'], ['ConfigurationNeeded', 'OutOfDate', 'OutOfDateConfigurationNeeded'],
        ['ConfigurationAndSWHardeningNeeded', 'OutOfDate', 'OutOfDateConfigurationNeeded'], ['OutOfDate', 'OutOfDate', 'OutOfDate'],
        ['UpToDate', 'Revoked', 'Revoked'], ['Revoked', 'UpToDate', 'Revoked'], ['NotSupported', 'UpToDate', 'NotSupported'], ['UpToDate', 'NotSupported', 'NotSupported'],
    ]) assert.equal(converge(platform, enclave), wanted, `${platform} with ${enclave}`);
});

test('a quoting enclave is compared under masks, with its signer and product', { skip: withoutVectors }, () => {
    const identity = new QEIdentity(new TextEncoder().encode(collateral().qe_identity));
    const good = { miscSelect: new Uint8Array(4), attributes: identity.attributes.slice(), mrSigner: identity.mrSigner, productID: identity.productID };
    identity.requireMatch(good);
    const bad = [
        { miscSelect: Uint8Array.of(1, 0, 0, 0) }, { attributes: identity.attributes.map((/** @type {number} */ byte, /** @type {number} */ i) => (i === 0 ? byte ^ 2 : byte)) },
        { mrSigner: new Uint8Array(32) }, { productID: 9 },
    ];
    for (const change of bad) assert.throws(() => identity.requireMatch({ ...good, ...change }));
});
