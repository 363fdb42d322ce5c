import { fromBase64URL } from '../encoding/base64.js';
import { Members } from '../encoding/json.js';
import { require } from '../encoding/refusal.js';
import { JWS } from './jws.js';
import { P256Key } from './keys.js';

const code = 'endorsement-invalid';
const leeway = 60;
const longest = 90 * 86400;

/**
 * @typedef {{ key: P256Key, pin: string, leastSequence: number, unit: string, withdrawn: number[] }} ReleaseSigner
 */

/** A party's own rules for whom and what it accepts (`formats.md` section 6). */
export class PartyPolicy {
    /**
     * @param {string} compact
     * @param {string} party the pinned party id
     */
    static async verify(compact, party) {
        const jws = new JWS(compact, 65536, code, 'party policy');
        const members = jws.document('cloister-party-policy+jwt', 'jwk');
        const key = jws.headerKey();
        require((await key.pin()) === party, code, 'the party policy is not by the pinned party');
        await jws.requireSignature(key);

        const policy = new PartyPolicy();
        policy.compact = compact;
        members.exactly('format', 'cloister-party-policy/1');
        policy.party = members.string('party');
        require(policy.party === party, code, 'the party policy names another party');
        policy.sequence = members.integer('sequence');
        policy.notBefore = members.integer('notBefore');
        policy.notAfter = members.integer('notAfter');
        require(policy.notBefore < policy.notAfter && policy.notAfter - policy.notBefore <= longest, code, 'the party policy is valid for too long, or never');
        policy.threshold = members.integer('threshold');
        policy.issuers = members.array('issuers').map((value) => {
            const one = new Members(value, code, 'issuer of the party policy');
            const issuer = { url: one.string('url'), pins: pins(one), simulated: one.boolean('simulated') };
            one.end();
            return issuer;
        });
        const names = policy.issuers.map((one) => nameOf(one.url));
        require(new Set(names).size === names.length, code, 'the party policy names an issuer twice');
        require(policy.threshold >= 1 && policy.threshold <= policy.issuers.length, code, 'the party policy wants more issuers than it names');
        policy.keyServices = members.array('keyServices').map((value) => {
            const one = new Members(value, code, 'key service of the party policy');
            const service = { url: one.string('url'), pins: pins(one) };
            one.end();
            return service;
        });
        policy.releaseSigners = await Promise.all(members.array('releaseSigners').map(releaseSigner));
        policy.peers = members.array('peers').map((value) => {
            const one = new Members(value, code, 'peer of the party policy');
            const peer = { party: one.string('party'), role: one.string('role') };
            one.end();
            return peer;
        });
        policy.fields = members.strings('fields');
        if (members.has('enrolment')) members.strings('enrolment', 1024);
        members.end();
        return policy;
    }

    constructor() {
        this.compact = '';
        this.party = '';
        this.sequence = 0;
        this.notBefore = 0;
        this.notAfter = 0;
        this.threshold = 1;
        /** @type {import('./token.js').Issuer[]} */
        this.issuers = [];
        /** @type {{ url: string, pins: string[] }[]} */
        this.keyServices = [];
        /** @type {ReleaseSigner[]} */
        this.releaseSigners = [];
        /** @type {{ party: string, role: string }[]} */
        this.peers = [];
        /** @type {string[]} */
        this.fields = [];
    }

    /** @param {number} time seconds since 1970 */
    isValid(time) {
        return this.notBefore <= time + leeway && time <= this.notAfter;
    }

    /** @param {number} time seconds since 1970 */
    requireValid(time) {
        require(this.isValid(time), code, 'the party policy is not valid at this time');
    }
}

/** The same for every spelling of a URL, so that one service never counts as two. @param {string} url */
function nameOf(url) {
    return URL.canParse(url) ? new URL(url).href.replace(/\/+$/, '') : url;
}

/** @param {Members} members */
function pins(members) {
    const all = members.strings('pins', 4);
    require(all.length > 0, code, `${members.what} has no pin`);
    for (const pin of all) require(fromBase64URL(pin, code, 'pin').length === 32, code, `${members.what} has a pin that is not a digest`);
    return all;
}

/** @param {import('../encoding/json.js').JSONValue} value @returns {Promise<ReleaseSigner>} */
async function releaseSigner(value) {
    const one = new Members(value, code, 'release signer of the party policy');
    const key = P256Key.fromJWK(one.members('key'));
    const withdrawn = one.array('withdrawn', 1024);
    require(withdrawn.every((entry) => typeof entry === 'number'), code, 'the withdrawn releases are not numbers');
    const signer = {
        key, pin: await key.pin(), leastSequence: one.integer('leastSequence'), unit: one.string('unit'),
        withdrawn: /** @type {number[]} */ (withdrawn),
    };
    one.end();
    return signer;
}
