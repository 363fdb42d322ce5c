import { Refusal } from './refusal.js';

/** @param {...Uint8Array} parts */
export function concat(...parts) {
    const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
        all.set(part, at);
        at += part.length;
    }
    return all;
}

/** @param {Uint8Array} left @param {Uint8Array} right */
export function equal(left, right) {
    if (left.length !== right.length) return false;
    let difference = 0;
    for (let i = 0; i < left.length; i += 1) difference |= left[i] ^ right[i];
    return difference === 0;
}

/** @param {Uint8Array} bytes */
export function isZero(bytes) {
    return bytes.every((byte) => byte === 0);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @param {string} text */
export const utf8 = (text) => encoder.encode(text);

/** Throws `TypeError` when the bytes are not UTF-8. @param {Uint8Array} bytes */
export const text = (bytes) => decoder.decode(bytes);

/** @param {number} length */
export const random = (length) => crypto.getRandomValues(new Uint8Array(length));

/** Reads bounded fields from bytes that a stranger sent. Each read past the end is a refusal with the reader's code. */
export class Reader {
    /**
     * @param {Uint8Array} bytes
     * @param {string} code
     * @param {string} what
     */
    constructor(bytes, code, what) {
        this.bytes = bytes;
        this.code = code;
        this.what = what;
        this.offset = 0;
    }

    /** @param {string} problem @returns {never} */
    fail(problem) {
        throw new Refusal(this.code, `${this.what}: ${problem}`);
    }

    get remaining() {
        return this.bytes.length - this.offset;
    }

    /** @param {number} length */
    take(length) {
        if (!(length >= 0) || length > this.remaining) this.fail('ends too early');
        this.offset += length;
        return this.bytes.subarray(this.offset - length, this.offset);
    }

    u8() {
        return this.take(1)[0];
    }

    /** Big-endian. */
    u16() {
        const bytes = this.take(2);
        return bytes[0] * 256 + bytes[1];
    }

    u16le() {
        const bytes = this.take(2);
        return bytes[0] + bytes[1] * 256;
    }

    u32le() {
        const bytes = this.take(4);
        return bytes[0] + bytes[1] * 0x100 + bytes[2] * 0x10000 + bytes[3] * 0x1000000;
    }

    rest() {
        return this.take(this.remaining);
    }

    end() {
        if (this.remaining !== 0) this.fail('has bytes after its end');
    }
}
