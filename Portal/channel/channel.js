import { utf8 } from '../encoding/bytes.js';
import { parse } from '../encoding/json.js';
import { Refusal, require } from '../encoding/refusal.js';
import { platformRole } from '../trust/verification.js';
import { encodeRequest, padded, parseResponse } from './binary-http.js';
import { sealRequest } from './ohttp.js';
import { strongest } from './suites.js';

const maximumBytes = 16 * 1024 * 1024;

/**
 * @typedef {object} InnerRequest
 * @property {'GET' | 'POST' | 'PUT' | 'DELETE'} method
 * @property {string} path
 * @property {string} purpose for the ledger; never about a patient
 * @property {import('../encoding/json.js').JSONValue} [json]
 * @property {Uint8Array} [octets]
 * @property {string} [session]
 * @property {string} [idempotencyKey]
 */

/**
 * The encapsulated way to the platform unit.
 *
 * It seals only to keys of a unit that was verified and still is: there is no other way into it, and nothing in this
 * page sends patient data by any other way.
 */
export class Channel {
    /**
     * @param {object} given
     * @param {import('../trust/configuration.js').Configuration} given.configuration
     * @param {import('./transport.js').Transport} given.transport
     * @param {() => Promise<import('../trust/verification.js').VerifiedUnit>} given.verify
     * @param {(unit: import('../trust/verification.js').VerifiedUnit) => Promise<void>} [given.recheck] refuses a unit that
     *     is no longer trusted
     * @param {() => number} [given.clock] seconds since 1970
     */
    constructor({ configuration, transport, verify, recheck = async () => {}, clock = () => Math.floor(Date.now() / 1000) }) {
        this.configuration = configuration;
        this.transport = transport;
        this.verify = verify;
        this.recheck = recheck;
        this.clock = clock;
        /** @type {import('../trust/verification.js').VerifiedUnit | null} */
        this.unit = null;
        /** @type {Promise<import('../trust/verification.js').VerifiedUnit> | null} */
        this.verifying = null;
    }

    /** Verifies anew; callers that come meanwhile wait for the same answer. */
    async reverify() {
        this.unit = null;
        this.verifying ??= this.verify().finally(() => {
            this.verifying = null;
        });
        this.unit = await this.verifying;
        return this.unit;
    }

    /** A unit whose proof has not ended. Half a minute is kept for the request that begins with it. */
    async verified() {
        if (this.unit === null || this.clock() + 30 >= this.unit.validUntil) return this.reverify();
        try {
            await this.recheck(this.unit);
            return this.unit;
        } catch (error) {
            if (!(error instanceof Refusal)) throw error;
            // Its tokens were revoked, or nobody can say: only a unit that is verified anew is sealed to.
            return this.reverify();
        }
    }

    /** @param {InnerRequest} request @returns {Promise<import('./binary-http.js').BinaryResponse>} */
    async send(request) {
        const first = await this.attempt(request, await this.verified());
        if (first !== 'again') return first;
        // 401 says no more than "verify again": the evidence is fetched anew and the request sealed anew, once.
        const second = await this.attempt(request, await this.reverify());
        if (second === 'again') throw new Refusal('reattestation-required', 'the unit does not hold the keys that its evidence names');
        return second;
    }

    /**
     * @param {InnerRequest} request
     * @param {import('../trust/verification.js').VerifiedUnit} unit
     * @returns {Promise<import('./binary-http.js').BinaryResponse | 'again'>}
     */
    async attempt(request, unit) {
        const key = await strongest(unit.keyConfigurations);
        if (key === null) throw new Refusal('suite-not-allowed', 'the unit has no suite that this browser can use');
        const { body, exchange } = await sealRequest(padded(this.encode(request)), key.suite, key.publicKey);
        require(body.length <= maximumBytes, 'too-large', 'a message is too large');
        const answer = await this.transport.send({
            url: `${this.configuration.platform.url}/channel/${key.name}`, method: 'POST', body, type: 'message/ohttp-req',
            purpose: request.purpose, sealed: true, maximumBytes: maximumBytes + 65536, timeout: 60000,
        });
        if (answer.status === 401) return 'again';
        require(answer.status !== 429 && answer.status !== 503, answer.status === 429 ? 'too-many' : 'not-ready', 'the platform unit is busy or not ready');
        require(answer.status === 200, 'record-authentication', `the platform unit did not take the sealed request (status ${answer.status})`);
        require(answer.type === 'message/ohttp-res', 'record-authentication', 'the answer is not a sealed one');
        return parseResponse(await exchange.open(answer.body));
    }

    /** @param {InnerRequest} request */
    encode({ method, path, json, octets, session, idempotencyKey }) {
        /** @type {[string, string][]} */
        const fields = [['cloister-tenant', this.configuration.party], ['accept', 'application/json']];
        if (session !== undefined) fields.push(['authorization', `Bearer ${session}`]);
        if (idempotencyKey !== undefined) fields.push(['idempotency-key', idempotencyKey]);
        let content = new Uint8Array();
        if (json !== undefined) {
            content = utf8(JSON.stringify(json));
            fields.push(['content-type', 'application/json']);
        } else if (octets !== undefined) {
            content = octets;
            fields.push(['content-type', 'application/octet-stream']);
        }
        return encodeRequest({ method, authority: platformRole, path, fields, content });
    }
}

/**
 * The JSON of a successful answer. A problem document becomes a refusal with its code.
 *
 * @param {import('./binary-http.js').BinaryResponse} response
 */
export function jsonOf(response) {
    const value = response.content.length === 0 ? null : parse(response.content, 'record-authentication', 'answer of the platform unit');
    if (response.status < 300) return value;
    const problem = /** @type {any} */ (value ?? {});
    const prefix = 'urn:cloister:refusal:';
    const code = typeof problem.type === 'string' && problem.type.startsWith(prefix) ? problem.type.slice(prefix.length) : `status-${response.status}`;
    throw new Refusal(code, typeof problem.detail === 'string' ? problem.detail : typeof problem.title === 'string' ? problem.title : '');
}
