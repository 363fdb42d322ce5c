import { concat, utf8 } from '../encoding/bytes.js';
import { Refusal, require } from '../encoding/refusal.js';
import { Sender, expand, extract } from './hpke.js';

/** @param {number} value */
const u16 = (value) => Uint8Array.of(value >> 8, value & 0xff);

/**
 * Encapsulates a request (RFC 9458 §4.3).
 *
 * @param {Uint8Array} message a Binary HTTP request
 * @param {import('./suites.js').Suite} suite
 * @param {Uint8Array} publicKey
 * @returns {Promise<{ body: Uint8Array, exchange: Exchange }>}
 */
export async function sealRequest(message, suite, publicKey) {
    const header = concat(Uint8Array.of(suite.keyID), u16(suite.kem.id), u16(1), u16(suite.aead.id));
    const info = concat(utf8('message/bhttp request'), Uint8Array.of(0), header);
    const sender = await Sender.setup(suite.kem, suite.aead, publicKey, info);
    const sealed = await sender.seal(message, new Uint8Array());
    return { body: concat(header, sender.enc, sealed), exchange: new Exchange(sender, suite.aead.keyLength) };
}

/** The client's half of one exchange: opens its answer (RFC 9458 §4.4). */
export class Exchange {
    /** @param {Sender} sender @param {number} keyLength */
    constructor(sender, keyLength) {
        this.sender = sender;
        this.keyLength = keyLength;
    }

    /** @param {Uint8Array} body */
    async open(body) {
        const nonceLength = Math.max(12, this.keyLength);
        require(body.length >= nonceLength + 16, 'record-authentication', 'the sealed answer is too short');
        const nonce = body.subarray(0, nonceLength);
        const secret = await this.sender.export(utf8('message/bhttp response'), nonceLength);
        const pseudorandom = await extract(concat(this.sender.enc, nonce), secret);
        const key = await crypto.subtle.importKey('raw', await expand(pseudorandom, utf8('key'), this.keyLength), 'AES-GCM', false, ['decrypt']);
        const iv = await expand(pseudorandom, utf8('nonce'), 12);
        try {
            return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, body.subarray(nonceLength)));
        } catch {
            throw new Refusal('record-authentication', 'the sealed answer does not open');
        }
    }
}
