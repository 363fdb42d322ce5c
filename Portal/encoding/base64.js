import { Refusal } from './refusal.js';

const urlAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const standardAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** @param {string} alphabet */
function table(alphabet) {
    const values = new Uint8Array(128).fill(255);
    for (let i = 0; i < 64; i += 1) values[alphabet.charCodeAt(i)] = i;
    return values;
}
const urlValues = table(urlAlphabet);
const standardValues = table(standardAlphabet);

/**
 * @param {string} text without padding
 * @param {Uint8Array} values
 * @param {string} code
 * @param {string} what
 */
function decode(text, values, code, what) {
    const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
    if (text.length % 4 === 1) throw new Refusal(code, `${what} has an impossible base64 length`);
    let bits = 0;
    let held = 0;
    let at = 0;
    for (let i = 0; i < text.length; i += 1) {
        const unit = text.charCodeAt(i);
        const value = unit < 128 ? values[unit] : 255;
        if (value === 255) throw new Refusal(code, `${what} has a character outside its base64 alphabet`);
        held = ((held << 6) | value) & 0xffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[at] = (held >> bits) & 0xff;
            at += 1;
        }
    }
    if ((held & ((1 << bits) - 1)) !== 0) throw new Refusal(code, `${what} has non-zero trailing bits`);
    return bytes;
}

/**
 * base64url without padding (RFC 4648 §5). Padding, the other alphabet and trailing bits are refused.
 *
 * @param {unknown} text
 * @param {string} code
 * @param {string} what
 */
export function fromBase64URL(text, code, what) {
    if (typeof text !== 'string') throw new Refusal(code, `${what} is not a string`);
    return decode(text, urlValues, code, what);
}

/**
 * Standard base64 with its padding, as in `x5c` (RFC 7515 §4.1.6) and PEM.
 *
 * @param {unknown} text
 * @param {string} code
 * @param {string} what
 */
export function fromBase64(text, code, what) {
    if (typeof text !== 'string' || text.length % 4 !== 0) throw new Refusal(code, `${what} is not padded base64`);
    return decode(text.replace(/={1,2}$/, ''), standardValues, code, what);
}

/** @param {Uint8Array} bytes */
export function toBase64URL(bytes) {
    let text = '';
    for (let i = 0; i < bytes.length; i += 3) {
        const held = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
        const letters = Math.min(4, Math.ceil(((bytes.length - i) * 4) / 3));
        for (let letter = 0; letter < letters; letter += 1) text += urlAlphabet[(held >> (18 - 6 * letter)) & 63];
    }
    return text;
}

/** Lower case. @param {Uint8Array} bytes */
export function toHex(bytes) {
    let text = '';
    for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
    return text;
}

/**
 * @param {unknown} text either case, even length
 * @param {string} code
 * @param {string} what
 */
export function fromHex(text, code, what) {
    if (typeof text !== 'string' || text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) {
        throw new Refusal(code, `${what} is not hex`);
    }
    return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}
