import { Reader, concat, equal, isZero, text, utf8 } from '../encoding/bytes.js';
import { fromHex, toHex } from '../encoding/base64.js';
import { Element, certificatesOfPEM, tags } from '../encoding/der.js';
import { sha256 } from '../encoding/digest.js';
import { Members } from '../encoding/json.js';
import { Refusal, require } from '../encoding/refusal.js';
import { Certificate, RevocationList } from './certificate.js';
import { Checks } from './checks.js';
import { links } from './snp.js';
import { QEIdentity, TCBInfo, converge } from './tcb.js';

const vendorID = '939a7233f79c4ca9940a0db3957f0607';
const pckExtension = '1.2.840.113741.1.13.1';

/** An SGX report body of 384 bytes (Intel SDM, REPORT structure). */
export class SGXReport {
    /** @param {Uint8Array} bytes */
    constructor(bytes) {
        const at = (/** @type {number} */ offset, /** @type {number} */ length) => bytes.subarray(offset, offset + length);
        this.bytes = bytes;
        this.cpuSVN = at(0, 16);
        this.miscSelect = at(16, 4);
        this.extendedProductID = at(32, 16);
        this.attributes = at(48, 16);
        this.mrEnclave = at(64, 32);
        this.mrSigner = at(128, 32);
        this.configID = at(192, 64);
        this.productID = bytes[256] + bytes[257] * 256;
        this.svn = bytes[258] + bytes[259] * 256;
        this.configSVN = bytes[260] + bytes[261] * 256;
        this.familyID = at(304, 16);
        this.reportData = at(320, 64);
    }

    get isDebuggable() {
        return (this.attributes[0] & 0x02) !== 0;
    }

    /** Key separation and sharing: only then CONFIGID means anything. */
    get hasKeySeparation() {
        return (this.attributes[0] & 0x80) !== 0;
    }
}

/** A DCAP quote, version 3, ECDSA P-256 (Intel SGX DCAP quote format). */
export class SGXQuote {
    /** @param {Uint8Array} bytes */
    constructor(bytes) {
        const reader = new Reader(bytes, 'evidence-malformed', 'SGX quote');
        const version = reader.u16le();
        if (version !== 3) reader.fail(`version ${version} is not read`);
        if (reader.u16le() !== 2) reader.fail('attestation key is not ECDSA P-256');
        if (reader.u32le() !== 0) reader.fail('TEE type is not SGX');
        this.qeSVN = reader.u16le();
        this.pceSVN = reader.u16le();
        if (toHex(reader.take(16)) !== vendorID) reader.fail('quoting enclave is not of Intel\'s kind');
        reader.take(20);
        this.report = new SGXReport(reader.take(384));
        this.signed = bytes.subarray(0, reader.offset);
        const length = reader.u32le();
        if (length > 65536) reader.fail('signature data is too long');
        const data = new Reader(reader.take(length), 'evidence-malformed', 'SGX quote signature data');
        this.signature = data.take(64);
        this.attestationKey = data.take(64);
        this.qeReport = new SGXReport(data.take(384));
        this.qeSignature = data.take(64);
        this.authentication = data.take(data.u16le());
        this.certificationType = data.u16le();
        this.certification = data.take(data.u32le());
        data.end();
        if (!isZero(reader.rest())) reader.fail('has non-zero bytes after its end');
    }
}

/** What the PCK certificate says about the platform. */
class PlatformIdentity {
    /** @param {Certificate} pck */
    constructor(pck) {
        const code = 'evidence-chain';
        const value = pck.extensions.get(pckExtension);
        if (value === undefined) throw new Refusal(code, 'the PCK certificate lacks the SGX extension');
        const members = sequenceMembers(Element.parse(value, code, 'SGX extension'));
        const tcb = sequenceMembers(members.get(`${pckExtension}.2`) ?? Element.parse(value, code, 'SGX extension'));
        this.components = Array.from({ length: 16 }, (_, i) => tcb.get(`${pckExtension}.2.${i + 1}`)?.integer() ?? -1);
        this.pceSVN = tcb.get(`${pckExtension}.2.17`)?.integer() ?? -1;
        this.pceID = toHex(members.get(`${pckExtension}.3`)?.expect(tags.octetString).content ?? new Uint8Array());
        this.fmspc = toHex(members.get(`${pckExtension}.4`)?.expect(tags.octetString).content ?? new Uint8Array());
        if (this.components.includes(-1) || this.pceSVN < 0 || this.fmspc.length !== 12 || this.pceID.length !== 4) {
            throw new Refusal(code, 'the SGX extension of the PCK certificate is not complete');
        }
    }
}

/** @param {Element} sequence */
function sequenceMembers(sequence) {
    /** @type {Map<string, Element>} */
    const members = new Map();
    for (const pair of sequence.children(tags.sequence)) {
        const [name, value] = pair.children(tags.sequence);
        if (name !== undefined && value !== undefined) members.set(name.oid(), value);
    }
    return members;
}

/** Vendor collateral, in the JSON form of the shared evidence vectors. */
class Collateral {
    /** @param {import('../encoding/json.js').JSONValue | undefined} value */
    constructor(value) {
        const code = 'collateral-invalid';
        const members = new Members(value, code, 'SGX collateral');
        const chain = (/** @type {string} */ name) => certificatesOfPEM(members.string(name), code, `"${name}"`)
            .map((der) => new Certificate(der, code, `"${name}"`));
        this.crlChain = chain('pck_crl_issuer_chain');
        this.rootList = new RevocationList(fromHex(members.string('root_ca_crl'), code, 'root revocation list'), code, 'root revocation list');
        this.pckList = new RevocationList(fromHex(members.string('pck_crl'), code, 'PCK revocation list'), code, 'PCK revocation list');
        this.tcbChain = chain('tcb_info_issuer_chain');
        this.tcbInfo = utf8(members.string('tcb_info'));
        this.tcbSignature = fromHex(members.string('tcb_info_signature'), code, 'signature of the TCB info');
        this.qeChain = chain('qe_identity_issuer_chain');
        this.qeIdentity = utf8(members.string('qe_identity'));
        this.qeSignature = fromHex(members.string('qe_identity_signature'), code, 'signature of the QE identity');
        members.end();
    }
}

/** @param {Uint8Array} point X ‖ Y @param {Uint8Array} signature R ‖ S @param {Uint8Array} signed */
async function verifyP256(point, signature, signed) {
    try {
        const key = await crypto.subtle.importKey('raw', concat(Uint8Array.of(4), point), { name: 'ECDSA', namedCurve: 'P-256' }, false, ['verify']);
        return await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, signature, signed);
    } catch {
        return false;
    }
}

/** @param {Certificate} signer @param {Uint8Array} signature R ‖ S @param {Uint8Array} signed */
async function verifyWith(signer, signature, signed) {
    return signer.keyType === 'P-256' && verifyP256(signer.spki.subarray(signer.spki.length - 64), signature, signed);
}

/** Leaf, intermediate, root, whatever order they came in (Fortanix sends the root second). @param {Certificate[]} given */
function ordered(given) {
    const [leaf, ...others] = given;
    const issuer = others.find((one) => equal(one.subject, leaf.issuer));
    const root = others.find((one) => one !== issuer);
    require(given.length === 3 && issuer !== undefined && root !== undefined, 'evidence-chain', 'the PCK chain is not leaf, intermediate and root');
    return [leaf, issuer, root];
}

/**
 * Verifies an SGX quote in the order of `evidence.md` section 2.1.
 *
 * @param {Uint8Array} evidence
 * @param {import('../encoding/json.js').JSONValue | undefined} collateralValue
 * @param {import('./checks.js').EvidenceRoot[]} roots
 * @param {number} time seconds since 1970
 * @returns {Promise<import('./checks.js').Verdict>}
 */
export async function verifySGX(evidence, collateralValue, roots, time) {
    const checks = new Checks();
    /** @type {SGXQuote | undefined} */
    let quote;
    /** @type {Certificate[]} */
    let chain = [];
    /** @type {import('./checks.js').EvidenceRoot | undefined} */
    let root;
    /** @type {string | null} */
    let tcbStatus = null;
    /** @type {string[]} */
    let advisories = [];
    /** @type {number[]} */
    const ends = [];
    let signatureChain = /** @type {'valid' | 'invalid' | 'notChecked'} */ ('notChecked');

    await checks.run('form', () => {
        quote = new SGXQuote(evidence);
        return 'version 3';
    });
    if (quote !== undefined) {
        const subject = quote;
        signatureChain = 'invalid';
        const chained = await checks.run('PCK chain', async () => {
            require(subject.certificationType === 5, 'evidence-chain', 'the quote holds no PCK certificate chain');
            const pem = asciiWithoutNUL(subject.certification);
            chain = ordered(certificatesOfPEM(pem, 'evidence-chain', 'PCK chain').map((der) => new Certificate(der, 'evidence-chain', 'PCK chain')));
            const [leaf, intermediate, top] = chain;
            require(intermediate.maySignCertificates && top.maySignCertificates && !leaf.isAuthority, 'evidence-chain', 'a certificate may not sign certificates');
            require(chain.every((one) => one.keyType === 'P-256'), 'evidence-chain', 'a certificate has a key of the wrong kind');
            const good = (await leaf.isSignedBy(intermediate)) && (await intermediate.isSignedBy(top)) && (await top.isSignedBy(top));
            require(good, 'evidence-chain', 'a certificate is not signed by the next one');
            const pin = await top.pin();
            root = roots.find((one) => one.kind === 'sgx' && one.pin === pin);
            require(root !== undefined, 'untrusted-root', 'the chain ends in a root that this installation does not pin');
            require(chain.every((one) => one.isValid(time)), 'evidence-chain', 'a certificate is not valid at this time');
            ends.push(...chain.map((one) => one.notAfter));
            return `root ${pin}`;
        });
        if (chain.length === 3) {
            const [leaf, intermediate, top] = chain;
            /** @type {PlatformIdentity | undefined} */
            let platform;
            /** @type {TCBInfo | undefined} */
            let tcbInfo;
            /** @type {QEIdentity | undefined} */
            let identity;
            await checks.run('platform identity', () => {
                platform = new PlatformIdentity(leaf);
                return `FMSPC ${platform.fmspc}`;
            });
            await checks.run('collateral', async () => {
                require(collateralValue !== undefined, 'collateral-invalid', 'no collateral came with the quote');
                const collateral = new Collateral(collateralValue);
                await checkLists(collateral, chain, time);
                const tcbSigner = await signerOf(collateral.tcbChain, top, collateral.rootList, time);
                require(await verifyWith(tcbSigner, collateral.tcbSignature, collateral.tcbInfo), 'collateral-invalid', 'the TCB info is not signed by its signer');
                const qeSigner = await signerOf(collateral.qeChain, top, collateral.rootList, time);
                require(await verifyWith(qeSigner, collateral.qeSignature, collateral.qeIdentity), 'collateral-invalid', 'the QE identity is not signed by its signer');
                tcbInfo = new TCBInfo(collateral.tcbInfo);
                identity = new QEIdentity(collateral.qeIdentity);
                require(tcbInfo.isFresh(time) && identity.isFresh(time), 'collateral-invalid', 'TCB info or QE identity is not current');
                require(platform === undefined || (tcbInfo.fmspc === platform.fmspc && tcbInfo.pceID === platform.pceID), 'collateral-invalid', 'the TCB info is for another platform');
                ends.push(tcbInfo.nextUpdate, identity.nextUpdate, collateral.rootList.nextUpdate, collateral.pckList.nextUpdate, tcbSigner.notAfter, qeSigner.notAfter);
                return `evaluation data number ${tcbInfo.evaluation}`;
            });
            const enclave = await checks.run('quoting enclave', async () => {
                require(await verifyWith(leaf, subject.qeSignature, subject.qeReport.bytes), 'qe-identity', 'the quoting enclave\'s report is not signed by the PCK');
                const bound = await sha256(concat(subject.attestationKey, subject.authentication));
                require(equal(subject.qeReport.reportData.subarray(0, 32), bound) && isZero(subject.qeReport.reportData.subarray(32)),
                    'qe-identity', 'the quoting enclave does not vouch for the attestation key');
                require(!subject.qeReport.isDebuggable, 'qe-identity', 'the quoting enclave is a debug enclave');
                identity?.requireMatch(subject.qeReport);
            });
            const genuine = await checks.run('signature', async () => {
                require(await verifyP256(subject.attestationKey, subject.signature, subject.signed), 'evidence-signature', 'the quote is not signed by the attestation key');
            });
            signatureChain = chained && enclave && genuine ? 'valid' : 'invalid';
            if (platform !== undefined && tcbInfo !== undefined && identity !== undefined) {
                const level = tcbInfo.level(platform.components, platform.pceSVN);
                const qeLevel = identity.level(subject.qeReport.svn);
                tcbStatus = converge(level.status, qeLevel.status);
                advisories = [...new Set([...level.advisories, ...qeLevel.advisories])];
                await checks.run('TCB status', () => {
                    require(tcbStatus !== 'Revoked' && tcbStatus !== 'NotSupported', 'tcb-not-accepted', `the TCB status is ${tcbStatus}`);
                    return tcbStatus ?? '';
                });
            }
        }
        await checks.run('not debuggable', () => {
            require(!subject.report.isDebuggable, 'debug-enabled', 'the enclave can be debugged');
        });
    }
    const failure = checks.firstFailure;
    return {
        accepted: failure === null,
        code: failure?.code ?? null,
        detail: failure?.detail ?? '',
        tee: 'sgx',
        grade: root === undefined ? null : root.simulated ? 'simulated' : 'hardware',
        signatureChain,
        tcbStatus,
        advisories,
        claims: quote === undefined ? {} : claims(quote.report),
        checks: checks.list,
        chain: await links(chain),
        validUntil: ends.length === 0 ? null : Math.min(...ends),
        reportData: quote?.report.reportData ?? new Uint8Array(),
        hostData: quote?.report.hasKeySeparation ? quote.report.configID : new Uint8Array(),
    };
}

/** @param {Uint8Array} bytes */
function asciiWithoutNUL(bytes) {
    const end = bytes.indexOf(0);
    require(end < 0 || isZero(bytes.subarray(end)), 'evidence-malformed', 'SGX quote: bytes after the PCK chain');
    try {
        return text(end < 0 ? bytes : bytes.subarray(0, end));
    } catch {
        throw new Refusal('evidence-malformed', 'SGX quote: the PCK chain is not text');
    }
}

/** @param {Collateral} collateral @param {Certificate[]} chain @param {number} time */
async function checkLists({ rootList, pckList }, [leaf, intermediate, top], time) {
    require(await rootList.isSignedBy(top), 'collateral-invalid', 'the root\'s revocation list is not signed by the root');
    require(await pckList.isSignedBy(intermediate), 'collateral-invalid', 'the PCK revocation list is not of the PCK\'s issuer');
    require(rootList.isFresh(time) && pckList.isFresh(time), 'collateral-invalid', 'a revocation list is not current');
    require(!rootList.revokes(intermediate) && !pckList.revokes(leaf), 'certificate-revoked', 'a certificate of the PCK chain is revoked');
}

/** The certificate that signs TCB info or QE identity. @param {Certificate[]} chain @param {Certificate} root @param {RevocationList} list @param {number} time */
async function signerOf(chain, root, list, time) {
    const [signer, top] = chain;
    const code = 'collateral-invalid';
    require(chain.length === 2 && (await top.pin()) === (await root.pin()), code, 'the chain of the collateral\'s signer does not end in the same root');
    require(await signer.isSignedBy(top), code, 'the collateral\'s signer is not certified by the root');
    require(signer.isValid(time) && top.isValid(time), code, 'the certificate of the collateral\'s signer is not valid at this time');
    require(!list.revokes(signer), 'certificate-revoked', 'the collateral\'s signer is revoked');
    return signer;
}

/** @param {SGXReport} report */
function claims(report) {
    /** @type {Record<string, import('../encoding/json.js').JSONValue>} */
    const all = {
        'x-ms-attestation-type': 'sgx',
        'x-ms-sgx-is-debuggable': report.isDebuggable,
        'x-ms-sgx-mrenclave': toHex(report.mrEnclave),
        'x-ms-sgx-mrsigner': toHex(report.mrSigner),
        'x-ms-sgx-product-id': report.productID,
        'x-ms-sgx-report-data': toHex(report.reportData),
        'x-ms-sgx-svn': report.svn,
    };
    if (report.hasKeySeparation) {
        all['x-ms-sgx-config-id'] = toHex(report.configID);
        all['x-ms-sgx-config-svn'] = report.configSVN;
        all['x-ms-sgx-isv-extended-product-id'] = toHex(report.extendedProductID);
        all['x-ms-sgx-isv-family-id'] = toHex(report.familyID);
    }
    return all;
}
