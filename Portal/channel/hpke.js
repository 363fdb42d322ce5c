import { concat, utf8 } from '../encoding/bytes.js';

/**
 * HPKE (RFC 9180), base mode, sender's side, with HKDF-SHA256 and AES-GCM.
 *
 * WebCrypto's HKDF fuses extract and expand, so both are made of HMAC here.
 *
 * @typedef {{ id: number, publicKeyLength: number, encLength: number,
 *   encapsulate(publicKey: Uint8Array): Promise<{ secret: Uint8Array, enc: Uint8Array }> }} KEM
 * @typedef {{ id: number, keyLength: number }} AEAD
 */

const version = utf8('HPKE-v1');
const kdfID = 1;

/** @param {number} value */
const u16 = (value) => Uint8Array.of(value >> 8, value & 0xff);

/** @param {Uint8Array} key @param {Uint8Array} message */
async function hmac(key, message) {
    // An empty key is the same as one of zeros (RFC 2104), and WebCrypto refuses an empty one.
    const raw = key.length === 0 ? new Uint8Array(32) : key;
    const imported = await crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
    return new Uint8Array(await crypto.subtle.sign('HMAC', imported, message));
}

/** HKDF-Extract (RFC 5869). @param {Uint8Array} salt @param {Uint8Array} secret */
export const extract = (salt, secret) => hmac(salt, secret);

/** HKDF-Expand (RFC 5869). @param {Uint8Array} key @param {Uint8Array} info @param {number} length */
export async function expand(key, info, length) {
    let block = new Uint8Array();
    let output = new Uint8Array();
    for (let i = 1; output.length < length; i += 1) {
        block = await hmac(key, concat(block, info, Uint8Array.of(i)));
        output = concat(output, block);
    }
    return output.subarray(0, length);
}

/** @param {Uint8Array} suite @param {Uint8Array} salt @param {string} label @param {Uint8Array} secret */
export const labeledExtract = (suite, salt, label, secret) => extract(salt, concat(version, suite, utf8(label), secret));

/** @param {Uint8Array} suite @param {Uint8Array} key @param {string} label @param {Uint8Array} info @param {number} length */
export const labeledExpand = (suite, key, label, info, length) =>
    expand(key, concat(u16(length), version, suite, utf8(label), info), length);

/**
 * DHKEM over a curve of WebCrypto (RFC 9180 §4.1). The ephemeral key can be given, for published vectors only.
 *
 * @param {{ id: number, publicKeyLength: number, algorithm: object, public: object }} curve
 * @param {CryptoKeyPair} [ephemeral]
 * @returns {KEM}
 */
export function dhkem(curve, ephemeral) {
    const suite = concat(utf8('KEM'), u16(curve.id));
    const algorithm = /** @type {any} */ (curve.algorithm);
    return {
        id: curve.id, publicKeyLength: curve.publicKeyLength, encLength: curve.publicKeyLength,
        async encapsulate(publicKey) {
            const own = ephemeral ?? (await crypto.subtle.generateKey(algorithm, true, ['deriveBits']));
            const enc = new Uint8Array(await crypto.subtle.exportKey('raw', own.publicKey));
            const theirs = await crypto.subtle.importKey('raw', publicKey, algorithm, false, []);
            const shared = new Uint8Array(await crypto.subtle.deriveBits({ .../** @type {any} */ (curve.public), public: theirs }, own.privateKey, 256));
            const key = await labeledExtract(suite, new Uint8Array(), 'eae_prk', shared);
            return { enc, secret: await labeledExpand(suite, key, 'shared_secret', concat(enc, publicKey), 32) };
        },
    };
}

export const p256 = { id: 0x0010, publicKeyLength: 65, algorithm: { name: 'ECDH', namedCurve: 'P-256' }, public: { name: 'ECDH' } };

/** One sender's context. Each seals one message, so the sequence number stays zero. */
export class Sender {
    /** @param {KEM} kem @param {AEAD} aead @param {Uint8Array} publicKey @param {Uint8Array} info */
    static async setup(kem, aead, publicKey, info) {
        const suite = concat(utf8('HPKE'), u16(kem.id), u16(kdfID), u16(aead.id));
        const { secret: shared, enc } = await kem.encapsulate(publicKey);
        const empty = new Uint8Array();
        const context = concat(
            Uint8Array.of(0),
            await labeledExtract(suite, empty, 'psk_id_hash', empty),
            await labeledExtract(suite, empty, 'info_hash', info),
        );
        const secret = await labeledExtract(suite, shared, 'secret', empty);
        return new Sender(enc, suite,
            await labeledExpand(suite, secret, 'key', context, aead.keyLength),
            await labeledExpand(suite, secret, 'base_nonce', context, 12),
            await labeledExpand(suite, secret, 'exp', context, 32));
    }

    /**
     * @param {Uint8Array} enc
     * @param {Uint8Array} suite
     * @param {Uint8Array} key
     * @param {Uint8Array} nonce
     * @param {Uint8Array} exporter
     */
    constructor(enc, suite, key, nonce, exporter) {
        this.enc = enc;
        this.suite = suite;
        this.key = key;
        this.nonce = nonce;
        this.exporter = exporter;
        this.used = false;
    }

    /** Once only: a second message would need the next nonce. @param {Uint8Array} plaintext @param {Uint8Array} additional */
    async seal(plaintext, additional) {
        if (this.used) throw new Error('an HPKE context seals one message');
        this.used = true;
        const key = await crypto.subtle.importKey('raw', this.key, 'AES-GCM', false, ['encrypt']);
        return new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv: this.nonce, additionalData: additional }, key, plaintext));
    }

    /** @param {Uint8Array} context @param {number} length */
    export(context, length) {
        return labeledExpand(this.suite, this.exporter, 'sec', context, length);
    }
}
