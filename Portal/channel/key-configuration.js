import { Reader } from '../encoding/bytes.js';
import { digest } from '../encoding/digest.js';
import { require } from '../encoding/refusal.js';
import { suites } from './suites.js';

const code = 'binding-mismatch';

/** One key configuration of OHTTP (RFC 9458 §3) with a suite of ours. */
export class KeyConfiguration {
    /** @param {Uint8Array} bytes without the length before it */
    static async parse(bytes) {
        const reader = new Reader(bytes, code, 'key configuration');
        const keyID = reader.u8();
        const kem = reader.u16();
        const suite = Object.values(suites).find((one) => one.keyID === keyID && one.kem.id === kem);
        require(suite !== undefined, 'suite-not-allowed', 'a key configuration has a suite that is not ours');
        const publicKey = reader.take(suite.kem.publicKeyLength);
        require(reader.u16() === 4, code, 'a key configuration has other than one pair of algorithms');
        require(reader.u16() === 1 && reader.u16() === suite.aead.id, 'suite-not-allowed', 'a key configuration has algorithms that are not ours');
        reader.end();
        return new KeyConfiguration(suite, publicKey, await digest(bytes));
    }

    /** The list in runtime data: each configuration with two bytes of length before it. @param {Uint8Array} bytes */
    static async parseList(bytes) {
        const reader = new Reader(bytes, code, 'list of key configurations');
        /** @type {KeyConfiguration[]} */
        const list = [];
        while (reader.remaining > 0) {
            require(list.length < 8, code, 'the list of key configurations is too long');
            list.push(await KeyConfiguration.parse(reader.take(reader.u16())));
        }
        require(list.length > 0, code, 'the unit has no key configuration');
        return list;
    }

    /** @param {import('./suites.js').Suite} suite @param {Uint8Array} publicKey @param {string} name */
    constructor(suite, publicKey, name) {
        this.suite = suite;
        this.publicKey = publicKey;
        this.name = name;
    }
}
