import { text } from '../encoding/bytes.js';
import { Refusal, require } from '../encoding/refusal.js';
import { IssuerKeySet } from './issuer-keys.js';
import { JWS } from './jws.js';
import { P256Key } from './keys.js';

/** The claim by which a service says in its tokens that it publishes what it revoked. */
const claim = 'x-cloister-revocable';
const unavailable = 'revocations-unavailable';
const maximumBytes = 10 << 20;
const maximumTokens = 100000;
/** Seconds: between clocks; that one list may be used; that it is used without asking again. */
const leeway = 60;
const lifetime = 60;
const refresh = 5;

/** @typedef {{ sequence: number, issuedAt: number, expires: number, tokens: Set<string>, before: number, asked: number }} RevocationList */

/** The lists of revoked tokens of the attestation services, asked for on use and used for seconds only. */
export class Revocations {
    /** @param {import('../channel/transport.js').Transport} transport */
    constructor(transport) {
        this.transport = transport;
        /** @type {Map<string, RevocationList>} */
        this.lists = new Map();
    }

    /**
     * Refuses a token that its service revoked, and every token of a service that says that it publishes a list when
     * none can be had.
     *
     * @param {import('./token.js').AttestationToken} token
     * @param {number} time seconds since 1970
     */
    async requireNotRevoked(token, time) {
        if (token.claims[claim] !== true) return;
        const list = await this.list(token.issuer, time);
        const id = token.claims.jti;
        require(typeof id === 'string', 'token-malformed', 'a token that can be revoked has a jti');
        require(!list.tokens.has(id) && token.issuedAt > list.before, 'token-revoked', 'the attestation service revoked the unit\'s token');
    }

    /** @param {import('./token.js').Issuer} issuer @param {number} time */
    async list(issuer, time) {
        const known = this.known(issuer, time);
        if (known !== undefined && time >= known.asked && time - known.asked < refresh) return known;
        try {
            const list = await this.read(issuer, time);
            // Looked up now and not before: another answer may have come meanwhile.
            const held = this.lists.get(issuer.url);
            require(held === undefined || list.sequence >= held.sequence, unavailable, 'the list of revoked tokens is older than one seen before');
            this.lists.set(issuer.url, list);
            return list;
        } catch (error) {
            if (!(error instanceof Refusal)) throw error;
            // What is known is good until it ends by itself, and no longer.
            const latest = this.known(issuer, time);
            if (latest !== undefined) return latest;
            throw new Refusal(unavailable, `the list of revoked tokens cannot be had: ${error.detail}`);
        }
    }

    /** The newest list that was seen, if it is still current. @param {import('./token.js').Issuer} issuer @param {number} time */
    known(issuer, time) {
        const held = this.lists.get(issuer.url);
        return held !== undefined && isCurrent(held, time) ? held : undefined;
    }

    /** @param {import('./token.js').Issuer} issuer @param {number} time @returns {Promise<RevocationList>} */
    async read(issuer, time) {
        const [certificates, answer] = await Promise.all([
            this.transport.send({ url: `${issuer.url}/certs`, purpose: 'keys of the attestation service', maximumBytes: 1 << 20 }),
            this.transport.send({ url: `${issuer.url}/revocations`, purpose: 'revoked tokens of the attestation service', maximumBytes }),
        ]);
        require(certificates.status === 200 && answer.status === 200, unavailable, 'the attestation service gives no list of revoked tokens');
        const jws = new JWS(asciiOf(answer.body), maximumBytes, unavailable, 'revocation list');
        const kid = jws.header.string('kid');
        const members = jws.document('cloister-revocations+jwt', 'kid');
        const { certificate } = await new IssuerKeySet(certificates.body).key(kid, issuer.pins, time);
        require(certificate.keyType === 'P-256', unavailable, 'the revocation list is not signed with ES256');
        await jws.requireSignature(P256Key.fromSPKI(certificate.spki, unavailable));
        members.exactly('format', 'cloister-revocations/1');
        members.exactly('iss', issuer.url);
        const list = {
            issuedAt: members.integer('iat'), expires: members.integer('exp'), sequence: members.integer('sequence'),
            tokens: new Set(members.strings('tokens', maximumTokens)), before: members.has('before') ? members.integer('before') : 0, asked: time,
        };
        members.end();
        require(list.expires - list.issuedAt <= lifetime && isCurrent(list, time), unavailable, 'the revocation list is not current');
        return list;
    }
}

/** @param {{ issuedAt: number, expires: number }} list @param {number} time */
function isCurrent(list, time) {
    return list.issuedAt - leeway <= time && time < list.expires + leeway;
}

/** @param {Uint8Array} bytes */
function asciiOf(bytes) {
    try {
        return text(bytes);
    } catch {
        throw new Refusal(unavailable, 'the revocation list is not text');
    }
}
