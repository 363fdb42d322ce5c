import { fromBase64 } from '../encoding/base64.js';
import { Members, parse } from '../encoding/json.js';
import { Refusal, require } from '../encoding/refusal.js';
import { Certificate } from './certificate.js';

/** @typedef {{ certificate: Certificate, issuerPin: string, kid: string | null }} TokenKey */

/**
 * @param {string[]} x5c leaf, issuer: standard base64 of DER
 * @param {string[]} pins of issuer keys that are trusted
 * @param {number} time seconds since 1970
 * @returns {Promise<{ certificate: Certificate, issuerPin: string }>}
 */
export async function certifiedKey(x5c, pins, time) {
    const code = 'issuer-keys-untrusted';
    require(x5c.length === 2, code, 'the key\'s certificates are not leaf and issuer');
    const [leaf, issuer] = x5c.map((one) => new Certificate(fromBase64(one, code, '"x5c"'), code, 'token certificate'));
    const issuerPin = await issuer.pin();
    require(pins.includes(issuerPin), code, 'the key is certified by an issuer that is not pinned');
    require(await leaf.isSignedBy(issuer), code, 'the key\'s certificate is not signed by its issuer');
    require(leaf.isValid(time), code, 'the key\'s certificate is not valid at this time');
    return { certificate: leaf, issuerPin };
}

/** The key set of an attestation service (`attestation-api.md` section 3.2). Which keys to believe is the caller's pins. */
export class IssuerKeySet {
    /** @param {Uint8Array} bytes answer of `GET /certs` */
    constructor(bytes) {
        const code = 'issuer-keys-untrusted';
        const set = new Members(parse(bytes, code, 'key set'), code, 'key set');
        /** @type {Map<string, string[]>} */
        this.keys = new Map();
        for (const value of set.array('keys', 64)) {
            const key = new Members(value, code, 'key of the key set');
            if (key.has('kid') && key.has('x5c')) this.keys.set(key.string('kid'), key.strings('x5c', 4));
        }
    }

    /** @param {string} kid @param {string[]} pins @param {number} time */
    async key(kid, pins, time) {
        const x5c = this.keys.get(kid);
        if (x5c === undefined) throw new Refusal('token-key-unknown', 'the token names a key that its issuer does not publish');
        return certifiedKey(x5c, pins, time);
    }
}
