import { concat } from '../encoding/bytes.js';
import { fromBase64URL, fromHex, toBase64URL } from '../encoding/base64.js';
import { digest } from '../encoding/digest.js';
import { Members, canonical } from '../encoding/json.js';
import { require } from '../encoding/refusal.js';

/** SubjectPublicKeyInfo of a P-256 key up to its point (RFC 5480). */
const spkiPrefix = fromHex('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'key-invalid', 'SPKI prefix');

/** A P-256 public key from a JWK (RFC 7517). */
export class P256Key {
    /** @param {Uint8Array} x @param {Uint8Array} y */
    constructor(x, y) {
        this.x = x;
        this.y = y;
    }

    /** @param {Members} jwk with `crv`, `kty`, `x`, `y` and perhaps `alg`, `kid`, `use` @returns {P256Key} */
    static fromJWK(jwk) {
        jwk.exactly('kty', 'EC');
        jwk.exactly('crv', 'P-256');
        const x = fromBase64URL(jwk.string('x'), jwk.code, `${jwk.what}, "x"`);
        const y = fromBase64URL(jwk.string('y'), jwk.code, `${jwk.what}, "y"`);
        require(x.length === 32 && y.length === 32, jwk.code, `${jwk.what} has coordinates of the wrong length`);
        for (const name of ['alg', 'kid', 'use']) if (jwk.has(name)) jwk.string(name);
        jwk.end();
        return new P256Key(x, y);
    }

    /** @param {Uint8Array} spki @param {string} code */
    static fromSPKI(spki, code) {
        require(spki.length === spkiPrefix.length + 65 && spkiPrefix.every((byte, i) => spki[i] === byte) && spki[spkiPrefix.length] === 4, code, 'a key is not a P-256 key');
        const point = spki.slice(spkiPrefix.length + 1);
        return new P256Key(point.slice(0, 32), point.slice(32));
    }

    get point() {
        return concat(Uint8Array.of(4), this.x, this.y);
    }

    /** Digest of the SPKI DER: a party id, or a pin. */
    async pin() {
        return digest(concat(spkiPrefix, this.point));
    }

    /** RFC 7638. */
    async thumbprint() {
        return digest(canonical({ crv: 'P-256', kty: 'EC', x: toBase64URL(this.x), y: toBase64URL(this.y) }));
    }

    /** @param {Uint8Array} signature R ‖ S @param {Uint8Array} signed */
    async verifies(signature, signed) {
        if (signature.length !== 64) return false;
        try {
            const key = await crypto.subtle.importKey('raw', this.point, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['verify']);
            return await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, signature, signed);
        } catch {
            return false;
        }
    }
}

/** RFC 7638, of an RSA key. @param {string} n @param {string} e */
export function rsaThumbprint(n, e) {
    return digest(canonical({ e, kty: 'RSA', n }));
}
