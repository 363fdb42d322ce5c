import { fromHex, toHex } from '../encoding/base64.js';
import { utf8 } from '../encoding/bytes.js';
import { digest } from '../encoding/digest.js';
import { Members, canonical, parse } from '../encoding/json.js';
import { require } from '../encoding/refusal.js';
import { JWS } from './jws.js';
import { RuntimeData } from './runtime-data.js';

/**
 * @typedef {{ url: string, pins: string[], simulated: boolean }} Issuer
 * @typedef {{ certificate: import('./certificate.js').Certificate, issuerPin: string }} CertifiedKey
 */

const leeway = 60;
const maximumAge = 3600;
/** @type {Record<string, { key: string, import: object, verify: object }>} */
const algorithms = {
    RS256: { key: 'RSA', import: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, verify: { name: 'RSASSA-PKCS1-v1_5' } },
    ES256: { key: 'P-256', import: { name: 'ECDSA', namedCurve: 'P-256' }, verify: { name: 'ECDSA', hash: 'SHA-256' } },
    ES384: { key: 'P-384', import: { name: 'ECDSA', namedCurve: 'P-384' }, verify: { name: 'ECDSA', hash: 'SHA-384' } },
};
/** @type {Record<string, { tee: string, reportData: string, hostData: string, debug: string }>} */
const types = {
    sevsnpvm: { tee: 'snp', reportData: 'x-ms-sevsnpvm-reportdata', hostData: 'x-ms-sevsnpvm-hostdata', debug: 'x-ms-sevsnpvm-is-debuggable' },
    sgx: { tee: 'sgx', reportData: 'x-ms-sgx-report-data', hostData: 'x-ms-sgx-config-id', debug: 'x-ms-sgx-is-debuggable' },
};

/** An attestation result whose signature, time, grade and binding were checked, in the order of `formats.md` section 3. */
export class AttestationToken {
    /**
     * @param {string} compact
     * @param {Issuer} issuer who must have issued it
     * @param {(kid: string) => Promise<CertifiedKey>} keyFor
     * @param {number} time seconds since 1970
     */
    static async verify(compact, issuer, keyFor, time) {
        const jws = new JWS(compact, 65536, 'token-malformed', 'token');
        const token = new AttestationToken();
        token.compact = compact;
        token.issuer = issuer;

        const name = jws.header.string('alg');
        require(Object.hasOwn(algorithms, name), 'token-algorithm', 'the token is signed with an algorithm that is not allowed');
        require(!jws.header.has('crit'), 'token-malformed', 'the token has critical extensions');
        const algorithm = algorithms[name];
        const { certificate, issuerPin } = await keyFor(jws.header.string('kid'));
        token.issuerPin = issuerPin;
        token.signingPin = await certificate.pin();
        require(certificate.keyType === algorithm.key, 'token-algorithm', 'the token\'s algorithm is not that of its key');
        require(await verifies(certificate.spki, algorithm, jws), 'token-signature', 'the token\'s signature does not verify');

        const claims = new Members(parse(jws.payload, 'token-malformed', 'token'), 'token-malformed', 'token');
        token.claims = claims.object;
        require(claims.string('iss') === issuer.url, 'token-issuer', 'the token names another issuer');
        token.issuedAt = claims.integer('iat');
        token.expires = claims.integer('exp');
        const inTime = claims.integer('nbf') <= time + leeway && token.issuedAt <= time + leeway
            && time < token.expires + leeway && time - token.issuedAt <= maximumAge + leeway;
        require(inTime, 'token-time', 'the token is not valid at this time');

        const grade = claims.has('x-cloister-grade') ? claims.string('x-cloister-grade') : issuer.simulated ? 'simulated' : 'hardware';
        require(grade === 'hardware' || grade === 'simulated', 'token-malformed', 'the token has an unknown grade');
        require(grade === 'hardware' || issuer.simulated, 'grade-insufficient', 'the token is about a simulated TEE, which the policy does not accept');
        token.grade = grade;
        // Null where no floor was given to hold the level against (SEV-SNP).
        const status = claims.has('x-cloister-tcb-status') ? claims.any('x-cloister-tcb-status') : null;
        token.tcbStatus = status === null ? null : claims.string('x-cloister-tcb-status');
        token.validUntil = Math.min(token.expires, token.issuedAt + maximumAge,
            claims.has('x-cloister-valid-until') ? claims.integer('x-cloister-valid-until') : token.expires);

        const type = claims.string('x-ms-attestation-type');
        require(Object.hasOwn(types, type), 'token-malformed', 'the token is about a TEE that is not accepted here');
        const { tee, reportData, hostData, debug } = types[type];
        token.tee = tee;
        require(claims.has('x-ms-runtime'), 'binding-mismatch', 'the token has no runtime data');
        token.runtimeData = await RuntimeData.parse(utf8(canonical(claims.any('x-ms-runtime'))));
        token.runtimeData.requireBoundTo(fromHex(claims.string(reportData), 'binding-mismatch', 'report data claim'));
        require(claims.any(debug) === false, 'debug-enabled', 'the token is about a unit that can be debugged');
        require(claims.has(hostData), 'config-mismatch', 'the token says nothing about host data');
        token.runtimeData.requireHostData(fromHex(claims.string(hostData), 'config-mismatch', 'host data claim'));
        token.digest = await digest(compact);
        return token;
    }

    constructor() {
        this.compact = '';
        /** @type {Issuer} */
        this.issuer = { url: '', pins: [], simulated: false };
        this.issuerPin = '';
        this.signingPin = '';
        /** @type {{ [name: string]: import('../encoding/json.js').JSONValue }} */
        this.claims = {};
        this.issuedAt = 0;
        this.expires = 0;
        this.validUntil = 0;
        /** @type {'hardware' | 'simulated'} */
        this.grade = 'simulated';
        /** @type {string | null} */
        this.tcbStatus = null;
        this.tee = '';
        this.runtimeData = new RuntimeData();
        this.digest = '';
    }

    /** Lower-case hex, for people. */
    get reportHash() {
        return toHex(this.runtimeData.hash);
    }
}

/** @param {Uint8Array} spki @param {{ import: object, verify: object }} algorithm @param {JWS} jws */
async function verifies(spki, algorithm, jws) {
    try {
        const key = await crypto.subtle.importKey('spki', spki, /** @type {any} */ (algorithm.import), false, ['verify']);
        return await crypto.subtle.verify(/** @type {any} */ (algorithm.verify), key, jws.signature, jws.signed);
    } catch {
        return false;
    }
}

/** The issuer that an unverified token names: only to find whose keys to try. @param {string} compact */
export function namedIssuer(compact) {
    const jws = new JWS(compact, 65536, 'token-malformed', 'token');
    return new Members(parse(jws.payload, 'token-malformed', 'token'), 'token-malformed', 'token').string('iss');
}

