import { canonical } from '../encoding/json.js';
import { equal } from '../encoding/bytes.js';
import { Refusal, require } from '../encoding/refusal.js';

/** @typedef {import('./token.js').AttestationToken} AttestationToken */

/** What evidence says about a program: names that must be there, and the beginning of those compared where both have them. */
/** @type {Record<string, { prefix: string, measurement: string }>} */
const evidence = {
    sgx: { prefix: 'x-ms-sgx-', measurement: 'x-ms-sgx-mrenclave' },
    snp: { prefix: 'x-ms-sevsnpvm-', measurement: 'x-ms-sevsnpvm-launchmeasurement' },
};
/** What a service judged with, rather than what it judged. */
const judgement = ['x-ms-sgx-collateral', 'x-ms-sgx-tcbidentifier'];

/**
 * Whether tokens about one unit agree, and are of as many independent services as a policy wants: different names,
 * different pinned keys, different signing keys.
 *
 * @param {AttestationToken[]} tokens that verified
 * @param {number} threshold
 * @param {Refusal[]} refusals why others did not
 */
export function requireQuorum(tokens, threshold, refusals = []) {
    if (tokens.length === 0 && threshold === 1 && refusals.length > 0) throw refusals[0];
    for (const token of tokens.slice(1)) {
        const difference = differenceBetween(tokens[0], token);
        require(difference === null, 'quorum-not-met', `the attestation services disagree about ${difference}`);
    }
    const count = independent(tokens);
    const reasons = refusals.map((one) => one.code).join(', ');
    require(count >= threshold, 'quorum-not-met',
        `${count} of the ${threshold} attestation services that must agree vouch for this unit${reasons === '' ? '' : ` (${reasons})`}`);
}

/** @param {AttestationToken[]} tokens */
function independent(tokens) {
    const names = new Set();
    const keys = new Set();
    for (const { issuer, issuerPin, signingPin } of tokens) {
        if (names.has(issuer.url) || keys.has(issuerPin) || keys.has(signingPin)) continue;
        names.add(issuer.url);
        keys.add(issuerPin).add(signingPin);
    }
    return names.size;
}

/** @param {AttestationToken} one @param {AttestationToken} other @returns {string | null} */
function differenceBetween(one, other) {
    if (one.tee !== other.tee || !Object.hasOwn(evidence, one.tee)) return 'the kind of evidence';
    if (!equal(one.runtimeData.bytes, other.runtimeData.bytes)) return 'the unit\'s keys';
    if (one.grade !== other.grade) return 'the grade';
    const { prefix, measurement } = evidence[one.tee];
    if (!Object.hasOwn(one.claims, measurement) || !Object.hasOwn(other.claims, measurement)) return measurement;
    for (const [name, value] of Object.entries(one.claims)) {
        if (!name.startsWith(prefix) || judgement.includes(name) || !Object.hasOwn(other.claims, name)) continue;
        if (canonical(value) !== canonical(other.claims[name])) return name;
    }
    return null;
}
