/**
 * A decision not to do what was asked, with a stable code of the threat model.
 *
 * `detail` never holds patient data or secrets: it names the failed claim, so that it may be shown and copied.
 */
export class Refusal extends Error {
    /**
     * @param {string} code for example `evidence-signature`, or `code:part`
     * @param {string} detail one sentence
     */
    constructor(code, detail) {
        super(`${code}: ${detail}`);
        this.name = 'Refusal';
        this.code = code;
        this.detail = detail;
    }
}

/**
 * Throws a refusal unless `condition` holds.
 * @param {unknown} condition
 * @param {string} code
 * @param {string} detail
 * @returns {asserts condition}
 */
export function require(condition, code, detail) {
    if (!condition) throw new Refusal(code, detail);
}

/**
 * Runs `work` and turns every other error into a refusal with `code`: parsers below use it at their outer edge, so
 * that a bound overrun or a failed import in WebCrypto never looks like a bug of the page.
 *
 * @template T
 * @param {string} code
 * @param {string} what
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function refusing(code, what, work) {
    try {
        return await work();
    } catch (error) {
        if (error instanceof Refusal) throw error;
        throw new Refusal(code, `${what} (${error instanceof Error ? error.name : 'error'})`);
    }
}
