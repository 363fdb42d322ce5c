import { Element, fixedWidthSignature, tags } from '../encoding/der.js';
import { equal, text } from '../encoding/bytes.js';
import { digest } from '../encoding/digest.js';
import { toHex } from '../encoding/base64.js';
import { Refusal } from '../encoding/refusal.js';

/**
 * @typedef {{ name: 'ECDSA', hash: string } | { name: 'RSASSA-PKCS1-v1_5', hash: string }
 *   | { name: 'RSA-PSS', hash: string, saltLength: number }} SignatureAlgorithm
 * @typedef {'P-256' | 'P-384' | 'RSA'} KeyType
 */

const oids = {
    ecPublicKey: '1.2.840.10045.2.1', rsaEncryption: '1.2.840.113549.1.1.1', pss: '1.2.840.113549.1.1.10',
    mgf1: '1.2.840.113549.1.1.8', commonName: '2.5.4.3', basicConstraints: '2.5.29.19', keyUsage: '2.5.29.15',
};
/** @type {Record<string, KeyType>} */
const curves = { '1.2.840.10045.3.1.7': 'P-256', '1.3.132.0.34': 'P-384' };
/** @type {Record<string, SignatureAlgorithm>} */
const algorithms = {
    '1.2.840.10045.4.3.2': { name: 'ECDSA', hash: 'SHA-256' },
    '1.2.840.10045.4.3.3': { name: 'ECDSA', hash: 'SHA-384' },
    '1.2.840.113549.1.1.11': { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
    '1.2.840.113549.1.1.12': { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-384' },
    '1.2.840.113549.1.1.13': { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-512' },
};
/** @type {Record<string, string>} */
const hashes = { '2.16.840.1.101.3.4.2.1': 'SHA-256', '2.16.840.1.101.3.4.2.2': 'SHA-384', '2.16.840.1.101.3.4.2.3': 'SHA-512' };

/** RFC 4055 §3.1; only hash and mask of one kind, as AMD uses. @param {Element} identifier @returns {SignatureAlgorithm} */
function signatureAlgorithm(identifier) {
    const [oid, parameters] = identifier.children(tags.sequence);
    if (oid === undefined) return identifier.fail('has no signature algorithm');
    const name = oid.oid();
    if (Object.hasOwn(algorithms, name)) return algorithms[name];
    if (name !== oids.pss || parameters === undefined) return identifier.fail('has an unknown signature algorithm');
    const fields = new Map(parameters.children(tags.sequence).map((field) => [field.tag, field]));
    const hash = hashes[fields.get(tags.context(0))?.children()[0]?.children(tags.sequence)[0]?.oid() ?? ''];
    const mask = fields.get(tags.context(1))?.children()[0]?.children(tags.sequence) ?? [];
    const maskHash = hashes[mask[1]?.children(tags.sequence)[0]?.oid() ?? ''];
    const saltLength = fields.get(tags.context(2))?.children()[0]?.integer();
    if (hash === undefined || mask[0]?.oid() !== oids.mgf1 || maskHash !== hash || saltLength === undefined) {
        return identifier.fail('has RSA-PSS parameters that are not understood');
    }
    return { name: 'RSA-PSS', hash, saltLength };
}

/**
 * Verifies what a certificate or revocation list says about itself with a public key in SPKI form.
 *
 * @param {{ spki: Uint8Array, keyType: KeyType }} signer
 * @param {SignatureAlgorithm} algorithm
 * @param {Uint8Array} signature as in X.509: DER for ECDSA
 * @param {Uint8Array} signed
 * @param {string} code
 */
export async function verifySignature(signer, algorithm, signature, signed, code) {
    if ((algorithm.name === 'ECDSA') === (signer.keyType === 'RSA')) return false;
    try {
        if (algorithm.name === 'ECDSA') {
            const key = await crypto.subtle.importKey('spki', signer.spki, { name: 'ECDSA', namedCurve: signer.keyType }, false, ['verify']);
            const fixed = fixedWidthSignature(signature, signer.keyType === 'P-256' ? 32 : 48, code);
            return await crypto.subtle.verify(algorithm, key, fixed, signed);
        }
        const key = await crypto.subtle.importKey('spki', signer.spki, { name: algorithm.name, hash: algorithm.hash }, false, ['verify']);
        return await crypto.subtle.verify(algorithm, key, signature, signed);
    } catch {
        return false;
    }
}

/** An X.509 certificate (RFC 5280), as far as evidence and `x5c` need it. */
export class Certificate {
    /** @param {Uint8Array} der @param {string} code of the refusal when it cannot be read @param {string} what */
    constructor(der, code, what) {
        this.der = der;
        this.code = code;
        this.what = what;
        const [tbs, algorithm, signature, ...more] = Element.parse(der, code, what).children(tags.sequence);
        if (tbs === undefined || algorithm === undefined || signature === undefined || more.length > 0) {
            throw new Refusal(code, `${what}: not a certificate`);
        }
        this.tbs = tbs.bytes;
        this.algorithm = signatureAlgorithm(algorithm);
        this.signature = signature.bits();

        const fields = tbs.children(tags.sequence);
        if (fields[0]?.tag !== tags.context(0) || fields.length < 7) tbs.fail('is not a version 3 certificate');
        const [, serial, inner, issuer, validity, subject, key, ...rest] = fields;
        if (!equal(inner.bytes, algorithm.bytes)) tbs.fail('names two signature algorithms');
        this.serial = toHex(serial.expect(tags.integer).content);
        this.issuer = issuer.expect(tags.sequence).bytes;
        this.subject = subject.expect(tags.sequence).bytes;
        this.commonName = commonName(subject);
        const times = validity.children(tags.sequence);
        if (times.length !== 2) tbs.fail('has no validity');
        this.notBefore = times[0].time();
        this.notAfter = times[1].time();
        this.spki = key.expect(tags.sequence).bytes;
        this.keyType = keyType(key);
        /** @type {Map<string, Uint8Array>} */
        this.extensions = new Map();
        for (const field of rest) if (field.tag === tags.context(3)) this.readExtensions(field);
    }

    /** @param {Element} field */
    readExtensions(field) {
        this.isAuthority = false;
        /** @type {number | undefined} */
        this.pathLength = undefined;
        for (const extension of field.children()[0]?.children(tags.sequence) ?? []) {
            const parts = extension.children(tags.sequence);
            const name = parts[0]?.oid() ?? '';
            const value = parts[parts.length - 1].expect(tags.octetString).content;
            if (this.extensions.has(name)) extension.fail('has an extension twice');
            this.extensions.set(name, value);
        }
        const constraints = this.extensions.get(oids.basicConstraints);
        if (constraints !== undefined) {
            const [flag, length] = Element.parse(constraints, this.code, this.what).children(tags.sequence);
            this.isAuthority = flag?.tag === tags.boolean && flag.content[0] === 0xff;
            this.pathLength = this.isAuthority && length !== undefined ? length.integer() : undefined;
        }
    }

    /** Whether the key may sign certificates: basic constraints, and key usage where it is given. */
    get maySignCertificates() {
        const usage = this.extensions.get(oids.keyUsage);
        if (this.isAuthority !== true) return false;
        if (usage === undefined) return true;
        const bits = Element.parse(usage, this.code, this.what).expect(tags.bitString).content;
        return ((bits[1] ?? 0) & 0x04) !== 0;
    }

    /** Digest of the subject public key info: what configurations and policies pin. */
    async pin() {
        return digest(this.spki);
    }

    /** Whether `issuer` issued and signed this certificate. @param {Certificate} issuer */
    async isSignedBy(issuer) {
        return equal(this.issuer, issuer.subject)
            && (await verifySignature(issuer, this.algorithm, this.signature, this.tbs, this.code));
    }

    /** @param {number} time seconds since 1970 */
    isValid(time) {
        return this.notBefore <= time && time <= this.notAfter;
    }
}

/** @param {Element} key @returns {KeyType} */
function keyType(key) {
    const [algorithm] = key.children();
    const [oid, parameters] = algorithm?.children(tags.sequence) ?? [];
    const name = oid?.oid();
    if (name === oids.rsaEncryption) return 'RSA';
    const curve = name === oids.ecPublicKey && parameters !== undefined ? curves[parameters.oid()] : undefined;
    return curve ?? key.fail('has a public key of an unknown kind');
}

/** @param {Element} name */
function commonName(name) {
    for (const set of name.children()) {
        for (const attribute of set.children(tags.set)) {
            const [type, value] = attribute.children(tags.sequence);
            if (type?.oid() === oids.commonName && value !== undefined) {
                try {
                    return text(value.content);
                } catch {
                    return '';
                }
            }
        }
    }
    return '';
}

/** A certificate revocation list (RFC 5280 §5). */
export class RevocationList {
    /** @param {Uint8Array} der @param {string} code @param {string} what */
    constructor(der, code, what) {
        this.code = code;
        this.what = what;
        const [tbs, algorithm, signature, ...more] = Element.parse(der, code, what).children(tags.sequence);
        if (tbs === undefined || algorithm === undefined || signature === undefined || more.length > 0) {
            throw new Refusal(code, `${what}: not a revocation list`);
        }
        this.tbs = tbs.bytes;
        this.algorithm = signatureAlgorithm(algorithm);
        this.signature = signature.bits();
        const fields = tbs.children(tags.sequence);
        if (fields[0]?.tag === tags.integer) fields.shift();
        const [inner, issuer, thisUpdate, nextUpdate, revoked] = fields;
        if (nextUpdate === undefined || !equal(inner.bytes, algorithm.bytes)) tbs.fail('is not a complete revocation list');
        this.issuer = issuer.expect(tags.sequence).bytes;
        this.thisUpdate = thisUpdate.time();
        this.nextUpdate = nextUpdate.time();
        /** @type {Set<string>} */
        this.serials = new Set();
        if (revoked?.tag === tags.sequence) {
            for (const entry of revoked.children()) {
                this.serials.add(toHex(entry.children(tags.sequence)[0]?.expect(tags.integer).content ?? new Uint8Array()));
            }
        }
    }

    /** @param {Certificate} issuer */
    async isSignedBy(issuer) {
        return equal(this.issuer, issuer.subject)
            && (await verifySignature(issuer, this.algorithm, this.signature, this.tbs, this.code));
    }

    /** @param {Certificate} certificate one of this list's issuer */
    revokes(certificate) {
        return this.serials.has(certificate.serial);
    }

    /** @param {number} time seconds since 1970 */
    isFresh(time) {
        return this.thisUpdate <= time && time < this.nextUpdate;
    }
}
