import { equal } from '../encoding/bytes.js';
import { fromHex } from '../encoding/base64.js';
import { Members, parse } from '../encoding/json.js';
import { require } from '../encoding/refusal.js';

const code = 'collateral-invalid';
const statuses = [
    'UpToDate', 'SWHardeningNeeded', 'ConfigurationNeeded', 'ConfigurationAndSWHardeningNeeded', 'OutOfDate',
    'OutOfDateConfigurationNeeded', 'Revoked',
];

/** @typedef {{ status: string, advisories: string[] }} Level */

/** @param {string} text RFC 3339 in UTC, as Intel's service writes it */
function date(text) {
    const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) / 1000 : Number.NaN;
    require(Number.isSafeInteger(time), code, 'the collateral has a malformed date');
    return time;
}

/** @param {Members} level @returns {Level} */
function statusOf(level) {
    const status = level.string('tcbStatus');
    require(statuses.includes(status), code, 'the collateral has an unknown TCB status');
    return { status, advisories: level.has('advisoryIDs') ? level.strings('advisoryIDs', 256) : [] };
}

/** Intel's TCB info, version 2 or 3, for SGX. It lists more members than are needed here. */
export class TCBInfo {
    /** @param {Uint8Array} bytes exactly what was signed */
    constructor(bytes) {
        const info = new Members(parse(bytes, code, 'TCB info'), code, 'TCB info');
        const version = info.integer('version');
        require(version === 2 || version === 3, code, 'the TCB info has an unknown version');
        require(version === 2 || info.string('id') === 'SGX', code, 'the TCB info is for another TEE');
        require(info.integer('tcbType') === 0, code, 'the TCB info has an unknown way of comparing');
        this.issueDate = date(info.string('issueDate'));
        this.nextUpdate = date(info.string('nextUpdate'));
        this.fmspc = info.string('fmspc').toLowerCase();
        this.pceID = info.string('pceId').toLowerCase();
        this.evaluation = info.integer('tcbEvaluationDataNumber');
        this.levels = info.array('tcbLevels', 256).map((entry) => {
            const level = new Members(entry, code, 'TCB level');
            const tcb = level.members('tcb');
            const components = version === 3
                ? tcb.array('sgxtcbcomponents', 16).map((one) => new Members(one, code, 'TCB component').integer('svn'))
                : Array.from({ length: 16 }, (_, i) => tcb.integer(`sgxtcbcomp${String(i + 1).padStart(2, '0')}svn`));
            require(components.length === 16, code, 'a TCB level has not 16 components');
            return { components, pceSVN: tcb.integer('pcesvn'), ...statusOf(level) };
        });
    }

    /** @param {number} time */
    isFresh(time) {
        return this.issueDate <= time && time < this.nextUpdate;
    }

    /**
     * The first level that the platform reaches in every component; levels stand from the highest down.
     * @param {number[]} components @param {number} pceSVN @returns {Level}
     */
    level(components, pceSVN) {
        const reached = this.levels.find((level) => pceSVN >= level.pceSVN && level.components.every((least, i) => components[i] >= least));
        return reached ?? { status: 'NotSupported', advisories: [] };
    }
}

/** Intel's identity of the quoting enclave. */
export class QEIdentity {
    /** @param {Uint8Array} bytes exactly what was signed */
    constructor(bytes) {
        const identity = new Members(parse(bytes, code, 'QE identity'), code, 'QE identity');
        require(identity.string('id') === 'QE' && identity.integer('version') === 2, code, 'the QE identity is for another enclave');
        this.issueDate = date(identity.string('issueDate'));
        this.nextUpdate = date(identity.string('nextUpdate'));
        const hex = (/** @type {string} */ name, /** @type {number} */ length) => {
            const bytes_ = fromHex(identity.string(name), code, `QE identity, "${name}"`);
            require(bytes_.length === length, code, `the QE identity has a "${name}" of the wrong length`);
            return bytes_;
        };
        this.miscSelect = hex('miscselect', 4).reverse();
        this.miscSelectMask = hex('miscselectMask', 4).reverse();
        this.attributes = hex('attributes', 16);
        this.attributesMask = hex('attributesMask', 16);
        this.mrSigner = hex('mrsigner', 32);
        this.productID = identity.integer('isvprodid');
        this.levels = identity.array('tcbLevels', 256).map((entry) => {
            const level = new Members(entry, code, 'QE level');
            return { svn: level.members('tcb').integer('isvsvn'), ...statusOf(level) };
        });
    }

    /** @param {number} time */
    isFresh(time) {
        return this.issueDate <= time && time < this.nextUpdate;
    }

    /** @param {import('./sgx.js').SGXReport} report */
    requireMatch(report) {
        const masked = (/** @type {Uint8Array} */ value, /** @type {Uint8Array} */ mask) => value.map((byte, i) => byte & mask[i]);
        const same = equal(masked(report.miscSelect, this.miscSelectMask), this.miscSelect)
            && equal(masked(report.attributes, this.attributesMask), this.attributes)
            && equal(report.mrSigner, this.mrSigner)
            && report.productID === this.productID;
        require(same, 'qe-identity', 'the quoting enclave is not the one that Intel describes');
    }

    /** @param {number} svn @returns {Level} */
    level(svn) {
        return this.levels.find((level) => svn >= level.svn) ?? { status: 'NotSupported', advisories: [] };
    }
}

/**
 * The platform's status and the quoting enclave's, converged as Intel's verification library does.
 * @param {string} platform @param {string} enclave
 */
export function converge(platform, enclave) {
    if (platform === 'Revoked' || enclave === 'Revoked') return 'Revoked';
    if (platform === 'NotSupported' || enclave === 'NotSupported') return 'NotSupported';
    if (enclave !== 'OutOfDate') return platform;
    if (platform === 'UpToDate' || platform === 'SWHardeningNeeded') return 'OutOfDate';
    if (platform === 'ConfigurationNeeded' || platform === 'ConfigurationAndSWHardeningNeeded') return 'OutOfDateConfigurationNeeded';
    return platform;
}
