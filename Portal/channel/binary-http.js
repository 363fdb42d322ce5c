import { Reader, concat, isZero, text, utf8 } from '../encoding/bytes.js';
import { Refusal } from '../encoding/refusal.js';

/**
 * Binary HTTP (RFC 9292), known-length form only, all sections present, zero padding to size classes.
 *
 * @typedef {{ method: string, authority: string, path: string, fields: [string, string][], content: Uint8Array }} BinaryRequest
 * @typedef {{ status: number, fields: Map<string, string>, content: Uint8Array }} BinaryResponse
 */

const code = 'record-authentication';

/** A variable-length integer (RFC 9000 §16) in its shortest form. @param {number} value */
function varint(value) {
    if (value < 0x40) return Uint8Array.of(value);
    if (value < 0x4000) return Uint8Array.of(0x40 | (value >> 8), value & 0xff);
    if (value < 0x40000000) return Uint8Array.of(0x80 | (value >>> 24), (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
    throw new Refusal('too-large', 'a message is too large');
}

/** @param {Reader} reader */
function readVarint(reader) {
    const first = reader.u8();
    const more = (1 << (first >> 6)) - 1;
    let value = first & 0x3f;
    for (const byte of reader.take(more)) value = value * 256 + byte;
    if (more > 3 && value < 0x40000000 || more === 3 && value < 0x4000 || more === 1 && value < 0x40) reader.fail('has an integer that is not the shortest');
    if (!Number.isSafeInteger(value)) reader.fail('has an integer that is too large');
    return value;
}

/** @param {Uint8Array} bytes */
const prefixed = (bytes) => concat(varint(bytes.length), bytes);

/** @param {BinaryRequest} request without padding */
export function encodeRequest({ method, authority, path, fields, content }) {
    const section = concat(...fields.flatMap(([name, value]) => [prefixed(utf8(name)), prefixed(utf8(value))]));
    return concat(
        varint(0), ...[method, 'https', authority, path].map((one) => prefixed(utf8(one))),
        prefixed(section), prefixed(content), varint(0),
    );
}

/** The next size class k·2^e with 8 ≤ k ≤ 15, at least 4,096. @param {number} length */
export function sizeClass(length) {
    let unit = 512;
    while (length > 15 * unit) unit *= 2;
    return Math.max(8, Math.ceil(length / unit)) * unit;
}

/** @param {Uint8Array} message */
export function padded(message) {
    const bytes = new Uint8Array(sizeClass(message.length));
    bytes.set(message);
    return bytes;
}

/** @param {Uint8Array} bytes @returns {BinaryResponse} */
export function parseResponse(bytes) {
    const reader = new Reader(bytes, code, 'sealed answer');
    if (readVarint(reader) !== 1) reader.fail('is not a known-length response');
    const status = readVarint(reader);
    if (status < 200 || status > 599) reader.fail('has no final status');
    const section = new Reader(reader.take(readVarint(reader)), code, 'fields of the sealed answer');
    /** @type {Map<string, string>} */
    const fields = new Map();
    while (section.remaining > 0) {
        const name = ascii(section.take(readVarint(section)), section);
        const value = ascii(section.take(readVarint(section)), section);
        if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) || fields.has(name)) section.fail('has a field with a bad or repeated name');
        if (/[\r\n\0]/.test(value)) section.fail('has a field with a bad value');
        fields.set(name, value);
    }
    const content = reader.take(readVarint(reader));
    if (readVarint(reader) !== 0) reader.fail('has trailers');
    if (!isZero(reader.rest())) reader.fail('has padding that is not zero');
    return { status, fields, content };
}

/** @param {Uint8Array} bytes @param {Reader} reader */
function ascii(bytes, reader) {
    try {
        return text(bytes);
    } catch {
        return reader.fail('has a field that is not text');
    }
}
