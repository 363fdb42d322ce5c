import { Refusal } from '../encoding/refusal.js';

/**
 * @typedef {{ name: string, outcome: 'passed' | 'failed' | 'notApplicable', detail: string, code?: string }} Check
 * @typedef {{ kind: string, pin: string, simulated: boolean }} EvidenceRoot a root that `config.json` pins
 * @typedef {{ title: string, subject: string, pin: string, notAfter: number }} ChainLink
 * @typedef {object} Verdict the browser's own appraisal of one piece of evidence (`formats.md` section 8)
 * @property {boolean} accepted
 * @property {string | null} code
 * @property {string} detail
 * @property {'snp' | 'sgx'} tee
 * @property {'hardware' | 'simulated' | null} grade
 * @property {'valid' | 'invalid' | 'notChecked'} signatureChain
 * @property {string | null} tcbStatus
 * @property {string[]} advisories
 * @property {Record<string, import('../encoding/json.js').JSONValue>} claims named as in attestation tokens
 * @property {Check[]} checks
 * @property {ChainLink[]} chain root first
 * @property {number | null} validUntil seconds since 1970
 * @property {Uint8Array} reportData
 * @property {Uint8Array} hostData
 */

/**
 * Runs the steps of a verification and keeps every outcome, so that the page can show all of them. The verdict's code
 * is that of the first step that failed.
 */
export class Checks {
    constructor() {
        /** @type {Check[]} */
        this.list = [];
    }

    /**
     * @param {string} name
     * @param {() => Promise<string | void> | string | void} work returns what was seen, or throws a refusal
     * @returns {Promise<boolean>} whether it passed
     */
    async run(name, work) {
        try {
            this.list.push({ name, outcome: 'passed', detail: (await work()) ?? '' });
            return true;
        } catch (error) {
            if (!(error instanceof Refusal)) throw error;
            this.list.push({ name, outcome: 'failed', detail: error.detail, code: error.code });
            return false;
        }
    }

    /** @param {string} name @param {string} detail */
    skip(name, detail) {
        this.list.push({ name, outcome: 'notApplicable', detail });
    }

    get firstFailure() {
        return this.list.find((check) => check.outcome === 'failed') ?? null;
    }
}

/** Throws the verdict's refusal unless it was accepted. @param {Verdict} verdict */
export function requireAccepted(verdict) {
    if (!verdict.accepted) throw new Refusal(verdict.code ?? 'evidence-malformed', verdict.detail);
}
