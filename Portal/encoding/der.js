import { Reader } from './bytes.js';
import { fromBase64 } from './base64.js';
import { Refusal } from './refusal.js';

/**
 * One DER element (X.690). Only single-byte tags and definite lengths in their shortest form are read, which is all
 * that certificates and revocation lists use.
 */
export class Element {
    /**
     * @param {number} tag
     * @param {Uint8Array} content
     * @param {Uint8Array} bytes the whole element, as it stands in its parent
     * @param {string} code
     * @param {string} what
     */
    constructor(tag, content, bytes, code, what) {
        this.tag = tag;
        this.content = content;
        this.bytes = bytes;
        this.code = code;
        this.what = what;
    }

    /** @param {string} problem @returns {never} */
    fail(problem) {
        throw new Refusal(this.code, `${this.what}: ${problem}`);
    }

    /** Exactly one element. @param {Uint8Array} bytes @param {string} code @param {string} what */
    static parse(bytes, code, what) {
        const reader = new Reader(bytes, code, what);
        const element = Element.read(reader);
        reader.end();
        return element;
    }

    /** @param {Reader} reader */
    static read(reader) {
        const start = reader.offset;
        const tag = reader.u8();
        if ((tag & 0x1f) === 0x1f) reader.fail('uses a multi-byte tag');
        let length = reader.u8();
        if (length >= 0x80) {
            const count = length & 0x7f;
            if (count === 0 || count > 3) reader.fail('has an indefinite or huge length');
            length = reader.take(count).reduce((sum, byte) => sum * 256 + byte, 0);
            if (length < 0x80 || length < 256 ** (count - 1)) reader.fail('has a length that is not the shortest');
        }
        const content = reader.take(length);
        return new Element(tag, content, reader.bytes.subarray(start, reader.offset), reader.code, reader.what);
    }

    /** @param {number} tag */
    expect(tag) {
        if (this.tag !== tag) this.fail('has an element of another type than expected');
        return this;
    }

    /** @param {number} [tag] of this element, a constructed one */
    children(tag) {
        if (tag !== undefined) this.expect(tag);
        const reader = new Reader(this.content, this.code, this.what);
        /** @type {Element[]} */
        const elements = [];
        while (reader.remaining > 0) {
            if (elements.length >= 8192) this.fail('has too many elements');
            elements.push(Element.read(reader));
        }
        return elements;
    }

    /** A non-negative INTEGER that fits in 32 bits. */
    integer() {
        const bytes = this.integerBytes();
        if (bytes.length > 4) this.fail('has an integer that is too large');
        return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
    }

    /** A non-negative INTEGER as big-endian bytes without leading zeros (zero is empty). */
    integerBytes() {
        this.expect(tags.integer);
        if (this.content.length === 0 || this.content[0] >= 0x80) this.fail('has a negative or empty integer');
        let from = 0;
        while (from < this.content.length && this.content[from] === 0) from += 1;
        return this.content.subarray(from);
    }

    /** A BIT STRING of whole bytes. */
    bits() {
        this.expect(tags.bitString);
        if (this.content[0] !== 0) this.fail('has a bit string that is not whole bytes');
        return this.content.subarray(1);
    }

    /** An OBJECT IDENTIFIER in dotted form. */
    oid() {
        this.expect(tags.oid);
        const arcs = [];
        let arc = 0;
        for (const byte of this.content) {
            arc = arc * 128 + (byte & 0x7f);
            if (arc > Number.MAX_SAFE_INTEGER / 128) this.fail('has an object identifier that is too large');
            if (byte < 0x80) {
                if (arcs.length === 0) arcs.push(Math.min(2, Math.floor(arc / 40)), arc - 40 * Math.min(2, Math.floor(arc / 40)));
                else arcs.push(arc);
                arc = 0;
            }
        }
        return arcs.join('.');
    }

    /** Seconds since 1970, of a UTCTime or GeneralizedTime in the forms of RFC 5280 §4.1.2.5. */
    time() {
        const text = String.fromCharCode(...this.content);
        const form = this.tag === tags.utcTime ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
        if (this.tag !== tags.utcTime) this.expect(tags.generalizedTime);
        const parts = form.exec(text)?.slice(1).map(Number);
        if (parts === undefined) return this.fail('has a malformed time');
        if (this.tag === tags.utcTime) parts[0] += parts[0] < 50 ? 2000 : 1900;
        const [year, month, day, hour, minute, second] = parts;
        return Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
    }
}

export const tags = {
    boolean: 0x01, integer: 0x02, bitString: 0x03, octetString: 0x04, oid: 0x06, enumerated: 0x0a,
    utcTime: 0x17, generalizedTime: 0x18, sequence: 0x30, set: 0x31,
    /** @param {number} n */
    context: (n) => 0xa0 + n,
};

/**
 * An ECDSA signature in DER (SEQUENCE of r and s) as the fixed-width R ‖ S that WebCrypto takes.
 *
 * @param {Uint8Array} der
 * @param {number} width bytes of one coordinate
 * @param {string} code
 */
export function fixedWidthSignature(der, width, code) {
    const [r, s, ...more] = Element.parse(der, code, 'ECDSA signature').children(tags.sequence);
    if (r === undefined || s === undefined || more.length > 0) throw new Refusal(code, 'ECDSA signature: not two integers');
    const fixed = new Uint8Array(2 * width);
    for (const [i, bytes] of [r.integerBytes(), s.integerBytes()].entries()) {
        if (bytes.length > width) throw new Refusal(code, 'ECDSA signature: an integer is too large');
        fixed.set(bytes, (i + 1) * width - bytes.length);
    }
    return fixed;
}

/**
 * The DER bytes of every certificate in PEM text (RFC 7468), in their order.
 *
 * @param {string} pem
 * @param {string} code
 * @param {string} what
 */
export function certificatesOfPEM(pem, code, what) {
    const blocks = [...pem.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----/g)];
    if (blocks.length === 0 || blocks.length > 8) throw new Refusal(code, `${what} holds no certificate, or too many`);
    return blocks.map((block) => fromBase64(block[1].replace(/\s+/g, ''), code, what));
}

