import assert from 'node:assert/strict';
import test from 'node:test';
import { portal, refused } from './support/environment.mjs';
import { World } from './support/world.mjs';

const { verifyPassport } = await import(`${portal}/trust/passport.js`);
const world = await World.make();
const { policy } = await world.verify();
const check = async (/** @type {any} */ changes = {}) => verifyPassport(await world.passport(changes), world.configuration(), policy);
const failed = (/** @type {any} */ verdict) => verdict.hops.map((/** @type {any} */ one) => one.checks.list.filter((/** @type {any} */ each) => each.outcome === 'failed').map((/** @type {any} */ each) => each.name));

test('a good passport verifies, every hop with every check', async () => {
    const verdict = await check();
    assert.equal(verdict.code, null);
    assert.equal(verdict.accepted, true);
    assert.equal(verdict.grade, 'simulated');
    assert.deepEqual(verdict.hops.map((/** @type {any} */ one) => one.checks.list.map((/** @type {any} */ each) => each.outcome)), [Array(4).fill('passed'), Array(4).fill('passed')]);
    assert.equal(verdict.hops[1].hop.model.name, 'brain-delineation');
});

for (const [name, hop] of /** @type {[string, (hop: any, i: number) => any][]} */ ([
    ['time going back', (one, i) => (i === 1 ? { ...one, iat: one.iat - 100 } : one)],
    ['a parent that is not there', (one, i) => (i === 1 ? { ...one, parent: one.token } : one)],
    ['an answer to another request', (one, i) => (i === 1 ? { ...one, request: one.enc } : one)],
    ['an answer of another exchange', (one, i) => (i === 1 ? { ...one, enc: one.request } : one)],
    ['a second beginning', (one, i) => {
        if (i === 0) return one;
        const { parent, ...rest } = one;
        return rest;
    }],
    ['an unknown member', (one) => ({ ...one, extra: 1 })],
])) {
    test(`a passport with ${name} is refused as passport-invalid`, async () => {
        await assert.rejects(check({ hop }), refused('passport-invalid'));
    });
}

for (const [name, passport, checks] of /** @type {[string, (passport: any) => any, string[][]][]} */ ([
    ['without a token', (one) => ({ ...one, tokens: one.tokens.slice(1) }), [['token', 'statement', 'evidence', 'release'], []]],
    ['without evidence', (one) => ({ ...one, evidence: one.evidence.slice(0, 1) }), [[], ['evidence']]],
    ['with evidence of the other unit only', (one) => ({ ...one, evidence: [one.evidence[1], one.evidence[1]] }), [['evidence'], []]],
    ['without a manifest', (one) => ({ ...one, manifests: one.manifests.slice(0, 1) }), [[], ['release']]],
    ['without the issuer\'s keys', (one) => ({ ...one, issuers: [] }), [['token', 'statement', 'evidence', 'release'], ['token', 'statement', 'evidence', 'release']]],
])) {
    test(`a passport ${name} is not accepted, and says which check failed`, async () => {
        const verdict = await check({ passport });
        assert.equal(verdict.accepted, false);
        assert.deepEqual(failed(verdict), checks);
    });
}

test('a statement that names another party than its token is not accepted', async () => {
    const verdict = await check({ hop: (/** @type {any} */ one, /** @type {number} */ i) => (i === 1 ? { ...one, party: world.pins.hospital } : one) });
    assert.deepEqual(failed(verdict), [[], ['statement']]);
});

test('AC-041 an answer by a unit that the request was not sealed to is not accepted', async () => {
    const verdict = await check({ hop: (/** @type {any} */ one) => ({ ...one, receiver: world.platformUnit.keyName }) });
    assert.deepEqual(failed(verdict), [[], ['statement']]);
});

test('a statement with a changed signature is not accepted', async () => {
    const verdict = await check({ passport: (/** @type {any} */ one) => {
        const [first, second] = one.hops;
        const changed = `${second.slice(0, -10)}${second.slice(-10, -9) === 'A' ? 'B' : 'A'}${second.slice(-9)}`;
        return { ...one, hops: [first, changed] };
    } });
    assert.deepEqual(failed(verdict), [[], ['statement']]);
});

test('a passport of an unknown format, or with an unknown member, is refused', async () => {
    await assert.rejects(check({ passport: (/** @type {any} */ one) => ({ ...one, format: 'cloister-passport/2' }) }), refused('passport-invalid'));
    await assert.rejects(check({ passport: (/** @type {any} */ one) => ({ ...one, extra: 1 }) }), refused('passport-invalid'));
});
