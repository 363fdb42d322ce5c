import { Reader, equal, isZero } from '../encoding/bytes.js';
import { toHex, fromBase64URL } from '../encoding/base64.js';
import { Element, certificatesOfPEM } from '../encoding/der.js';
import { Members } from '../encoding/json.js';
import { Refusal, require } from '../encoding/refusal.js';
import { Certificate, RevocationList } from './certificate.js';
import { Checks } from './checks.js';

/** Length of an attestation report (SEV-SNP Firmware ABI 56860, "Attestation"). */
const reportLength = 0x4a0;
const signedLength = 0x2a0;
const order384 = BigInt('0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973');
const amd = '1.3.6.1.4.1.3704.1';

/** The parts of TCB_VERSION by product: byte in the field, extension of the certificate. */
const classicTCB = { bootloader: [0, '3.1'], tee: [1, '3.2'], snp: [6, '3.3'], microcode: [7, '3.8'] };
const turinTCB = { fmc: [0, '3.9'], bootloader: [1, '3.1'], tee: [2, '3.2'], snp: [3, '3.3'], microcode: [7, '3.8'] };
/** @type {Record<string, Record<string, [number, string]>>} */
const layouts = /** @type {any} */ ({ Milan: classicTCB, Genoa: classicTCB, Turin: turinTCB });

/** An SEV-SNP attestation report: every offset is that of the ABI. */
export class SNPReport {
    /** @param {Uint8Array} bytes */
    constructor(bytes) {
        const malformed = (/** @type {string} */ problem) => new Refusal('evidence-malformed', `SNP report: ${problem}`);
        if (bytes.length !== reportLength) throw malformed(`has ${bytes.length} bytes instead of ${reportLength}`);
        const at = (/** @type {number} */ offset, /** @type {number} */ length) => bytes.subarray(offset, offset + length);
        const u32 = (/** @type {number} */ offset) => new Reader(at(offset, 4), 'evidence-malformed', 'SNP report').u32le();
        this.bytes = bytes;
        this.version = u32(0);
        if (![2, 3, 4, 5].includes(this.version)) throw malformed(`version ${this.version} is not known`);
        this.guestSVN = u32(4);
        this.policy = new DataView(bytes.buffer, bytes.byteOffset + 8, 8).getBigUint64(0, true);
        if ((this.policy & (1n << 17n)) === 0n || this.policy >> 26n !== 0n) throw malformed('reserved bits of the guest policy');
        this.familyID = at(0x10, 16);
        this.imageID = at(0x20, 16);
        this.vmpl = u32(0x30);
        if (u32(0x34) !== 1) throw malformed('signature algorithm is not ECDSA P-384');
        const keyInfo = u32(0x48);
        if (keyInfo >>> 5 !== 0) throw malformed('reserved bits of the key information');
        this.masksChip = (keyInfo & 2) !== 0;
        const signer = (keyInfo >> 2) & 7;
        if (signer > 1) throw malformed('is not signed by a versioned endorsement key');
        this.signer = signer === 0 ? 'VCEK' : 'VLEK';
        this.reportData = at(0x50, 64);
        this.measurement = at(0x90, 48);
        this.hostData = at(0xc0, 32);
        this.idKeyDigest = at(0xe0, 48);
        this.authorKeyDigest = at(0x110, 48);
        this.reportID = at(0x140, 32);
        this.reportedTCB = at(0x180, 8);
        this.chipID = at(0x1a0, 64);
        this.product = this.version >= 3 ? productOf(bytes[0x188], bytes[0x189]) : null;
        if (this.version >= 3 && this.product === null) throw malformed('processor family is not known');
        this.r = at(0x2a0, 72);
        this.s = at(0x2e8, 72);
        if (!isZero(this.r.subarray(48)) || !isZero(this.s.subarray(48)) || !isZero(at(0x330, 0x4a0 - 0x330))) {
            throw malformed('signature has non-zero padding');
        }
    }

    get isDebuggable() {
        return (this.policy & (1n << 19n)) !== 0n;
    }

    /** R ‖ S, big-endian, as WebCrypto takes them, or null when one is out of range. */
    get signature() {
        const numbers = [this.r, this.s].map((bytes) => bytes.slice(0, 48).reverse());
        const inRange = numbers.every((bytes) => {
            const value = BigInt(`0x${toHex(bytes)}`);
            return value > 0n && value < order384;
        });
        if (!inRange) return null;
        const signature = new Uint8Array(96);
        signature.set(numbers[0]);
        signature.set(numbers[1], 48);
        return signature;
    }
}

/** @param {number} family @param {number} model */
function productOf(family, model) {
    if (family === 0x19) return model <= 0x0f ? 'Milan' : model >= 0x10 && model <= 0x1f || model >= 0xa0 && model <= 0xaf ? 'Genoa' : null;
    return family === 0x1a && model <= 0x11 ? 'Turin' : null;
}

/** @param {Certificate} certificate @param {string} arc */
function extension(certificate, arc) {
    return certificate.extensions.get(`${amd}.${arc}`);
}

/**
 * Whether a root's name is that of a product's root key. A simulated root says so in its name; its pin decides about trust.
 * @param {string} name
 * @param {string | null} product
 */
function isArkOf(name, product) {
    return name.replace(/^Cloister simulated /, '') === `ARK-${product}`;
}

/** @param {Certificate} certificate */
function productName(certificate) {
    const value = extension(certificate, '2');
    const element = value && Element.parse(value, 'evidence-chain', 'endorsement certificate');
    const name = element === undefined ? '' : String.fromCharCode(...element.content).split('-')[0];
    return Object.hasOwn(layouts, name) ? name : null;
}

/**
 * Verifies an SEV-SNP report in the order of `evidence.md` section 2.2.
 *
 * @param {Uint8Array} evidence the 1,184 bytes of the report
 * @param {import('../encoding/json.js').JSONValue | undefined} collateral `{"vek","chain","crl"?}` of `formats.md` section 8
 * @param {import('./checks.js').EvidenceRoot[]} roots
 * @param {number} time seconds since 1970
 * @returns {Promise<import('./checks.js').Verdict>}
 */
export async function verifySNP(evidence, collateral, roots, time) {
    const checks = new Checks();
    /** @type {SNPReport | undefined} */
    let report;
    /** @type {Certificate[]} leaf first */
    let chain = [];
    /** @type {RevocationList | undefined} */
    let list;
    /** @type {import('./checks.js').EvidenceRoot | undefined} */
    let root;
    /** @type {string | null} */
    let product = null;
    let signatureChain = /** @type {'valid' | 'invalid' | 'notChecked'} */ ('notChecked');

    await checks.run('form', () => {
        report = new SNPReport(evidence);
        return `version ${report.version}`;
    });
    if (report !== undefined) {
        const subject = report;
        signatureChain = 'invalid';
        const complete = await checks.run('collateral', () => {
            require(collateral !== undefined, 'collateral-invalid', 'no certificates came with the report');
            const members = new Members(collateral, 'collateral-invalid', 'SNP collateral');
            const [vek, ...others] = certificatesOfPEM(members.string('vek'), 'evidence-chain', 'endorsement certificate')
                .concat(certificatesOfPEM(members.string('chain'), 'evidence-chain', 'certificate chain'));
            require(others.length === 2, 'evidence-chain', 'the chain is not one intermediate and one root');
            chain = [vek, ...others].map((der) => new Certificate(der, 'evidence-chain', 'AMD certificate'));
            if (members.has('crl')) {
                list = new RevocationList(fromBase64URL(members.string('crl'), 'collateral-invalid', 'revocation list'), 'collateral-invalid', 'revocation list');
            }
            members.end();
        });
        if (complete) {
            const [leaf, intermediate, ark] = chain;
            await checks.run('product', () => {
                const named = productName(leaf);
                require(named !== null, 'evidence-chain', 'the endorsement certificate names no known product');
                require(subject.product === null || subject.product === named, 'evidence-chain', 'report and certificate name different products');
                product = named;
                return product;
            });
            const signed = await checks.run('chain', async () => {
                const names = subject.signer === 'VCEK' ? ['SEV-VCEK', `SEV-${product}`] : ['SEV-VLEK', `SEV-VLEK-${product}`];
                require(leaf.commonName === names[0] && intermediate.commonName === names[1] && isArkOf(ark.commonName, product),
                    'evidence-chain', `the chain is not one for a ${subject.signer} of ${product}`);
                require(leaf.keyType === 'P-384' && intermediate.isAuthority && ark.isAuthority, 'evidence-chain', 'a certificate has the wrong kind of key or use');
                require([leaf, intermediate, ark].every((one) => one.algorithm.name === 'RSA-PSS'), 'evidence-chain', 'a certificate is not signed with RSA-PSS');
                const good = (await leaf.isSignedBy(intermediate)) && (await intermediate.isSignedBy(ark)) && (await ark.isSignedBy(ark));
                require(good, 'evidence-chain', 'a certificate is not signed by the next one');
                const pin = await ark.pin();
                root = roots.find((one) => one.kind === `ark-${String(product).toLowerCase()}` && one.pin === pin);
                require(root !== undefined, 'untrusted-root', 'the chain ends in a root that this installation does not pin');
                return `root ${pin}`;
            });
            await checks.run('validity', () => {
                require(chain.every((one) => one.isValid(time)), 'collateral-invalid', 'a certificate is not valid at this time');
            });
            if (list === undefined) checks.skip('revocation', 'no revocation list came with the evidence');
            else {
                const given = list;
                await checks.run('revocation', async () => {
                    require(await given.isSignedBy(ark), 'collateral-invalid', 'the revocation list is not signed by the root');
                    require(given.isFresh(time), 'collateral-invalid', 'the revocation list is not current');
                    require(!given.revokes(intermediate) && !given.revokes(leaf), 'certificate-revoked', 'a certificate of the chain is revoked');
                });
            }
            const genuine = await checks.run('signature', async () => {
                const signature = subject.signature;
                require(signature !== null, 'evidence-signature', 'the signature is out of range');
                const key = await crypto.subtle.importKey('spki', leaf.spki, { name: 'ECDSA', namedCurve: 'P-384' }, false, ['verify'])
                    .catch(() => null);
                const good = key !== null && (await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-384' }, key, signature, subject.bytes.subarray(0, signedLength)));
                require(good, 'evidence-signature', 'the report is not signed by the endorsement key');
            });
            signatureChain = signed && genuine ? 'valid' : 'invalid';
            await checks.run('chip and TCB', () => checkIssuedFor(leaf, subject, product));
        }
        await checks.run('not debuggable', () => {
            require(!subject.isDebuggable, 'debug-enabled', 'the guest policy lets the host debug the guest');
        });
    }
    const failure = checks.firstFailure;
    const ends = [...chain.map((one) => one.notAfter), ...(list === undefined ? [] : [list.nextUpdate])];
    return {
        accepted: failure === null,
        code: failure?.code ?? null,
        detail: failure?.detail ?? '',
        tee: 'snp',
        grade: root === undefined ? null : root.simulated ? 'simulated' : 'hardware',
        signatureChain,
        // SNP has levels but no status of its own; without floors to compare with there is nothing to say.
        tcbStatus: null,
        advisories: [],
        claims: report === undefined ? {} : claims(report, product),
        checks: checks.list,
        chain: await links(chain),
        validUntil: ends.length === 0 ? null : Math.min(...ends),
        reportData: report?.reportData ?? new Uint8Array(),
        hostData: report?.hostData ?? new Uint8Array(),
    };
}

/** The certificate was issued for this chip and this TCB. @param {Certificate} leaf @param {SNPReport} report @param {string | null} product */
function checkIssuedFor(leaf, report, product) {
    const layout = layouts[product ?? ''];
    require(layout !== undefined, 'tcb-inconsistent', 'the product is unknown');
    for (const [name, [byte, arc]] of Object.entries(layout)) {
        const value = extension(leaf, arc);
        const level = value && Element.parse(value, 'tcb-inconsistent', 'endorsement certificate').integer();
        require(level === report.reportedTCB[byte], 'tcb-inconsistent', `the certificate's ${name} level is not the reported one`);
    }
    const hardwareID = extension(leaf, '4');
    if (report.signer === 'VLEK') return 'TCB levels equal; a VLEK names no chip';
    require(hardwareID !== undefined, 'tcb-inconsistent', 'the certificate names no chip');
    if (report.masksChip) return 'TCB levels equal; the report masks its chip';
    const length = product === 'Turin' ? 8 : 64;
    require(hardwareID.length === length && equal(hardwareID, report.chipID.subarray(0, length)) && isZero(report.chipID.subarray(length)),
        'tcb-inconsistent', 'the certificate was issued for another chip');
    return 'chip and TCB levels equal';
}

/** @param {SNPReport} report @param {string | null} product */
function claims(report, product) {
    const flag = (/** @type {bigint} */ bit) => (report.policy & (1n << bit)) !== 0n;
    const layout = layouts[product ?? 'Milan'];
    return {
        'x-ms-attestation-type': 'sevsnpvm',
        'x-ms-sevsnpvm-authorkeydigest': toHex(report.authorKeyDigest),
        'x-ms-sevsnpvm-bootloader-svn': report.reportedTCB[layout.bootloader[0]],
        'x-ms-sevsnpvm-familyId': toHex(report.familyID),
        'x-ms-sevsnpvm-guestsvn': report.guestSVN,
        'x-ms-sevsnpvm-hostdata': toHex(report.hostData),
        'x-ms-sevsnpvm-idkeydigest': toHex(report.idKeyDigest),
        'x-ms-sevsnpvm-imageId': toHex(report.imageID),
        'x-ms-sevsnpvm-is-debuggable': report.isDebuggable,
        'x-ms-sevsnpvm-launchmeasurement': toHex(report.measurement),
        'x-ms-sevsnpvm-microcode-svn': report.reportedTCB[layout.microcode[0]],
        'x-ms-sevsnpvm-migration-allowed': flag(18n),
        'x-ms-sevsnpvm-reportdata': toHex(report.reportData),
        'x-ms-sevsnpvm-reportid': toHex(report.reportID),
        'x-ms-sevsnpvm-smt-allowed': flag(16n),
        'x-ms-sevsnpvm-snpfw-svn': report.reportedTCB[layout.snp[0]],
        'x-ms-sevsnpvm-tee-svn': report.reportedTCB[layout.tee[0]],
        'x-ms-sevsnpvm-vmpl': report.vmpl,
    };
}

/** Root first, for people to read. @param {Certificate[]} chain leaf first */
export async function links(chain) {
    const all = await Promise.all(chain.map(async (one) => ({
        title: one.commonName, subject: one.commonName, pin: await one.pin(), notAfter: one.notAfter,
    })));
    return all.reverse();
}

