import assert from 'node:assert/strict';
import test from 'node:test';
import { portal, refused } from './support/environment.mjs';
import { now, World } from './support/world.mjs';

const { Revocations } = await import(`${portal}/trust/revocations.js`);
const { Channel } = await import(`${portal}/channel/channel.js`);
const world = await World.make();
const first = 'https://attestation.example';
const second = 'https://second.example';

/** A portal and a policy that want two services. @param {object} [keys] of the second @param {number} [threshold] */
async function two(keys, threshold = 2) {
    world.reset();
    const service = await world.addService(second, keys);
    world.configurationChanges = { attestation: [{ url: first, pins: [world.pins.issuer] }, { url: second, pins: [service.pin] }] };
    world.policyChanges = { threshold, issuers: [{ url: first, pins: [world.pins.issuer], simulated: true }, { url: second, pins: [service.pin], simulated: true }] };
    return service;
}

test('with a threshold of two a unit needs both services, and gets tokens of both', async () => {
    await two();
    const unit = await world.verify();
    assert.deepEqual(unit.tokens.map((one) => one.issuer.url), [first, second]);
});

for (const [name, change] of /** @type {[string, (service: any) => void][]} */ ([
    ['a service that does not answer', () => { world.statuses = { [second]: 500 }; }],
    ['an expired token', (service) => { service.changes = { exp: now - 61 }; }],
    ['another program', (service) => { service.changes = { 'x-ms-sevsnpvm-launchmeasurement': '00'.repeat(48) }; }],
    ['no measurement at all', (service) => { service.changes = { 'x-ms-sevsnpvm-launchmeasurement': undefined }; }],
    ['another platform', (service) => {
        world.tokenChanges = { 'x-ms-sevsnpvm-chipid': '01' };
        service.changes = { 'x-ms-sevsnpvm-chipid': '02' };
    }],
])) {
    test(`AC-023 with a threshold of two, ${name} is no quorum`, async () => {
        change(await two());
        await assert.rejects(world.verify(), refused('quorum-not-met'));
        assert.ok(world.sent.every(({ url }) => !url.includes('/channel/')));
    });
}

test('AC-023 two names in front of one key are one service', async () => {
    await two({ issuer: world.issuer });
    await assert.rejects(world.verify(), refused('quorum-not-met'));
    await two({ leaf: world.leaf });
    await assert.rejects(world.verify(), refused('quorum-not-met'));
});

test('AC-023 one service in two spellings is no party policy', async () => {
    for (const spelling of ['https://ATTESTATION.example', 'https://attestation.example:443', 'https://attestation.example/']) {
        world.reset();
        const issuer = { url: first, pins: [world.pins.issuer], simulated: true };
        world.policyChanges = { threshold: 2, issuers: [issuer, { ...issuer, url: spelling }] };
        await assert.rejects(world.verify(), refused('endorsement-invalid'), spelling);
    }
});

test('with a threshold of one, a second service may fail', async () => {
    (await two(undefined, 1)).changes = { exp: now - 61 };
    assert.equal((await world.verify()).tokens.length, 1);
});

// Revocation

test('AC-030 a token of a service that publishes revocations is accepted with a current list only', async () => {
    world.reset();
    world.tokenChanges = { 'x-cloister-revocable': true };
    await assert.rejects(world.verify(), refused('revocations-unavailable'));
    world.answers.revocations = await world.revocations();
    await world.verify();
    for (const [changes, code] of /** @type {[object, string][]} */ ([
        [{ tokens: ['00'] }, 'token-revoked'], [{ before: now }, 'token-revoked'], [{ iat: now - 200, exp: now - 140 }, 'revocations-unavailable'],
        [{ exp: now + 600 }, 'revocations-unavailable'], [{ iss: second }, 'revocations-unavailable'], [{ extra: 1 }, 'revocations-unavailable'],
    ])) {
        world.answers.revocations = await world.revocations(changes);
        await assert.rejects(world.verify(), refused(code), JSON.stringify(changes));
    }
    world.answers.revocations = await world.revocations({}, world.platform);
    await assert.rejects(world.verify(), refused('revocations-unavailable'), 'signed by another key');
});

test('AC-030 a unit whose token was revoked is not sealed to again, and an older list takes nothing back', async () => {
    world.reset();
    world.tokenChanges = { 'x-cloister-revocable': true };
    world.answers.revocations = await world.revocations({ sequence: 4 });
    const { configuration, transport, verifier } = world.verifier();
    let time = now + 5;
    verifier.clock = () => time;
    const channel = new Channel({
        configuration, transport, verify: () => verifier.verify(), recheck: (unit) => verifier.requireStillTrusted(unit), clock: () => time,
    });
    const unit = await channel.verified();
    assert.equal(await channel.verified(), unit);
    world.answers.revocations = await world.revocations({ sequence: 5, tokens: ['00'] });
    assert.equal(await channel.verified(), unit, 'one list is used for five seconds');
    time += 5;
    await assert.rejects(channel.verified(), refused('token-revoked'));
    world.answers.revocations = await world.revocations({ sequence: 4 });
    time += 5;
    await assert.rejects(channel.verified(), refused('token-revoked'));
    world.answers.revocations = undefined;
    time += 115;
    await assert.rejects(channel.verified(), refused('revocations-unavailable'));
    assert.ok(world.sent.every(({ url }) => !url.includes('/channel/')));
});

test('AC-030 an answer that was overtaken by a newer one takes nothing back', async () => {
    world.reset();
    const { transport } = world.verifier();
    /** @type {() => void} */
    let release = () => {};
    const released = new Promise((resolve) => { release = () => resolve(undefined); });
    /** @type {() => void} */
    let arrive = () => {};
    const arrived = new Promise((resolve) => { arrive = () => resolve(undefined); });
    let asked = 0;
    const slow = { send: async (/** @type {any} */ request) => {
        const answer = await transport.send(request);
        if (request.url.endsWith('/revocations') && (asked += 1) === 1) {
            arrive();
            await released;
        }
        return answer;
    } };
    const revocations = new Revocations(slow);
    const issuer = { url: first, pins: [world.pins.issuer], simulated: true };
    world.answers.revocations = await world.revocations({ sequence: 4 });
    const overtaken = revocations.list(issuer, now);
    await arrived;
    world.answers.revocations = await world.revocations({ sequence: 5, tokens: ['00'] });
    assert.equal((await revocations.list(issuer, now)).sequence, 5);
    release();
    assert.equal((await overtaken).sequence, 5);
    assert.equal((await revocations.list(issuer, now + 1)).sequence, 5);
});
