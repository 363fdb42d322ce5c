import { digest } from '../encoding/digest.js';
import { fromBase64URL } from '../encoding/base64.js';
import { Members, parse, canonical } from '../encoding/json.js';
import { equal, utf8 } from '../encoding/bytes.js';
import { Refusal, require } from '../encoding/refusal.js';
import { KeyConfiguration } from '../channel/key-configuration.js';
import { Checks } from './checks.js';
import { certifiedKey } from './issuer-keys.js';
import { JWS } from './jws.js';
import { PartyPolicy } from './party-policy.js';
import { requireQuorum } from './quorum.js';
import { ReleaseManifest } from './release-manifest.js';
import { AttestationToken, namedIssuer } from './token.js';
import { EvidenceDocument } from './verification.js';

const code = 'passport-invalid';

/**
 * One signed statement of a unit about a request that it passed on, or about its answer.
 *
 * @typedef {object} Hop
 * @property {JWS} jws
 * @property {string} digest
 * @property {'request' | 'response'} kind
 * @property {number} at
 * @property {string} role
 * @property {string} party
 * @property {string[]} tokens digests, one for each attestation service that vouches for the signer
 * @property {string} receiver
 * @property {string} enc
 * @property {string} suite
 * @property {string} request
 * @property {string | null} parent
 * @property {string | null} response
 * @property {{ name: string, sha256: string, version: string } | null} model
 */

/**
 * @typedef {object} HopVerdict
 * @property {Hop} hop
 * @property {Checks} checks
 * @property {AttestationToken | null} token
 * @property {ReleaseManifest | null} manifest
 * @property {string | null} tcbStatus
 */

/** A token and the evidence behind it, which stands at the same place in the passport. @typedef {{ compact: string, document: EvidenceDocument | undefined }} Voucher */

/** @typedef {{ accepted: boolean, code: string | null, detail: string, validAsOf: number, grade: 'hardware' | 'simulated', hops: HopVerdict[] }} PassportVerdict */

/** @param {string} compact @returns {Promise<Hop>} */
async function parseHop(compact) {
    const jws = new JWS(compact, 8192, code, 'hop statement');
    const members = jws.document('cloister-hop+jwt', 'kid');
    members.exactly('format', 'cloister-hop/1');
    const kind = members.string('kind');
    if (kind !== 'request' && kind !== 'response') members.fail('is of an unknown kind');
    fromBase64URL(members.string('nonce'), code, 'nonce of a hop');
    /** @type {Hop} */
    const hop = {
        jws, digest: await digest(compact), kind, at: members.integer('iat'), role: members.string('role'),
        party: members.string('party'), tokens: [members.string('token')], receiver: members.string('receiver'),
        enc: members.string('enc'), suite: members.string('suite'), request: members.string('request'),
        parent: members.has('parent') ? members.string('parent') : null, response: null, model: null,
    };
    if (members.has('tokens')) {
        hop.tokens.push(...members.strings('tokens', 7));
        require(hop.tokens.length > 1 && new Set(hop.tokens).size === hop.tokens.length, code, 'a hop names a token twice, or none');
    }
    if (kind === 'response') {
        hop.response = members.string('response');
        if (members.has('model')) {
            const model = members.members('model');
            hop.model = { name: model.string('name'), sha256: model.string('sha256'), version: model.string('version') };
            model.end();
        }
    }
    members.end();
    return hop;
}

/**
 * Parents before children, one beginning, time never going back, and to each request one answer, of the same exchange
 * and by another unit.
 *
 * @param {Hop[]} hops
 */
function requireChain(hops) {
    require(hops.length > 0 && hops.length <= 8, code, 'the passport has no hops, or too many');
    /** @type {Map<string, Hop>} */
    const seen = new Map();
    /** @type {Set<string>} */
    const answered = new Set();
    require(hops[0].kind === 'request', code, 'the chain of hops begins with an answer');
    for (const [i, hop] of hops.entries()) {
        require((hop.parent === null) === (i === 0), code, 'the chain of hops has not exactly one beginning');
        const parent = hop.parent === null ? undefined : seen.get(hop.parent);
        require(i === 0 || parent !== undefined, code, 'a hop names a parent that does not stand before it');
        require(parent === undefined || hop.at >= parent.at, code, 'time goes back from one hop to the next');
        if (hop.kind === 'response') {
            const same = parent !== undefined && parent.kind === 'request' && parent.enc === hop.enc
                && parent.receiver === hop.receiver && parent.suite === hop.suite && parent.request === hop.request
                && parent.jws.header.string('kid') !== hop.jws.header.string('kid');
            require(same, code, 'an answer does not belong to the request before it');
            require(!answered.has(parent.digest), code, 'a request has two answers');
            answered.add(parent.digest);
        }
        require(!seen.has(hop.digest), code, 'a hop stands twice');
        seen.set(hop.digest, hop);
    }
    require(hops.every((hop) => hop.kind === 'response' || answered.has(hop.digest)), code, 'the answer to a request is missing');
}

/**
 * Verifies a passport in this browser (`formats.md` section 5), with what this installation pins.
 *
 * @param {Uint8Array} bytes
 * @param {import('./configuration.js').Configuration} configuration
 * @param {PartyPolicy} policy the hospital's
 * @returns {Promise<PassportVerdict>}
 */
export async function verifyPassport(bytes, configuration, policy) {
    require(bytes.length <= 8 * 1024 * 1024, code, 'the passport is too large');
    const members = new Members(parse(bytes, code, 'passport'), code, 'passport');
    members.exactly('format', 'cloister-passport/1');
    const hops = await Promise.all(members.strings('hops', 8).map(parseHop));
    requireChain(hops);
    const compacts = members.strings('tokens', 16);
    const issuers = members.array('issuers', 16).map((value) => {
        const one = new Members(value, code, 'issuer of the passport');
        const issuer = { url: one.string('url'), chains: one.array('x5c', 16).map((chain) => (Array.isArray(chain) ? chain.map(String) : [])) };
        one.end();
        return issuer;
    });
    const documents = members.array('evidence', 16).map((value) => new EvidenceDocument(utf8(canonical(value))));
    /** @type {Map<string, Voucher>} */
    const tokens = new Map();
    for (const [i, compact] of compacts.entries()) tokens.set(await digest(compact), { compact, document: documents[i] });
    const manifests = members.strings('manifests', 16);
    const policies = await believedPolicies(members.strings('policies', 16), configuration, policy);
    members.end();

    /** @type {HopVerdict[]} */
    const verdicts = [];
    for (const hop of hops) verdicts.push(await verifyHop(hop, { tokens, issuers, manifests, policies, configuration, policy }));
    const failure = verdicts.map((one) => one.checks.firstFailure).find((one) => one !== null) ?? null;
    const simulated = verdicts.some((one) => one.token?.grade !== 'hardware');
    return {
        accepted: failure === null, code: failure?.code ?? null, detail: failure?.detail ?? '',
        validAsOf: hops[hops.length - 1].at, grade: simulated ? 'simulated' : 'hardware', hops: verdicts,
    };
}

/**
 * The policies whose words count: the hospital's own, which the page holds, and that of the platform's party, which
 * the configuration pins. A policy of anybody else in the passport says nothing here, and each only about hops of its
 * own time.
 *
 * @param {string[]} compacts
 * @param {import('./configuration.js').Configuration} configuration
 * @param {PartyPolicy} own
 */
async function believedPolicies(compacts, configuration, own) {
    const believed = [own];
    for (const compact of compacts) {
        for (const party of [configuration.party, configuration.platform.party]) {
            try {
                believed.push(await PartyPolicy.verify(compact, party));
            } catch (error) {
                if (!(error instanceof Refusal)) throw error;
            }
        }
    }
    return believed;
}

/**
 * @param {Hop} hop
 * @param {object} given
 * @param {Map<string, Voucher>} given.tokens
 * @param {{ url: string, chains: string[][] }[]} given.issuers
 * @param {string[]} given.manifests
 * @param {PartyPolicy[]} given.policies
 * @param {import('./configuration.js').Configuration} given.configuration
 * @param {PartyPolicy} given.policy
 * @returns {Promise<HopVerdict>}
 */
async function verifyHop(hop, { tokens, issuers, manifests, policies: all, configuration, policy }) {
    const checks = new Checks();
    const policies = all.filter((one) => one.isValid(hop.at));
    /** @type {{ token: AttestationToken, document: EvidenceDocument | undefined }[]} */
    let vouchers = [];
    /** @type {AttestationToken | null} */
    let token = null;
    /** @type {ReleaseManifest | null} */
    let manifest = null;
    /** @type {string | null} */
    let tcbStatus = null;

    await checks.run('token', async () => {
        /** @type {typeof vouchers} */
        const verified = [];
        /** @type {Refusal[]} */
        const refusals = [];
        for (const named of hop.tokens) {
            const given = tokens.get(named);
            require(given !== undefined, code, 'the passport lacks a token of a hop');
            try {
                const one = await tokenOf(given.compact, { issuers, configuration, policy, time: hop.at });
                verified.push({ token: one, document: given.document });
            } catch (error) {
                if (!(error instanceof Refusal)) throw error;
                refusals.push(error);
            }
        }
        requireQuorum(verified.map((one) => one.token), policy.threshold, refusals);
        vouchers = verified;
        token = verified[0].token;
        return verified.map((one) => `issuer ${one.token.issuer.url}`).join(', ');
    });
    const held = /** @type {AttestationToken | null} */ (token);
    await checks.run('statement', async () => {
        require(held !== null, 'receipt-invalid:token', 'there is no token to check the statement with');
        const data = held.runtimeData;
        require((await data.hopKey.thumbprint()) === hop.jws.header.string('kid'), 'token-not-bound', 'the statement is by a key that is not in the token');
        require(await data.hopKey.verifies(hop.jws.signature, hop.jws.signed), 'token-not-bound', 'the statement\'s signature does not verify');
        require(data.role === hop.role && data.party === hop.party, code, 'the statement names another role or party than the token');
        const known = hop.party === configuration.platform.party || hop.party === configuration.party
            || policies.some((one) => one.peers.some((peer) => peer.party === hop.party && peer.role === hop.role));
        require(known, 'instance-mismatch', 'the statement is by a party that no policy names');
        if (hop.kind === 'response') {
            const own = (await KeyConfiguration.parseList(data.ohttp)).some((one) => one.name === hop.receiver);
            require(own, code, 'the request was not sealed to a key of the unit that answered');
        }
    });
    await checks.run('evidence', async () => {
        require(held !== null, 'receipt-invalid:token', 'there is no token to compare the evidence with');
        const verdicts = [];
        for (const one of vouchers) verdicts.push(await verifyEvidence(one.document, one.token, configuration));
        const [{ tee, tcbStatus: status }] = verdicts;
        tcbStatus = status;
        return status === null ? tee : `${tee}, ${status}`;
    });
    await checks.run('release', async () => {
        require(held !== null, 'receipt-invalid:token', 'there is no token to find a release for');
        const signers = policies.flatMap((one) => one.releaseSigners);
        /** @type {Refusal | null} */
        let last = null;
        for (const compact of manifests) {
            try {
                const candidate = await ReleaseManifest.verify(compact, hop.role, signers);
                candidate.requireAccepts(held.claims, held.tee, held.grade);
                manifest = candidate;
                return `${candidate.unit} ${candidate.version}, release ${candidate.sequence}`;
            } catch (error) {
                if (!(error instanceof Refusal)) throw error;
                last = error;
            }
        }
        throw new Refusal('receipt-invalid:manifest', last?.detail ?? 'the passport has no release manifest');
    });
    return { hop, checks, token: held, manifest, tcbStatus };
}

/**
 * The evidence behind one token once more, independently of its issuer, at the time of that token.
 *
 * @param {EvidenceDocument | undefined} document
 * @param {AttestationToken} token
 * @param {import('./configuration.js').Configuration} configuration
 */
async function verifyEvidence(document, token, configuration) {
    const isOfToken = document !== undefined && document.runtimeData !== null && equal(document.runtimeData, token.runtimeData.bytes);
    require(isOfToken, 'receipt-invalid:evidence', 'the passport lacks the evidence behind a token');
    require(document.collateral !== undefined, 'receipt-unverifiable', 'the evidence has no collateral');
    const verdict = await document.verify(configuration.evidenceRoots, token.issuedAt);
    require(verdict.accepted, 'receipt-invalid:evidence', verdict.detail);
    token.runtimeData.requireBoundTo(verdict.reportData);
    token.runtimeData.requireHostData(verdict.hostData);
    require(verdict.grade === token.grade, 'receipt-invalid:evidence', 'token and evidence differ in grade');
    return verdict;
}

/**
 * @param {string} compact
 * @param {object} given
 * @param {{ url: string, chains: string[][] }[]} given.issuers
 * @param {import('./configuration.js').Configuration} given.configuration
 * @param {PartyPolicy} given.policy
 * @param {number} given.time
 */
async function tokenOf(compact, { issuers, configuration, policy, time }) {
    const url = namedIssuer(compact);
    const pinned = configuration.attestation.find((one) => one.url === url);
    const named = policy.issuers.find((one) => one.url === url);
    require(pinned !== undefined && named !== undefined, 'receipt-invalid:token', 'the token is by an issuer that is not pinned');
    const issuer = { ...named, pins: named.pins.filter((pin) => pinned.pins.includes(pin)) };
    return verifyWithAny(compact, issuer, issuers.filter((one) => one.url === url).flatMap((one) => one.chains), time);
}

/** @param {string} compact @param {import('./token.js').Issuer} issuer @param {string[][]} chains @param {number} time */
async function verifyWithAny(compact, issuer, chains, time) {
    /** @type {Refusal | null} */
    let last = null;
    for (const chain of chains) {
        try {
            return await AttestationToken.verify(compact, issuer, () => certifiedKey(chain, issuer.pins, time), time);
        } catch (error) {
            if (!(error instanceof Refusal)) throw error;
            last = error;
        }
    }
    throw last ?? new Refusal('receipt-invalid:token', 'the passport lacks the keys of the token\'s issuer');
}
