import assert from 'node:assert/strict';
import test from 'node:test';
import { portal, refused } from './support/environment.mjs';
import { now, World } from './support/world.mjs';

const { digest } = await import(`${portal}/encoding/digest.js`);
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
    ['a first hop that has a parent', (one, i) => (i === 0 ? { ...one, parent: one.token } : one)],
])) {
    test(`a passport with ${name} is refused as passport-invalid`, async () => {
        await assert.rejects(check({ hop }), refused('passport-invalid'));
    });
}

test('a passport with two answers to one request, or without an answer, is refused as passport-invalid', async () => {
    await assert.rejects(check({ answers: 2 }), refused('passport-invalid'));
    await assert.rejects(check({ answers: 0 }), refused('passport-invalid'));
});

test('a passport that begins with an answer is refused as passport-invalid', async () => {
    await assert.rejects(check({ passport: (/** @type {any} */ one) => ({ ...one, hops: one.hops.slice(1) }) }), refused('passport-invalid'));
    const hop = (/** @type {any} */ one, /** @type {number} */ i) => (i === 0 ? { ...one, kind: 'response', response: one.request } : one);
    await assert.rejects(check({ hop }), refused('passport-invalid'));
});

test('a request and its answer signed by one unit are refused as passport-invalid', async () => {
    let kid = '';
    const header = (/** @type {any} */ one, /** @type {number} */ i) => {
        if (i === 0) kid = one.kid;
        return { ...one, kid };
    };
    await assert.rejects(check({ header }), refused('passport-invalid'));
});

for (const [name, passport, checks] of /** @type {[string, (passport: any) => any, string[][]][]} */ ([
    ['without a token', (one) => ({ ...one, tokens: one.tokens.slice(1), evidence: one.evidence.slice(1) }), [['token', 'statement', 'evidence', 'release'], []]],
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

test('a statement whose key id is not that of the token\'s key is not accepted', async () => {
    const verdict = await check({ header: (/** @type {any} */ one, /** @type {number} */ i) => (i === 1 ? { ...one, kid: world.pins.hospital } : one) });
    assert.deepEqual(failed(verdict), [[], ['statement']]);
});

test('a statement by a party that no policy names is not accepted', async () => {
    const { peers } = policy;
    policy.peers = [];
    const verdict = await check({ passport: (/** @type {any} */ one) => ({ ...one, policies: [] }) });
    policy.peers = peers;
    assert.deepEqual(failed(verdict), [[], ['statement']]);
});

test('a token by an issuer that is not configured is not accepted', async () => {
    const { issuers } = policy;
    policy.issuers = [];
    const verdict = await check();
    policy.issuers = issuers;
    assert.deepEqual(verdict.hops.map((/** @type {any} */ one) => one.checks.firstFailure.code), ['receipt-invalid:token', 'receipt-invalid:token']);
});

test('a policy of nobody that is pinned says nothing: its release signers do not count', async () => {
    const { releaseSigners } = policy;
    policy.releaseSigners = releaseSigners.filter((/** @type {any} */ one) => one.unit !== 'diagnostics');
    const verdict = await check({ passport: (/** @type {any} */ one) => ({ ...one, policies: [] }) });
    const again = await check();
    policy.releaseSigners = releaseSigners;
    assert.deepEqual(failed(verdict), [[], ['release']]);
    assert.equal(again.accepted, true, 'the hospital\'s own policy in the passport counts');
});

for (const [name, validity] of /** @type {[string, object][]} */ ([['had ended', { notAfter: now }], ['had not begun', { notBefore: now + 100 }]])) {
    test(`a policy that ${name} when a hop was signed says nothing about it, whoever holds it`, async () => {
        const believing = (/** @type {object} */ changes) => Object.assign(Object.create(Object.getPrototypeOf(policy)), policy, changes);
        const silent = believing({ releaseSigners: policy.releaseSigners.filter((/** @type {any} */ one) => one.unit !== 'diagnostics') });
        const verify = async (/** @type {any} */ own, changes = {}) => verifyPassport(await world.passport(changes), world.configuration(), own);
        const valid = await verify(silent);
        assert.equal(valid.code, null, 'the policy in the passport counts');
        world.policyChanges = validity;
        const embedded = await verify(silent);
        world.policyChanges = {};
        assert.deepEqual(failed(embedded), [[], ['release']]);
        const held = await verify(believing(validity), { passport: (/** @type {any} */ one) => ({ ...one, policies: [] }) });
        assert.deepEqual(failed(held), [['release'], ['statement', 'release']]);
        assert.equal((await verify(believing(validity))).code, null, 'the one in the passport held');
    });
}

for (const [name, change, code] of /** @type {[string, (document: any) => any, string][]} */ ([
    ['without collateral', ({ collateral, ...rest }) => rest, 'receipt-unverifiable'],
    ['with a changed signature', (one) => ({ ...one, evidence: `${one.evidence.slice(0, 920)}${one.evidence[920] === 'A' ? 'B' : 'A'}${one.evidence.slice(921)}` }), 'receipt-invalid:evidence'],
    ['of the same unit for other keys', (one) => one, 'binding-mismatch'],
])) {
    test(`evidence ${name} is not accepted: ${code}`, async () => {
        const other = code === 'binding-mismatch' ? (await world.diagnosticsUnit.document(Buffer.alloc(32).toString('base64url'))).evidence : undefined;
        const verdict = await check({ passport: (/** @type {any} */ one) => ({ ...one, evidence: [one.evidence[0], { ...change(one.evidence[1]), ...(other && { evidence: other }) }] }) });
        assert.deepEqual(failed(verdict), [[], ['evidence']]);
        assert.equal(verdict.code, code);
    });
}

test('no hops, too many hops, and the same hop twice are refused', async () => {
    await assert.rejects(check({ passport: (/** @type {any} */ one) => ({ ...one, hops: [] }) }), refused('passport-invalid'));
    await assert.rejects(check({ passport: (/** @type {any} */ one) => ({ ...one, hops: Array(9).fill(one.hops[0]) }) }), refused('passport-invalid'));
    await assert.rejects(check({ passport: (/** @type {any} */ one) => ({ ...one, hops: [one.hops[0], one.hops[1], one.hops[1]] }) }), refused('passport-invalid'));
});

test('a passport of an unknown format, or with an unknown member, is refused', async () => {
    await assert.rejects(check({ passport: (/** @type {any} */ one) => ({ ...one, format: 'cloister-passport/2' }) }), refused('passport-invalid'));
    await assert.rejects(check({ passport: (/** @type {any} */ one) => ({ ...one, extra: 1 }) }), refused('passport-invalid'));
});

test('AC-023 a hop that names tokens of two services satisfies a policy that wants two, and one token does not', async () => {
    world.reset();
    const service = await world.addService('https://second.example');
    world.configurationChanges = { attestation: [...world.configuration().attestation, { url: service.url, pins: [service.pin] }] };
    const issuers = [...policy.issuers, { url: service.url, pins: [service.pin], simulated: true }];
    const wanting = Object.assign(Object.create(Object.getPrototypeOf(policy)), policy, { issuers, threshold: 2 });
    /** @type {string[]} */
    const further = [];
    for (const unit of [world.platformUnit, world.diagnosticsUnit]) further.push(await unit.token(await unit.runtimeData(), { iss: service.url }, service.leaf));
    const digests = await Promise.all(further.map((one) => digest(one)));
    const spoilt = (/** @type {any} */ one) => ({ ...one, evidence: `${one.evidence.slice(0, 920)}${one.evidence[920] === 'A' ? 'B' : 'A'}${one.evidence.slice(921)}` });
    const built = (/** @type {boolean} */ both, again = (/** @type {any} */ one) => one) => world.passport({
        hop: (/** @type {any} */ one, /** @type {number} */ i) => (both ? { ...one, tokens: [digests[i]] } : one),
        passport: (/** @type {any} */ one) => ({ ...one, tokens: [...one.tokens, ...further], issuers: [...one.issuers, { url: service.url, x5c: [service.x5c] }], evidence: [...one.evidence, ...one.evidence.map(again)] }),
    });
    const configuration = world.configuration();
    const verdict = await verifyPassport(await built(true), configuration, wanting);
    assert.equal(verdict.code, null);
    assert.equal((await verifyPassport(await built(false), configuration, wanting)).code, 'quorum-not-met');
    const unfounded = await verifyPassport(await built(true, spoilt), configuration, wanting);
    assert.deepEqual(failed(unfounded), [['evidence'], ['evidence']], 'each token needs evidence of its own that holds');
    // Whose policy knows one of the services only is content with that one.
    assert.equal((await verifyPassport(await built(true), configuration, policy)).code, null);
    world.reset();
});
