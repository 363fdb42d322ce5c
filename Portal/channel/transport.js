import { Refusal } from '../encoding/refusal.js';
import { concat } from '../encoding/bytes.js';

/**
 * The only place where this page talks to the network. Every request stands in the ledger, so that the page can show
 * what left the browser, and tests can see that nothing left it in the clear.
 *
 * @typedef {{ at: number, purpose: string, sealed: boolean, method: string, origin: string, bytes: number }} LedgerEntry
 */

export class Transport {
    /** @param {typeof globalThis.fetch} [fetcher] */
    constructor(fetcher = (input, init) => globalThis.fetch(input, init)) {
        this.fetcher = fetcher;
        /** @type {LedgerEntry[]} the newest 500 */
        this.ledger = [];
        /** @type {Set<() => void>} */
        this.listeners = new Set();
    }

    /**
     * @param {object} request
     * @param {string} request.url
     * @param {'GET' | 'POST'} [request.method]
     * @param {Uint8Array} [request.body]
     * @param {string} [request.type] media type of the body
     * @param {string} request.purpose for the ledger; never about a patient
     * @param {boolean} [request.sealed]
     * @param {number} request.maximumBytes of the answer
     * @param {number} [request.timeout] milliseconds
     * @returns {Promise<{ status: number, type: string, refusal: string | null, retryAfter: number | null, body: Uint8Array }>}
     */
    async send({ url, method = 'GET', body, type, purpose, sealed = false, maximumBytes, timeout = 30000 }) {
        this.record({ at: Date.now(), purpose, sealed, method, origin: new URL(url, globalThis.location?.href).origin, bytes: body?.length ?? 0 });
        let response;
        try {
            response = await this.fetcher(url, {
                method, body, headers: type === undefined ? {} : { 'Content-Type': type },
                credentials: 'omit', referrerPolicy: 'no-referrer', redirect: 'error', cache: 'no-store', mode: 'cors',
                signal: AbortSignal.timeout(timeout),
            });
            return {
                status: response.status,
                type: (response.headers.get('content-type') ?? '').split(';')[0].trim().toLowerCase(),
                refusal: response.headers.get('cloister-refusal'),
                retryAfter: Number(response.headers.get('retry-after') ?? Number.NaN) || null,
                body: await bounded(response, maximumBytes),
            };
        } catch (error) {
            if (error instanceof Refusal) throw error;
            throw new Refusal('unreachable', `${purpose}: no answer from ${new URL(url, globalThis.location?.href).origin}`);
        }
    }

    /** @param {LedgerEntry} entry */
    record(entry) {
        this.ledger.push(entry);
        if (this.ledger.length > 500) this.ledger.shift();
        for (const listener of this.listeners) listener();
    }
}

/** @param {Response} response @param {number} maximumBytes */
async function bounded(response, maximumBytes) {
    const reader = response.body?.getReader();
    /** @type {Uint8Array[]} */
    const parts = [];
    let length = 0;
    while (reader !== undefined) {
        const { done, value } = await reader.read();
        if (done) break;
        length += value.length;
        if (length > maximumBytes) {
            await reader.cancel();
            throw new Refusal('too-large', `an answer is larger than ${maximumBytes} bytes`);
        }
        parts.push(value);
    }
    return concat(...parts);
}
