import { concat, utf8 } from '../encoding/bytes.js';
import { sha3_256 } from './sha3.js';

/** X-Wing: ML-KEM-768 (FIPS 203) with X25519, as in draft-connolly-cfrg-xwing-kem; code point 0x647a in HPKE. */
const label = utf8('\\.//^\\');
const mlkem = /** @type {any} */ ({ name: 'ML-KEM-768' });
const x25519 = /** @type {any} */ ({ name: 'X25519' });

/**
 * @param {Uint8Array} mlkemSecret @param {Uint8Array} x25519Secret
 * @param {Uint8Array} x25519Ciphertext @param {Uint8Array} x25519PublicKey
 */
export const combine = (mlkemSecret, x25519Secret, x25519Ciphertext, x25519PublicKey) =>
    sha3_256(concat(mlkemSecret, x25519Secret, x25519Ciphertext, x25519PublicKey, label));

/** @type {import('./hpke.js').KEM} */
export const xwing = {
    id: 0x647a, publicKeyLength: 1216, encLength: 1120,
    async encapsulate(publicKey) {
        const subtle = /** @type {any} */ (crypto.subtle);
        const theirMLKEM = await subtle.importKey('raw-public', publicKey.subarray(0, 1184), mlkem, false, ['encapsulateBits']);
        const { sharedKey, ciphertext } = await subtle.encapsulateBits(mlkem, theirMLKEM);
        const theirX25519 = publicKey.slice(1184);
        const own = await subtle.generateKey(x25519, true, ['deriveBits']);
        const enc = new Uint8Array(await subtle.exportKey('raw', own.publicKey));
        const theirs = await subtle.importKey('raw', theirX25519, x25519, false, []);
        const shared = new Uint8Array(await subtle.deriveBits({ name: 'X25519', public: theirs }, own.privateKey, 256));
        return {
            enc: concat(new Uint8Array(ciphertext), enc),
            secret: combine(new Uint8Array(sharedKey), shared, enc, theirX25519),
        };
    },
};

/** Whether this browser can: found out by trying, never by its name. */
export async function canXWing() {
    try {
        const subtle = /** @type {any} */ (crypto.subtle);
        const pair = await subtle.generateKey(mlkem, false, ['encapsulateBits', 'decapsulateBits']);
        await subtle.encapsulateBits(mlkem, pair.publicKey);
        await subtle.generateKey(x25519, false, ['deriveBits']);
        return true;
    } catch {
        return false;
    }
}
