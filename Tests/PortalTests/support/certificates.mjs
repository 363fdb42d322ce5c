/** Writes the few certificates that tests need: WebCrypto signs, and this is the DER around it. */
import './environment.mjs';

const algorithms = {
    'P-256': { generate: { name: 'ECDSA', namedCurve: 'P-256' }, sign: { name: 'ECDSA', hash: 'SHA-256' }, oid: '1.2.840.10045.4.3.2' },
    'P-384': { generate: { name: 'ECDSA', namedCurve: 'P-384' }, sign: { name: 'ECDSA', hash: 'SHA-384' }, oid: '1.2.840.10045.4.3.3' },
    PSS: {
        generate: { name: 'RSA-PSS', modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-384' },
        sign: { name: 'RSA-PSS', saltLength: 48 }, oid: '1.2.840.113549.1.1.10',
    },
};

/** @param {keyof typeof algorithms} kind */
export async function newKey(kind) {
    const pair = await crypto.subtle.generateKey(/** @type {any} */ (algorithms[kind].generate), true, ['sign', 'verify']);
    const spki = new Uint8Array(await crypto.subtle.exportKey('spki', pair.publicKey));
    return { kind, pair, spki, sign: async (/** @type {Uint8Array} */ bytes) => new Uint8Array(await crypto.subtle.sign(algorithms[kind].sign, pair.privateKey, bytes)) };
}
/** @typedef {Awaited<ReturnType<typeof newKey>>} Key */

/** @param {number} tag @param {...Uint8Array} parts */
export function der(tag, ...parts) {
    const content = Buffer.concat(parts);
    const length = content.length < 128 ? [content.length] : content.length < 256 ? [0x81, content.length] : [0x82, content.length >> 8, content.length & 255];
    return new Uint8Array(Buffer.concat([Buffer.from([tag, ...length]), content]));
}
const sequence = (/** @type {Uint8Array[]} */ ...parts) => der(0x30, ...parts);
export const integer = (/** @type {number} */ value) => der(0x02, Uint8Array.from(value < 128 ? [value] : value < 256 ? [0, value] : [value >> 8, value & 255]));
/** @param {string} dotted */
export function oid(dotted) {
    const [first, second, ...rest] = dotted.split('.').map(Number);
    const bytes = [first * 40 + second];
    for (const arc of rest) {
        const groups = [arc & 127];
        for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift((left & 127) | 128);
        bytes.push(...groups);
    }
    return der(0x06, Uint8Array.from(bytes));
}
const name = (/** @type {string} */ commonName) => sequence(der(0x31, sequence(oid('2.5.4.3'), der(0x0c, Buffer.from(commonName)))));
const time = (/** @type {number} */ seconds) => der(0x18, Buffer.from(new Date(seconds * 1000).toISOString().replace(/[-:T]|\.\d+/g, '')));

/** @param {Key} key */
function identifier(key) {
    if (key.kind !== 'PSS') return sequence(oid(algorithms[key.kind].oid));
    const sha384 = sequence(oid('2.16.840.1.101.3.4.2.2'));
    return sequence(oid(algorithms.PSS.oid), sequence(der(0xa0, sha384), der(0xa1, sequence(oid('1.2.840.113549.1.1.8'), sha384)), der(0xa2, integer(48))));
}

/** ECDSA in X.509 is DER. @param {Key} key @param {Uint8Array} raw */
function signatureBytes(key, raw) {
    if (key.kind === 'PSS') return raw;
    const half = raw.length / 2;
    const number = (/** @type {Uint8Array} */ bytes) => {
        const from = bytes.findIndex((byte) => byte !== 0);
        const short = bytes.subarray(from);
        return der(0x02, short[0] >= 128 ? Buffer.concat([Buffer.from([0]), short]) : short);
    };
    return sequence(number(raw.subarray(0, half)), number(raw.subarray(half)));
}

/** @param {Uint8Array} tbs @param {Key} signer */
async function signed(tbs, signer) {
    return sequence(tbs, identifier(signer), der(0x03, Uint8Array.of(0), signatureBytes(signer, await signer.sign(tbs))));
}

/**
 * @param {object} given
 * @param {string} given.subject
 * @param {Key} given.key
 * @param {string} given.issuer
 * @param {Key} given.signer
 * @param {boolean} [given.authority]
 * @param {[string, Uint8Array][]} [given.extensions]
 * @param {number} given.notBefore
 * @param {number} given.notAfter
 * @param {number} [given.serial]
 */
export async function certificate({ subject, key, issuer, signer, authority = false, extensions = [], notBefore, notAfter, serial = 1 }) {
    const all = authority ? [...extensions, /** @type {[string, Uint8Array]} */ (['2.5.29.19', sequence(der(0x01, Uint8Array.of(255)))])] : extensions;
    const block = all.map(([dotted, value]) => sequence(oid(dotted), der(0x04, value)));
    return signed(sequence(
        der(0xa0, integer(2)), integer(serial), identifier(signer), name(issuer), sequence(time(notBefore), time(notAfter)), name(subject), key.spki,
        ...(block.length > 0 ? [der(0xa3, sequence(...block))] : [])), signer);
}

/** @param {{ issuer: string, signer: Key, thisUpdate: number, nextUpdate: number, serials?: number[] }} given */
export async function revocationList({ issuer, signer, thisUpdate, nextUpdate, serials = [] }) {
    const entries = serials.map((serial) => sequence(integer(serial), time(thisUpdate)));
    return signed(sequence(integer(1), identifier(signer), name(issuer), time(thisUpdate), time(nextUpdate), ...(entries.length > 0 ? [sequence(...entries)] : [])), signer);
}

/** @param {Uint8Array} bytes */
export const pem = (bytes) => `-----BEGIN CERTIFICATE-----\n${Buffer.from(bytes).toString('base64').replace(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n`;
