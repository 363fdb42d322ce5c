/** A hospital, a platform, a provider, an attestation service and two units, all in memory, with keys of their own. */
import { portal } from './environment.mjs';
import { certificate, integer, newKey, pem, revocationList } from './certificates.mjs';

const load = (/** @type {string} */ name) => import(`${portal}/${name}`);
const { toBase64URL, toHex, fromBase64URL } = await load('encoding/base64.js');
const { canonical } = await load('encoding/json.js');
const { digest, sha256 } = await load('encoding/digest.js');
const { P256Key } = await load('trust/keys.js');
const { Configuration } = await load('trust/configuration.js');
const { Memory } = await load('trust/memory.js');
const { Transport } = await load('channel/transport.js');
const { Verifier } = await load('trust/verification.js');

export const now = 1_795_300_000;
const day = 86400;
const urls = { platform: 'https://platform.example', attestation: 'https://attestation.example' };
const u16 = (/** @type {number} */ value) => Uint8Array.of(value >> 8, value & 255);
const utf8 = (/** @type {string} */ text) => new TextEncoder().encode(text);
const std64 = (/** @type {Uint8Array} */ bytes) => Buffer.from(bytes).toString('base64');

/** @param {import('./certificates.mjs').Key} key */
export async function jwkOf(key) {
    const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', key.pair.publicKey);
    return { kty, crv, x, y };
}
/** @param {import('./certificates.mjs').Key} key @param {object} header @param {object | Uint8Array} payload */
export async function jws(key, header, payload) {
    const head = toBase64URL(utf8(canonical({ alg: 'ES256', ...header })));
    const body = toBase64URL(payload instanceof Uint8Array ? payload : utf8(canonical(payload)));
    return `${head}.${body}.${toBase64URL(await key.sign(utf8(`${head}.${body}`)))}`;
}

class Unit {
    /** @param {World} world @param {string} role @param {string} party */
    constructor(world, role, party) {
        this.world = world;
        this.role = role;
        this.party = party;
        this.measurement = new Uint8Array(48).fill(role.length);
        this.policyBits = 0x30000n;
        this.hostData = fromBase64URL(party, 'x', 'x');
        this.changeRuntime = (/** @type {any} */ data) => data;
        this.changeReport = (/** @type {Uint8Array} */ _report) => {};
    }

    async start() {
        this.hop = await newKey('P-256');
        const rsa = await crypto.subtle.generateKey({ name: 'RSA-OAEP', modulusLength: 3072, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-256' }, true, ['encrypt', 'decrypt']);
        const { n, e } = await crypto.subtle.exportKey('jwk', rsa.publicKey);
        const wrapping = { e, kty: 'RSA', n };
        this.wrapping = { ...wrapping, kid: await digest(canonical(wrapping)), use: 'enc' };
        this.ecdh = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits']);
        this.point = new Uint8Array(await crypto.subtle.exportKey('raw', this.ecdh.publicKey));
        this.configuration = new Uint8Array(Buffer.concat([Uint8Array.of(2), u16(0x10), this.point, u16(4), u16(1), u16(2)]));
        this.keyName = await digest(this.configuration);
        return this;
    }

    /** @param {string} [nonce] */
    async runtimeData(nonce) {
        const jwk = await jwkOf(this.hop);
        const key = { ...jwk, kid: await P256Key.fromJWK(members(jwk)).thumbprint(), use: 'sig' };
        const data = {
            format: 'cloister-runtime-data/1', keys: [this.wrapping, key], ohttp: toBase64URL(new Uint8Array(Buffer.concat([u16(this.configuration.length), this.configuration]))),
            party: this.party, role: this.role, ...(nonce === undefined ? {} : { nonce }),
        };
        return utf8(canonical(this.changeRuntime(data)));
    }

    /** @param {Uint8Array} runtimeData */
    async report(runtimeData) {
        const { chip, vcek } = this.world;
        const report = new Uint8Array(0x4a0);
        const view = new DataView(report.buffer);
        view.setUint32(0, 3, true);
        view.setBigUint64(8, this.policyBits, true);
        view.setUint32(0x34, 1, true);
        report.set(await sha256(runtimeData), 0x50);
        report.set(this.measurement, 0x90);
        report.set(this.hostData, 0xc0);
        report.set([4, 0, 0, 0, 0, 0, 24, 219], 0x180);
        report.set([0x19, 0x01, 0x01], 0x188);
        report.set(chip, 0x1a0);
        const raw = await vcek.sign(report.subarray(0, 0x2a0));
        report.set(raw.slice(0, 48).reverse(), 0x2a0);
        report.set(raw.slice(48).reverse(), 0x2e8);
        this.changeReport(report);
        return report;
    }

    /** @param {string} [nonce] */
    async document(nonce) {
        const runtimeData = await this.runtimeData(nonce);
        return {
            format: 'cloister-evidence/1', tee: 'snp', evidence: toBase64URL(await this.report(runtimeData)), runtimeData: toBase64URL(runtimeData),
            collateral: { ...this.world.collateral }, manifest: await this.world.manifest(this),
        };
    }

    /** @param {Uint8Array} runtimeData @param {object} [changes] @param {import('./certificates.mjs').Key} [key] of the service */
    async token(runtimeData, changes = {}, key = this.world.leaf) {
        const { world } = this;
        const claims = {
            iss: urls.attestation, iat: now, nbf: now, exp: now + 28800, jti: '00', 'x-ms-ver': '1.0', 'x-ms-attestation-type': 'sevsnpvm',
            'x-cloister-grade': 'simulated', 'x-cloister-tcb-status': 'UpToDate', 'x-cloister-valid-until': now + 20 * day,
            'x-ms-runtime': JSON.parse(new TextDecoder().decode(runtimeData)),
            'x-ms-sevsnpvm-reportdata': toHex(await sha256(runtimeData)) + '00'.repeat(32),
            'x-ms-sevsnpvm-hostdata': toHex(this.hostData), 'x-ms-sevsnpvm-is-debuggable': false,
            'x-ms-sevsnpvm-launchmeasurement': toHex(this.measurement), ...changes,
        };
        const header = { typ: 'JWT', kid: 'kid+/=', jku: 'https://elsewhere.example', ...world.tokenHeader };
        return jws(key, header, Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined)));
    }
}

const { Members } = await load('encoding/json.js');
const members = (/** @type {object} */ value) => new Members(Object.assign(Object.create(null), value), 'x', 'x');

export class World {
    static async make() {
        const world = new World();
        [world.hospital, world.platform, world.provider, world.release, world.providerRelease, world.issuer, world.leaf, world.vcek, world.ark, world.ask] = await Promise.all([
            ...Array.from({ length: 7 }, () => newKey('P-256')), newKey('P-384'), newKey('PSS'), newKey('PSS'),
        ]);
        const pin = (/** @type {import('./certificates.mjs').Key} */ key) => digest(key.spki);
        world.pins = { hospital: await pin(world.hospital), platform: await pin(world.platform), provider: await pin(world.provider), issuer: await pin(world.issuer), ark: await pin(world.ark) };
        world.chip = crypto.getRandomValues(new Uint8Array(64));
        const validity = { notBefore: now - day, notAfter: now + 300 * day };
        const amd = '1.3.6.1.4.1.3704.1.';
        const levels = /** @type {[string, Uint8Array][]} */ ([
            [`${amd}1`, integer(0)], [`${amd}2`, new Uint8Array(Buffer.from('\x16\x08Milan-B0', 'latin1'))], [`${amd}3.1`, integer(4)], [`${amd}3.2`, integer(0)],
            [`${amd}3.3`, integer(24)], [`${amd}3.8`, integer(219)], [`${amd}4`, world.chip],
        ]);
        const ark = await certificate({ subject: 'ARK-Milan', key: world.ark, issuer: 'ARK-Milan', signer: world.ark, authority: true, ...validity });
        const ask = await certificate({ subject: 'SEV-Milan', key: world.ask, issuer: 'ARK-Milan', signer: world.ark, authority: true, serial: 7, ...validity });
        const vcek = await certificate({ subject: 'SEV-VCEK', key: world.vcek, issuer: 'SEV-Milan', signer: world.ask, extensions: levels, serial: 9, ...validity });
        world.collateral = { vek: pem(vcek), chain: pem(ask) + pem(ark), crl: toBase64URL(await world.list([])) };
        const issuer = await certificate({ subject: 'issuer', key: world.issuer, issuer: 'issuer', signer: world.issuer, authority: true, ...validity });
        const leaf = await certificate({ subject: urls.attestation, key: world.leaf, issuer: 'issuer', signer: world.issuer, ...validity });
        world.x5c = [std64(leaf), std64(issuer)];
        world.platformUnit = await new Unit(world, 'medical-platform', world.pins.platform).start();
        world.diagnosticsUnit = await new Unit(world, 'diagnostics', world.pins.provider).start();
        return world;
    }

    constructor() {
        this.policyChanges = {};
        this.manifestChanges = {};
        this.tokenChanges = {};
        this.tokenHeader = {};
        this.signerChanges = {};
        this.configurationChanges = {};
        /** @type {{ url: string, init: any }[]} everything that was sent */
        this.sent = [];
        this.reset();
    }

    reset() {
        this.policyChanges = {};
        this.manifestChanges = {};
        this.tokenChanges = {};
        this.tokenHeader = {};
        this.signerChanges = {};
        this.configurationChanges = {};
        this.sent = [];
        this.answers = {};
        /** @type {Record<string, number>} */
        this.statuses = {};
        /** @type {string | undefined} */
        this.refusal = undefined;
        this.policySigner = undefined;
        this.releaseSigner = undefined;
        /** @type {Map<string, { url: string, pin: string, leaf: import('./certificates.mjs').Key, x5c: string[], changes: object }>} */
        this.services = new Map();
        if (this.platformUnit) {
            Object.assign(this.platformUnit, { measurement: new Uint8Array(48).fill(16), policyBits: 0x30000n, hostData: fromBase64URL(this.pins.platform, 'x', 'x'), changeRuntime: (/** @type {any} */ data) => data, changeReport: () => {} });
        }
    }

    /**
     * Another attestation service, which configuration and policy do not name by themselves.
     *
     * @param {string} url
     * @param {{ issuer?: import('./certificates.mjs').Key, leaf?: import('./certificates.mjs').Key }} [keys]
     */
    async addService(url, { issuer, leaf } = {}) {
        const own = { issuer: issuer ?? await newKey('P-256'), leaf: leaf ?? await newKey('P-256') };
        const validity = { notBefore: now - day, notAfter: now + 300 * day };
        const x5c = [
            await certificate({ subject: url, key: own.leaf, issuer: 'issuer', signer: own.issuer, ...validity }),
            await certificate({ subject: 'issuer', key: own.issuer, issuer: 'issuer', signer: own.issuer, authority: true, ...validity }),
        ].map(std64);
        const service = { url, pin: await digest(own.issuer.spki), leaf: own.leaf, x5c, changes: {} };
        this.services.set(url, service);
        return service;
    }

    /** What a service publishes as revoked. @param {object} [changes] @param {import('./certificates.mjs').Key} [key] */
    revocations(changes = {}, key = this.leaf) {
        return jws(key, { typ: 'cloister-revocations+jwt', kid: 'kid+/=' }, {
            format: 'cloister-revocations/1', iss: urls.attestation, iat: now, exp: now + 60, sequence: 1, tokens: [], ...changes,
        });
    }

    /** @param {number[]} serials */
    list(serials) {
        return revocationList({ issuer: 'ARK-Milan', signer: this.ark, thisUpdate: now - day, nextUpdate: now + 20 * day, serials });
    }

    async signers() {
        const one = (/** @type {object} */ key, /** @type {string} */ unit) => ({ key, leastSequence: 10, unit, withdrawn: [], ...this.signerChanges });
        return [one(await jwkOf(this.release), 'medical-platform'), one(await jwkOf(this.providerRelease), 'diagnostics')];
    }

    async policy() {
        const signer = this.policySigner ?? this.hospital;
        return jws(signer, { typ: 'cloister-party-policy+jwt', jwk: await jwkOf(signer) }, {
            format: 'cloister-party-policy/1', party: this.pins.hospital, sequence: 3, notBefore: now - 100, notAfter: now + 30 * day,
            issuers: [{ url: urls.attestation, pins: [this.pins.issuer], simulated: true }], threshold: 1, keyServices: [],
            releaseSigners: await this.signers(), peers: [{ party: this.pins.provider, role: 'diagnostics' }], fields: ['pixels'], ...this.policyChanges,
        });
    }

    /** @param {Unit} unit */
    async manifest(unit) {
        const key = this.releaseSigner ?? (unit.role === 'diagnostics' ? this.providerRelease : this.release);
        return jws(key, { typ: 'cloister-release+jwt', kid: await digest(key.spki) }, {
            format: 'cloister-release/1', unit: unit.role, version: '0.1.0', build: 'release', commit: 'abc', createdAt: now, sequence: 12,
            file: { name: unit.role, sha256: '00', size: 1 }, libraries: [],
            measurements: [{ claims: { 'x-ms-sevsnpvm-launchmeasurement': toHex(new Uint8Array(48).fill(unit.role.length)) }, grade: 'simulated', runtime: 'simulated', tee: 'snp' }],
            ...this.manifestChanges,
        });
    }

    configuration() {
        return new Configuration(utf8(JSON.stringify({
            format: 'cloister-portal/1', hospital: 'Test', party: this.pins.hospital, policy: 'party-policy.jws', platform: { party: this.pins.platform, url: urls.platform },
            attestation: [{ url: urls.attestation, pins: [this.pins.issuer] }], evidenceRoots: [{ kind: 'ark-milan', pin: this.pins.ark, simulated: true }], languages: ['en'],
            ...this.configurationChanges,
        })));
    }

    /** Answers like the services would. @param {string} url @param {any} init @returns {Promise<Response>} */
    async fetch(url, init) {
        this.sent.push({ url, init });
        const status = Object.entries(this.statuses).find(([part]) => url.includes(part))?.[1];
        if (status !== undefined) return new Response('{}', { status, headers: { 'content-type': 'application/json', ...(this.refusal && { 'cloister-refusal': this.refusal }) } });
        const json = (/** @type {object} */ value, status = 200) => new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json' } });
        if (url.endsWith('party-policy.jws')) return new Response(`${await this.policy()}\n`);
        if (url.startsWith(`${urls.platform}/evidence`)) return json(this.answers.evidence ?? (await this.platformUnit.document(this.answers.nonce ?? new URL(url).searchParams.get('nonce') ?? undefined)));
        if (url === `${urls.attestation}/certs`) return json(this.answers.certs ?? { keys: [{ kid: 'kid+/=', kty: 'EC', x5c: this.x5c }] });
        if (url === `${urls.attestation}/revocations` && this.answers.revocations !== undefined) return new Response(this.answers.revocations);
        for (const service of this.services.values()) {
            if (url === `${service.url}/certs`) return json({ keys: [{ kid: 'kid+/=', kty: 'EC', x5c: service.x5c }] });
            if (url.startsWith(`${service.url}/attest/`)) {
                const data = fromBase64URL(JSON.parse(new TextDecoder().decode(init.body)).runtimeData.data, 'x', 'x');
                return json({ token: await this.platformUnit.token(data, { iss: service.url, ...service.changes }, service.leaf) });
            }
        }
        if (url.startsWith(`${urls.attestation}/attest/`)) {
            const data = fromBase64URL(JSON.parse(new TextDecoder().decode(init.body)).runtimeData.data, 'x', 'x');
            return json({ token: this.answers.token ?? (await this.platformUnit.token(data, this.tokenChanges)) });
        }
        return new Response('', { status: 404 });
    }

    /** @param {InstanceType<typeof Memory>} [memory] */
    verifier(memory = new Memory(null), configuration = this.configuration()) {
        // The page's own address, against which the policy file beside it is found.
        globalThis.location ??= /** @type {any} */ ({ href: 'https://portal.example/' });
        const transport = new Transport((/** @type {any} */ url, /** @type {any} */ init) => this.fetch(String(url), init));
        return { configuration, transport, memory, verifier: new Verifier({ configuration, transport, memory, clock: () => now + 5 }) };
    }

    verify() {
        return this.verifier().verifier.verify();
    }

    /**
     * One diagnosis: the platform's request hop, the diagnostics unit's answer.
     * @param {{ hop?: (hop: any, i: number) => any, header?: (header: any, i: number) => any, passport?: (passport: any) => any, answers?: number }} [changes]
     */
    async passport({ hop = (one) => one, header = (one) => one, passport = (one) => one, answers = 1 } = {}) {
        const units = [this.platformUnit, this.diagnosticsUnit];
        const documents = await Promise.all(units.map((unit) => unit.document()));
        const tokens = await Promise.all(units.map((unit, i) => unit.token(fromBase64URL(documents[i].runtimeData, 'x', 'x'))));
        const random = () => toBase64URL(crypto.getRandomValues(new Uint8Array(32)));
        const sign = async (/** @type {Unit} */ unit, /** @type {any} */ payload) =>
            jws(unit.hop, header({ typ: 'cloister-hop+jwt', kid: await P256Key.fromJWK(members(await jwkOf(unit.hop))).thumbprint() }, units.indexOf(unit)), payload);
        const request = {
            format: 'cloister-hop/1', kind: 'request', iat: now + 10, nonce: random().slice(0, 22).replace(/.$/, 'A'), role: 'medical-platform', party: this.pins.platform,
            token: await digest(tokens[0]), receiver: this.diagnosticsUnit.keyName, enc: random(), suite: 'xwing', request: random(),
        };
        const first = await sign(units[0], hop(request, 0));
        const response = {
            ...request, kind: 'response', iat: now + 11, role: 'diagnostics', party: this.pins.provider, token: await digest(tokens[1]), parent: await digest(first),
            response: random(), model: { name: 'brain-delineation', version: '1', sha256: 'ab' },
        };
        const second = [];
        for (let i = 0; i < answers; i += 1) second.push(await sign(units[1], hop({ ...response, iat: response.iat + i }, 1)));
        return utf8(JSON.stringify(passport({
            format: 'cloister-passport/1', hops: [first, ...second], tokens, issuers: [{ url: urls.attestation, x5c: [this.x5c] }],
            evidence: documents, manifests: documents.map((one) => one.manifest), policies: [await this.policy()],
        })));
    }
}
