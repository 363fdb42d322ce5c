import assert from 'node:assert/strict';
import test from 'node:test';
import { portal, refused } from './support/environment.mjs';
import { jws, jwkOf, now, World } from './support/world.mjs';
import { certificate, newKey } from './support/certificates.mjs';

const { toBase64URL } = await import(`${portal}/encoding/base64.js`);
const { Memory } = await import(`${portal}/trust/memory.js`);
const { Configuration } = await import(`${portal}/trust/configuration.js`);
const { rsaThumbprint } = await import(`${portal}/trust/keys.js`);
const { Channel } = await import(`${portal}/channel/channel.js`);
const world = await World.make();
const day = 86400;

/** @param {string} name @param {(world: World) => void | Promise<void>} change @param {string} code */
function refuses(name, change, code) {
    test(`${name}: ${code}`, async () => {
        world.reset();
        await change(world);
        await assert.rejects(world.verify(), refused(code));
        assert.ok(world.sent.every(({ url }) => !url.includes('/channel/')), 'nothing may be encapsulated');
        world.reset();
    });
}

test('a good unit is verified, and its keys come out', async () => {
    world.reset();
    const unit = await world.verify();
    assert.equal(unit.grade, 'simulated');
    assert.equal(unit.keyConfigurations[0].name, world.platformUnit.keyName);
    assert.equal(unit.validUntil, now + 3600);
    assert.equal(unit.manifest.sequence, 12);
    assert.equal(unit.verdict.chain.length, 3);
    assert.equal(unit.verdict.chain[0].pin, world.pins.ark);
});

test('a token may say that there is no TCB status, but not something else than a text', async () => {
    world.reset();
    world.tokenChanges = { 'x-cloister-tcb-status': null };
    assert.equal((await world.verify()).tokens[0].tcbStatus, null);
    world.tokenChanges = { 'x-cloister-tcb-status': 5 };
    await assert.rejects(world.verify(), refused('token-malformed'));
    world.reset();
});

// The evidence itself
refuses('AC-040 a unit with evidence over other keys', (w) => {
    w.platformUnit.changeReport = (report) => report.fill(7, 0x50, 0x70);
}, 'evidence-signature');
refuses('AC-040 genuine evidence with another unit\'s runtime data', async (w) => {
    w.answers.evidence = { ...(await w.platformUnit.document()), runtimeData: toBase64URL(await w.diagnosticsUnit.runtimeData()) };
}, 'binding-mismatch');
refuses('AC-015 evidence for an older nonce', (w) => { w.answers.nonce = toBase64URL(new Uint8Array(32)); }, 'binding-mismatch');
refuses('evidence without runtime data', async (w) => {
    const { runtimeData, ...document } = await w.platformUnit.document();
    w.answers.evidence = document;
}, 'binding-mismatch');
refuses('AC-012 evidence without certificates', async (w) => {
    const { collateral, ...document } = await w.platformUnit.document();
    w.answers.evidence = document;
}, 'collateral-invalid');
refuses('AC-005 a unit that can be debugged', (w) => { w.platformUnit.policyBits |= 1n << 19n; }, 'debug-enabled');
refuses('a report with a reserved bit', (w) => { w.platformUnit.policyBits |= 1n << 40n; }, 'evidence-malformed');
refuses('AC-041 a unit of another party', (w) => { w.configurationChanges = { platform: { party: w.pins.provider, url: 'https://platform.example' } }; }, 'instance-mismatch');
refuses('a unit that is asked too often', (w) => { w.statuses = { '/evidence': 429 }; }, 'too-many');
refuses('a unit that gives no evidence', (w) => { w.statuses = { '/evidence': 500 }; }, 'evidence-malformed');
refuses('a unit that names no release manifest', async (w) => {
    const document = w.platformUnit.document.bind(w.platformUnit);
    w.platformUnit.document = async (/** @type {string} */ nonce) => {
        delete (/** @type {any} */ (w.platformUnit)).document;
        const { manifest: dropped, ...kept } = await document(nonce);
        return /** @type {any} */ (kept);
    };
}, 'measurement-unknown');
refuses('a portal without its policy file', (w) => { w.statuses = { 'party-policy.jws': 404 }; }, 'endorsement-invalid');
refuses('AC-036 an attestation service without keys', (w) => { w.statuses = { '/certs': 503 }; }, 'issuer-keys-unavailable');
refuses('an attestation service that refuses without saying why', (w) => { w.statuses = { '/attest/': 400 }; }, 'quorum-not-met');
refuses('an attestation service that refuses and says why', (w) => {
    w.statuses = { '/attest/': 400 };
    w.refusal = 'tcb-not-accepted';
}, 'tcb-not-accepted');
refuses('an attestation service whose reason is no code', (w) => {
    w.statuses = { '/attest/': 400 };
    w.refusal = 'Not A Code <b>';
}, 'quorum-not-met');
refuses('a unit with another role', (w) => { w.platformUnit.changeRuntime = (data) => ({ ...data, role: 'diagnostics' }); }, 'role-mismatch');
refuses('AC-008 a unit that was launched for another party', (w) => { w.platformUnit.hostData = new Uint8Array(32); }, 'config-mismatch');
refuses('runtime data with a third key', (w) => { w.platformUnit.changeRuntime = (data) => ({ ...data, keys: [...data.keys, data.keys[0]] }); }, 'binding-mismatch');
refuses('runtime data with an unknown member', (w) => { w.platformUnit.changeRuntime = (data) => ({ ...data, extra: 1 }); }, 'binding-mismatch');
refuses('runtime data whose hop key has another key\'s id', (w) => {
    w.platformUnit.changeRuntime = (data) => ({ ...data, keys: [data.keys[0], { ...data.keys[1], kid: data.keys[0].kid }] });
}, 'binding-mismatch');
refuses('runtime data of more than 16 KiB', (w) => { w.platformUnit.changeRuntime = (data) => ({ ...data, ohttp: 'A'.repeat(16400) }); }, 'binding-mismatch');
refuses('runtime data with one key', (w) => { w.platformUnit.changeRuntime = (data) => ({ ...data, keys: data.keys.slice(0, 1) }); }, 'binding-mismatch');
refuses('runtime data with two wrapping keys', (w) => { w.platformUnit.changeRuntime = (data) => ({ ...data, keys: [data.keys[0], data.keys[0]] }); }, 'binding-mismatch');
refuses('runtime data whose party is not a digest', (w) => { w.platformUnit.changeRuntime = (data) => ({ ...data, party: 'abcd' }); }, 'binding-mismatch');
refuses('runtime data whose wrapping key has another key\'s id', (w) => {
    w.platformUnit.changeRuntime = (data) => ({ ...data, keys: [{ ...data.keys[0], kid: data.keys[1].kid }, data.keys[1]] });
}, 'binding-mismatch');
refuses('a wrapping key shorter than RSA-3072', async (w) => {
    const pair = await crypto.subtle.generateKey({ name: 'RSA-OAEP', modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-256' }, true, ['encrypt', 'decrypt']);
    const { n } = await crypto.subtle.exportKey('jwk', pair.publicKey);
    const kid = await rsaThumbprint(n, 'AQAB');
    w.platformUnit.changeRuntime = (data) => ({ ...data, keys: [{ ...data.keys[0], n, kid }, data.keys[1]] });
}, 'binding-mismatch');
refuses('AC-013 a revoked intermediate', async (w) => {
    const document = await w.platformUnit.document();
    w.answers.evidence = { ...document, collateral: { ...document.collateral, crl: toBase64URL(await w.list([7])) } };
}, 'certificate-revoked');
refuses('AC-003 a root that is not pinned', (w) => { w.configurationChanges = { evidenceRoots: [{ kind: 'ark-milan', pin: w.pins.issuer, simulated: true }] }; }, 'untrusted-root');

// The token
refuses('AC-027 a token by a key that the issuer does not publish', (w) => { w.answers.certs = { keys: [] }; }, 'token-key-unknown');
refuses('AC-035 an issuer whose key is not pinned', (w) => { w.configurationChanges = { attestation: [{ url: 'https://attestation.example', pins: [w.pins.platform] }] }; }, 'issuer-keys-untrusted');
refuses('an issuer that the policy does not name', (w) => { w.policyChanges = { issuers: [{ url: 'https://other.example', pins: [w.pins.issuer], simulated: true }] }; }, 'quorum-not-met');
refuses('AC-035 a leaf that the pinned issuer did not sign', async (w) => {
    const other = await newKey('P-256');
    const forged = await certificate({ subject: 'x', key: other, issuer: 'issuer', signer: other, notBefore: now - day, notAfter: now + day });
    w.answers.certs = { keys: [{ kid: 'kid+/=', x5c: [Buffer.from(forged).toString('base64'), w.x5c[1]] }] };
}, 'issuer-keys-untrusted');
refuses('a leaf that has expired', async (w) => {
    const expired = await certificate({ subject: 'x', key: w.leaf, issuer: 'issuer', signer: w.issuer, notBefore: now - 2 * day, notAfter: now - day });
    w.answers.certs = { keys: [{ kid: 'kid+/=', x5c: [Buffer.from(expired).toString('base64'), w.x5c[1]] }] };
}, 'issuer-keys-untrusted');
refuses('certificates that are only a leaf', (w) => { w.answers.certs = { keys: [{ kid: 'kid+/=', x5c: w.x5c.slice(0, 1) }] }; }, 'issuer-keys-untrusted');
refuses('AC-028 a token of another issuer', (w) => { w.tokenChanges = { iss: 'https://other.example' }; }, 'token-issuer');
refuses('AC-029 a token that has expired', (w) => { w.tokenChanges = { exp: now - 100 }; }, 'token-time');
refuses('a token from the future', (w) => { w.tokenChanges = { nbf: now + 1000 }; }, 'token-time');
refuses('a token that is older than an hour', (w) => { w.tokenChanges = { iat: now - 3700 }; }, 'token-time');
refuses('AC-039 a simulated token where the policy wants hardware', (w) => { w.policyChanges = { issuers: [{ url: 'https://attestation.example', pins: [w.pins.issuer], simulated: false }] }; }, 'grade-insufficient');
refuses('a token that calls a simulated TEE hardware', (w) => { w.tokenChanges = { 'x-cloister-grade': 'hardware' }; }, 'grade-insufficient');
refuses('a token over other report data', (w) => { w.tokenChanges = { 'x-ms-sevsnpvm-reportdata': '00'.repeat(64) }; }, 'binding-mismatch');
refuses('a token about a unit that can be debugged', (w) => { w.tokenChanges = { 'x-ms-sevsnpvm-is-debuggable': true }; }, 'debug-enabled');
refuses('a token whose debug claim is a string', (w) => { w.tokenChanges = { 'x-ms-sevsnpvm-is-debuggable': 'false' }; }, 'debug-enabled');
refuses('a token with other host data', (w) => { w.tokenChanges = { 'x-ms-sevsnpvm-hostdata': '00'.repeat(32) }; }, 'config-mismatch');
refuses('a token about another unit', async (w) => { w.answers.token = await w.diagnosticsUnit.token(await w.diagnosticsUnit.runtimeData()); }, 'token-not-bound');
refuses('a token with a changed payload', async (w) => {
    const parts = (await w.platformUnit.token(await w.platformUnit.runtimeData())).split('.');
    w.answers.token = [parts[0], toBase64URL(new TextEncoder().encode('{}')), parts[2]].join('.');
}, 'token-signature');
refuses('AC-026 a token that says it needs no signature', async (w) => {
    const token = await w.platformUnit.token(await w.platformUnit.runtimeData());
    w.answers.token = `${toBase64URL(new TextEncoder().encode('{"alg":"none","kid":"kid+/="}'))}.${token.split('.')[1]}.`;
}, 'token-algorithm');
refuses('AC-026 a token whose algorithm is not that of its key', async (w) => {
    const token = await w.platformUnit.token(await w.platformUnit.runtimeData());
    w.answers.token = [toBase64URL(new TextEncoder().encode('{"alg":"RS256","kid":"kid+/="}')), ...token.split('.').slice(1)].join('.');
}, 'token-algorithm');
refuses('a token with critical extensions', (w) => { w.tokenHeader = { crit: ['exp'] }; }, 'token-malformed');
refuses('a token of an unknown grade', (w) => { w.tokenChanges = { 'x-cloister-grade': 'golden' }; }, 'token-malformed');
refuses('a token about another kind of TEE', (w) => { w.tokenChanges = { 'x-ms-attestation-type': 'tdxvm' }; }, 'token-malformed');
refuses('a token without runtime data', (w) => { w.tokenChanges = { 'x-ms-runtime': undefined }; }, 'binding-mismatch');
refuses('a token that says nothing about host data', (w) => { w.tokenChanges = { 'x-ms-sevsnpvm-hostdata': undefined }; }, 'config-mismatch');
refuses('a token larger than 64 KiB', (w) => { w.tokenChanges = { padding: 'x'.repeat(65536) }; }, 'token-malformed');
refuses('something that is no token', (w) => { w.answers.token = 'abc'; }, 'token-malformed');

// The release
refuses('AC-006 a program that no release describes', (w) => {
    w.platformUnit.measurement = new Uint8Array(48).fill(99);
}, 'measurement-unknown');
refuses('a token that claims another measurement than the evidence', (w) => { w.tokenChanges = { 'x-ms-sevsnpvm-launchmeasurement': 'ff'.repeat(48) }; }, 'measurement-unknown');
refuses('a manifest without claims to compare', (w) => { w.manifestChanges = { measurements: [{ claims: {}, grade: 'simulated', runtime: 'simulated', tee: 'snp' }] }; }, 'measurement-unknown');
refuses('a manifest whose entry is for hardware', (w) => {
    w.manifestChanges = { measurements: [{ claims: { 'x-ms-sevsnpvm-launchmeasurement': '10'.repeat(48) }, grade: 'hardware', runtime: 'aci', tee: 'snp' }] };
}, 'measurement-unknown');
refuses('AC-009 a release that is older than the policy accepts', (w) => { w.signerChanges = { leastSequence: 13 }; }, 'svn-too-low');
refuses('AC-007 a withdrawn release', (w) => { w.signerChanges = { withdrawn: [12] }; }, 'measurement-revoked');
refuses('a manifest by a key that the policy does not name', async (w) => { w.releaseSigner = await newKey('P-256'); }, 'endorsement-invalid');
refuses('a manifest by the other vendor', (w) => { w.releaseSigner = w.providerRelease; }, 'endorsement-invalid');
refuses('a manifest of another unit', (w) => { w.manifestChanges = { unit: 'diagnostics' }; }, 'endorsement-invalid');
refuses('a manifest with an unknown member', (w) => { w.manifestChanges = { extra: 1 }; }, 'endorsement-invalid');

// The policy
refuses('a policy by another party', async (w) => { w.policySigner = await newKey('P-256'); }, 'endorsement-invalid');
refuses('a policy that has ended', (w) => { w.policyChanges = { notBefore: now - 10 * day, notAfter: now - 1 }; }, 'endorsement-invalid');
refuses('a policy that has not begun', (w) => { w.policyChanges = { notBefore: now + 1000 }; }, 'endorsement-invalid');
refuses('a policy that is valid for more than 90 days', (w) => { w.policyChanges = { notAfter: now + 91 * day }; }, 'endorsement-invalid');
refuses('a policy with another format', (w) => { w.policyChanges = { format: 'cloister-party-policy/2' }; }, 'endorsement-invalid');
refuses('a policy that names another party', (w) => { w.policyChanges = { party: w.pins.platform }; }, 'endorsement-invalid');
refuses('a policy that wants no issuer', (w) => { w.policyChanges = { threshold: 0 }; }, 'endorsement-invalid');
refuses('a policy that wants more issuers than it names', (w) => { w.policyChanges = { threshold: 2 }; }, 'endorsement-invalid');
refuses('a policy with an issuer without pins', (w) => { w.policyChanges = { issuers: [{ url: 'https://attestation.example', pins: [], simulated: true }] }; }, 'endorsement-invalid');
refuses('a policy with an unknown member', (w) => { w.policyChanges = { extra: true }; }, 'endorsement-invalid');

test('a policy whose payload is not in canonical form is refused', async () => {
    world.reset();
    const header = { typ: 'cloister-party-policy+jwt', jwk: await jwkOf(world.hospital) };
    const payload = JSON.parse(Buffer.from((await world.policy()).split('.')[1], 'base64url').toString());
    const spaced = await jws(world.hospital, header, new TextEncoder().encode(JSON.stringify(payload, null, 1)));
    world.policy = async () => spaced;
    await assert.rejects(world.verify(), refused('endorsement-invalid'));
    delete (/** @type {any} */ (world)).policy;
});

test('a policy whose header has an unknown member is refused', async () => {
    world.reset();
    const payload = JSON.parse(Buffer.from((await world.policy()).split('.')[1], 'base64url').toString());
    const crit = await jws(world.hospital, { typ: 'cloister-party-policy+jwt', jwk: await jwkOf(world.hospital), crit: ['b64'] }, payload);
    world.policy = async () => crit;
    await assert.rejects(world.verify(), refused('endorsement-invalid'));
    delete (/** @type {any} */ (world)).policy;
});

/** A storage like the browser's. */
function storage() {
    const map = new Map();
    return /** @type {any} */ ({ getItem: (/** @type {string} */ name) => map.get(name) ?? null, setItem: (/** @type {string} */ name, /** @type {string} */ value) => map.set(name, value) });
}

test('a lower sequence than the browser remembers is refused, a higher one is remembered', async () => {
    world.reset();
    const kept = storage();
    await world.verifier(new Memory(kept)).verifier.verify();
    world.policyChanges = { sequence: 2 };
    await assert.rejects(world.verifier(new Memory(kept)).verifier.verify(), refused('endorsement-invalid'));
    world.reset();
    world.manifestChanges = { sequence: 11 };
    await assert.rejects(world.verifier(new Memory(kept)).verifier.verify(), refused('endorsement-invalid'));
    world.manifestChanges = { sequence: 13 };
    await world.verifier(new Memory(kept)).verifier.verify();
    assert.equal(new Memory(kept).sequences[`release ${world.pins.platform}/medical-platform`], 13);
    world.reset();
});

test('a changed pin is noticed, a first visit is not', async () => {
    world.reset();
    const kept = storage();
    assert.deepEqual(new Memory(kept).changes(world.configuration()), []);
    await world.verifier(new Memory(kept)).verifier.verify();
    assert.deepEqual(new Memory(kept).changes(world.configuration()), []);
    world.configurationChanges = { party: world.pins.platform };
    assert.deepEqual(new Memory(kept).changes(world.configuration()).map((/** @type {any} */ change) => change.what), ['party']);
    world.configurationChanges = { evidenceRoots: [{ kind: 'ark-milan', pin: world.pins.ark, simulated: false }] };
    assert.deepEqual(new Memory(kept).changes(world.configuration()).map((/** @type {any} */ change) => change.what), ['evidence roots']);
    world.reset();
});

for (const [changes, why] of /** @type {[object, string][]} */ ([
    [{ format: 'cloister-portal/2' }, 'another version'], [{ extra: 1 }, 'an unknown member'], [{ party: 'short' }, 'a party that is not a digest'],
    [{ policy: '../policy.jws' }, 'a policy elsewhere'], [{ platform: { party: 'A'.repeat(43), url: 'http://platform.example' } }, 'a platform without TLS'],
    [{ platform: { party: 'A'.repeat(43), url: 'https://platform.example/path' } }, 'a platform with a path'], [{ attestation: [] }, 'no attestation service'], [{ evidenceRoots: [] }, 'no root'],
    [{ evidenceRoots: [{ kind: 'nitro', pin: 'A'.repeat(43), simulated: false }] }, 'a root of an unknown kind'],
])) {
    test(`a configuration with ${why} stops the portal`, () => {
        world.reset();
        world.configurationChanges = changes;
        assert.throws(() => world.configuration(), refused('insecure-configuration'));
        world.reset();
    });
}

test('a configuration with a name twice stops the portal', () => {
    assert.throws(() => new Configuration(new TextEncoder().encode('{"format":"cloister-portal/1","format":"cloister-portal/1"}')), refused('insecure-configuration'));
});

/** A channel to a unit that answers as told. @param {((url: string, init: any) => Promise<Response> | Response)[]} answers */
function channelTo(answers) {
    world.reset();
    const { configuration, transport, verifier } = world.verifier();
    const original = transport.fetcher;
    /** @type {string[]} */
    const bodies = [];
    transport.fetcher = async (/** @type {any} */ url, /** @type {any} */ init) => {
        if (!String(url).includes('/channel/')) return original(url, init);
        bodies.push(Buffer.from(init.body).toString('base64'));
        return /** @type {any} */ (answers.shift())(String(url), init);
    };
    let verifications = 0;
    const channel = new Channel({ configuration, transport, clock: () => now + 5, verify: () => {
        verifications += 1;
        return verifier.verify();
    } });
    return { channel, transport, bodies, verifications: () => verifications };
}
const request = { method: 'POST', path: '/patients', purpose: 'patient record', json: { family: 'Canary-Quince' }, session: 'secret-session', idempotencyKey: 'key' };

test('AC-135 a request before verification verifies first, and what leaves is sealed', async () => {
    const { channel, transport, bodies } = channelTo([() => new Response('', { status: 503 })]);
    await assert.rejects(channel.send(request), refused('not-ready'));
    assert.equal(bodies.length, 1);
    const sent = transport.ledger.map((/** @type {any} */ entry) => entry.purpose);
    assert.deepEqual(sent.slice(-1), ['patient record']);
    assert.ok(sent.indexOf('appraisal of the evidence') < sent.indexOf('patient record'));
    for (const secret of ['Canary-Quince', 'secret-session', '/patients', world.pins.hospital]) {
        assert.ok(!Buffer.from(bodies[0], 'base64').includes(secret));
    }
    assert.equal(transport.ledger.filter((/** @type {any} */ entry) => entry.sealed).length, 1);
});

test('AC-135 when verification fails, nothing is sealed and nothing leaves', async () => {
    const { channel, transport, bodies } = channelTo([]);
    world.platformUnit.policyBits |= 1n << 19n;
    await assert.rejects(channel.send(request), refused('debug-enabled'));
    assert.equal(bodies.length, 0);
    assert.ok(transport.ledger.every((/** @type {any} */ entry) => !entry.sealed));
    world.reset();
});

test('AC-047 a 401 makes the page verify again and seal anew, once', async () => {
    const unauthorised = () => new Response('{}', { status: 401 });
    const { channel, bodies, verifications } = channelTo([unauthorised, unauthorised]);
    await assert.rejects(channel.send(request), refused('reattestation-required'));
    assert.equal(bodies.length, 2);
    assert.notEqual(bodies[0], bodies[1]);
    assert.equal(verifications(), 2);
});

test('the outer request names only the key and carries no credential', async () => {
    /** @type {any} */
    let seen;
    const { channel } = channelTo([(url, init) => {
        seen = { url, init };
        return new Response('', { status: 429 });
    }]);
    await assert.rejects(channel.send(request), refused('too-many'));
    assert.equal(seen.url, `https://platform.example/channel/${world.platformUnit.keyName}`);
    assert.deepEqual(seen.init.headers, { 'Content-Type': 'message/ohttp-req' });
    assert.equal(seen.init.credentials, 'omit');
    assert.equal(seen.init.referrerPolicy, 'no-referrer');
    assert.equal(seen.init.redirect, 'error');
});

test('an answer outside the encapsulation is never an application result', async () => {
    const { channel } = channelTo([() => new Response('{"session":"forged"}', { status: 200, headers: { 'content-type': 'application/json' } })]);
    await assert.rejects(channel.send(request), refused('record-authentication'));
    const again = channelTo([() => new Response(new Uint8Array(200), { status: 200, headers: { 'content-type': 'message/ohttp-res' } })]);
    await assert.rejects(again.channel.send(request), refused('record-authentication'));
});
