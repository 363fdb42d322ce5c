import { equal, random, text, utf8 } from '../encoding/bytes.js';
import { fromBase64URL, toBase64URL } from '../encoding/base64.js';
import { Members, parse } from '../encoding/json.js';
import { Refusal, require } from '../encoding/refusal.js';
import { KeyConfiguration } from '../channel/key-configuration.js';
import { requireAccepted } from './checks.js';
import { IssuerKeySet } from './issuer-keys.js';
import { PartyPolicy } from './party-policy.js';
import { requireQuorum } from './quorum.js';
import { ReleaseManifest } from './release-manifest.js';
import { Revocations } from './revocations.js';
import { RuntimeData } from './runtime-data.js';
import { verifySGX } from './sgx.js';
import { verifySNP } from './snp.js';
import { AttestationToken } from './token.js';

export const platformRole = 'medical-platform';

/**
 * What was proven about one unit. Only this holds keys that the page may seal to.
 *
 * @typedef {object} VerifiedUnit
 * @property {number} at seconds since 1970 when it was verified
 * @property {number} validUntil when the first thing that it rests on ends
 * @property {'hardware' | 'simulated'} grade
 * @property {import('./checks.js').Verdict} verdict
 * @property {import('./checks.js').EvidenceRoot} root
 * @property {RuntimeData} runtimeData
 * @property {AttestationToken[]} tokens
 * @property {PartyPolicy} policy
 * @property {ReleaseManifest} manifest
 * @property {import('./release-manifest.js').Measurement} measurement
 * @property {KeyConfiguration[]} keyConfigurations
 * @property {Uint8Array} document the evidence document as received, for export
 * @property {number} milliseconds
 */

/** @typedef {'policy' | 'evidence' | 'token' | 'release'} Stage */

/** Verifies units for one hospital's portal. */
export class Verifier {
    /**
     * @param {object} given
     * @param {import('./configuration.js').Configuration} given.configuration
     * @param {import('../channel/transport.js').Transport} given.transport
     * @param {import('./memory.js').Memory} given.memory
     * @param {() => number} [given.clock] seconds since 1970
     * @param {(stage: Stage) => void} [given.progress]
     */
    constructor({ configuration, transport, memory, clock = () => Math.floor(Date.now() / 1000), progress = () => {} }) {
        this.configuration = configuration;
        this.transport = transport;
        this.memory = memory;
        this.clock = clock;
        this.progress = progress;
        this.revocations = new Revocations(transport);
    }

    /**
     * Refuses a unit whose tokens were revoked since it was verified; asked before each use of its keys.
     *
     * @param {VerifiedUnit} unit
     */
    async requireStillTrusted(unit) {
        for (const token of unit.tokens) await this.revocations.requireNotRevoked(token, this.clock());
    }

    /** The hospital's own policy, from beside the page, by the pinned party. */
    async policy() {
        const answer = await this.transport.send({ url: `./${this.configuration.policy}`, purpose: 'party policy', maximumBytes: 65536 });
        require(answer.status === 200, 'endorsement-invalid', 'the party policy cannot be read');
        const policy = await PartyPolicy.verify(asciiLine(answer.body, 'endorsement-invalid', 'the party policy'), this.configuration.party);
        policy.requireValid(this.clock());
        this.memory.advance(`policy ${policy.party}`, policy.sequence);
        return policy;
    }

    /**
     * Asks the platform unit for evidence over a fresh nonce and verifies everything down to its keys.
     *
     * @returns {Promise<VerifiedUnit>}
     */
    async verify() {
        const started = performance.now();
        this.progress('policy');
        const policy = await this.policy();
        this.progress('evidence');
        const nonce = random(32);
        const { platform } = this.configuration;
        const answer = await this.transport.send({
            url: `${platform.url}/evidence?nonce=${toBase64URL(nonce)}`, purpose: 'evidence of the platform unit', maximumBytes: 1 << 20,
        });
        require(answer.status !== 429, 'too-many', 'the platform unit is asked for evidence too often');
        require(answer.status === 200, 'evidence-malformed', `the platform unit gave no evidence (status ${answer.status})`);
        const document = new EvidenceDocument(answer.body);
        const time = this.clock();
        const verdict = await document.verify(this.configuration.evidenceRoots, time);
        requireAccepted(verdict);
        const root = this.rootOf(verdict);

        require(document.runtimeData !== null, 'binding-mismatch', 'the evidence came without runtime data');
        const runtimeData = await RuntimeData.parse(document.runtimeData);
        runtimeData.requireBoundTo(verdict.reportData);
        runtimeData.requireNonce(nonce);
        require(runtimeData.role === platformRole, 'role-mismatch', 'the unit has another role');
        require(runtimeData.party === platform.party, 'instance-mismatch', 'the unit is run by a party that is not pinned');
        runtimeData.requireHostData(verdict.hostData);

        this.progress('token');
        const tokens = await this.tokens(policy, document, runtimeData);
        for (const token of tokens) {
            require(token.tee === verdict.tee && token.grade === verdict.grade, 'grade-insufficient', 'the attestation service and this browser disagree about the TEE');
        }

        this.progress('release');
        require(document.manifest !== null, 'measurement-unknown', 'the unit names no release manifest');
        const manifest = await ReleaseManifest.verify(document.manifest, platformRole, policy.releaseSigners);
        const measurement = manifest.requireAccepts(verdict.claims, verdict.tee, String(verdict.grade));
        for (const token of tokens) manifest.requireAccepts(token.claims, token.tee, token.grade);
        this.memory.advance(`release ${platform.party}/${platformRole}`, manifest.sequence);

        const keyConfigurations = await KeyConfiguration.parseList(runtimeData.ohttp);
        this.memory.remember(this.configuration);
        return {
            at: time,
            validUntil: Math.min(policy.notAfter, verdict.validUntil ?? 0, ...tokens.map((token) => token.validUntil)),
            grade: /** @type {'hardware' | 'simulated'} */ (verdict.grade), verdict, root, runtimeData, tokens, policy, manifest, measurement,
            keyConfigurations, document: answer.body, milliseconds: performance.now() - started,
        };
    }

    /** @param {import('./checks.js').Verdict} verdict */
    rootOf(verdict) {
        const pin = verdict.chain[0]?.pin;
        const root = this.configuration.evidenceRoots.find((one) => one.pin === pin);
        if (root === undefined) throw new Refusal('untrusted-root', 'the evidence ends in a root that this installation does not pin');
        return root;
    }

    /**
     * Tokens of the browser's own asking, one from each issuer that configuration and policy both name. As many as the
     * policy wants must agree.
     *
     * @param {PartyPolicy} policy
     * @param {EvidenceDocument} document
     * @param {RuntimeData} runtimeData
     */
    async tokens(policy, document, runtimeData) {
        /** @type {AttestationToken[]} */
        const tokens = [];
        /** @type {Refusal[]} */
        const refusals = [];
        for (const service of this.configuration.attestation) {
            const named = policy.issuers.find((one) => one.url === service.url);
            if (named === undefined) continue;
            const issuer = { ...named, pins: named.pins.filter((pin) => service.pins.includes(pin)) };
            try {
                tokens.push(await this.token(issuer, document, runtimeData));
            } catch (error) {
                if (!(error instanceof Refusal)) throw error;
                refusals.push(error);
            }
        }
        requireQuorum(tokens, policy.threshold, refusals);
        return tokens;
    }

    /**
     * @param {import('./token.js').Issuer} issuer
     * @param {EvidenceDocument} document
     * @param {RuntimeData} runtimeData
     */
    async token(issuer, document, runtimeData) {
        const certificates = await this.transport.send({ url: `${issuer.url}/certs`, purpose: 'keys of the attestation service', maximumBytes: 1 << 20 });
        require(certificates.status === 200, 'issuer-keys-unavailable', 'the attestation service gives no keys');
        const keys = new IssuerKeySet(certificates.body);
        const { path, body } = document.attestRequest();
        const answer = await this.transport.send({
            url: `${issuer.url}/attest/${path}?api-version=2022-08-01`, method: 'POST', body, type: 'application/json',
            purpose: 'appraisal of the evidence', maximumBytes: 1 << 20,
        });
        if (answer.status !== 200) {
            const code = answer.refusal !== null && /^[a-z0-9:-]{1,64}$/.test(answer.refusal) ? answer.refusal : 'quorum-not-met';
            throw new Refusal(code, `the attestation service refused the evidence (status ${answer.status})`);
        }
        const compact = new Members(parse(answer.body, 'token-malformed', 'answer of the attestation service'), 'token-malformed', 'answer').string('token');
        const time = this.clock();
        const token = await AttestationToken.verify(compact, issuer, (kid) => keys.key(kid, issuer.pins, time), time);
        await this.revocations.requireNotRevoked(token, time);
        require(equal(token.runtimeData.bytes, runtimeData.bytes), 'token-not-bound', 'the token is about other keys than the evidence');
        return token;
    }
}

/** What `GET /evidence` answers (`formats.md` section 8). */
export class EvidenceDocument {
    /** @param {Uint8Array} bytes */
    constructor(bytes) {
        const code = 'evidence-malformed';
        const members = new Members(parse(bytes, code, 'evidence document'), code, 'evidence document');
        members.exactly('format', 'cloister-evidence/1');
        this.tee = members.string('tee');
        this.evidence = fromBase64URL(members.string('evidence'), code, '"evidence"');
        this.runtimeData = members.has('runtimeData') ? fromBase64URL(members.string('runtimeData'), code, '"runtimeData"') : null;
        this.collateral = members.has('collateral') ? members.any('collateral') : undefined;
        if (members.has('tokens')) members.strings('tokens', 8);
        this.manifest = members.has('manifest') ? members.string('manifest') : null;
        members.end();
    }

    /** @param {import('./checks.js').EvidenceRoot[]} roots @param {number} time */
    async verify(roots, time) {
        if (this.tee === 'snp') return verifySNP(this.evidence, this.collateral, roots, time);
        if (this.tee === 'sgx') return verifySGX(this.evidence, this.collateral, roots, time);
        throw new Refusal('evidence-malformed', 'the evidence is of a TEE that this portal does not verify');
    }

    /** The same evidence in the form of the attestation API (sections 7.2 and 7.4). */
    attestRequest() {
        const encoded = (/** @type {object} */ value) => utf8(JSON.stringify(value));
        const runtimeData = { data: toBase64URL(this.runtimeData ?? new Uint8Array()), dataType: 'JSON' };
        if (this.tee === 'sgx') {
            return { path: 'SgxEnclave', body: encoded({ quote: toBase64URL(this.evidence), runtimeData, tokenAlgorithm: 'ES256' }) };
        }
        const collateral = new Members(this.collateral, 'collateral-invalid', 'SNP collateral');
        const pem = [collateral.string('vek'), collateral.string('chain')].map((one) => (one.endsWith('\n') ? one : `${one}\n`)).join('');
        const report = { SnpReport: toBase64URL(this.evidence), VcekCertChain: toBase64URL(utf8(pem)) };
        return { path: 'SevSnpVm', body: encoded({ report: toBase64URL(encoded(report)), runtimeData, tokenAlgorithm: 'ES256' }) };
    }
}

/** @param {Uint8Array} bytes @param {string} code @param {string} what */
function asciiLine(bytes, code, what) {
    try {
        return text(bytes).trim();
    } catch {
        throw new Refusal(code, `${what} is not text`);
    }
}
