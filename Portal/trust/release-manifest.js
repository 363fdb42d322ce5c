import { Members } from '../encoding/json.js';
import { Refusal, require } from '../encoding/refusal.js';
import { JWS } from './jws.js';

const code = 'endorsement-invalid';

/**
 * @typedef {{ claims: { [name: string]: import('../encoding/json.js').JSONValue }, grade: string, runtime: string, tee: string }} Measurement
 */

/** What a vendor says a build of a unit looks like (`formats.md` section 6), signed by a release key of the policy. */
export class ReleaseManifest {
    /**
     * @param {string} compact
     * @param {string} unit
     * @param {import('./party-policy.js').ReleaseSigner[]} signers of the relying party's policy
     */
    static async verify(compact, unit, signers) {
        const jws = new JWS(compact, 65536, code, 'release manifest');
        const members = jws.document('cloister-release+jwt', 'kid');
        const kid = jws.header.string('kid');
        const signer = signers.find((one) => one.unit === unit && one.pin === kid);
        if (signer === undefined) throw new Refusal(code, 'the release manifest is signed by a key that the policy does not name for this unit');
        await jws.requireSignature(signer.key);

        const manifest = new ReleaseManifest();
        manifest.compact = compact;
        manifest.signer = signer;
        members.exactly('format', 'cloister-release/1');
        members.exactly('unit', unit);
        manifest.unit = unit;
        manifest.version = members.string('version');
        manifest.build = members.string('build');
        manifest.commit = members.string('commit');
        manifest.createdAt = members.integer('createdAt');
        manifest.sequence = members.integer('sequence');
        const file = members.members('file');
        manifest.file = { name: file.string('name'), sha256: file.string('sha256'), size: file.integer('size') };
        file.end();
        for (const value of members.array('libraries')) {
            const library = new Members(value, code, 'library of the release manifest');
            manifest.libraries.push({ name: library.string('name'), sha256: library.string('sha256') });
            library.end();
        }
        for (const value of members.array('measurements')) {
            const one = new Members(value, code, 'measurement of the release manifest');
            manifest.measurements.push({
                claims: one.members('claims').object, grade: one.string('grade'), runtime: one.string('runtime'), tee: one.string('tee'),
            });
            one.end();
        }
        members.end();
        return manifest;
    }

    constructor() {
        this.compact = '';
        /** @type {import('./party-policy.js').ReleaseSigner | null} */
        this.signer = null;
        this.unit = '';
        this.version = '';
        this.build = '';
        this.commit = '';
        this.createdAt = 0;
        this.sequence = 0;
        this.file = { name: '', sha256: '', size: 0 };
        /** @type {{ name: string, sha256: string }[]} */
        this.libraries = [];
        /** @type {Measurement[]} */
        this.measurements = [];
    }

    /**
     * The entry all of whose claims are equal, in type and value, to the given ones.
     *
     * @param {{ [name: string]: import('../encoding/json.js').JSONValue }} claims
     * @param {string} tee
     * @param {string} grade
     */
    matching(claims, tee, grade) {
        return this.measurements.find((one) => {
            const names = Object.keys(one.claims);
            return one.tee === tee && one.grade === grade && names.length > 0
                && names.every((name) => Object.hasOwn(claims, name) && claims[name] === one.claims[name]);
        });
    }

    /**
     * @param {{ [name: string]: import('../encoding/json.js').JSONValue }} claims
     * @param {string} tee
     * @param {string} grade
     */
    requireAccepts(claims, tee, grade) {
        const match = this.matching(claims, tee, grade);
        if (match === undefined) throw new Refusal('measurement-unknown', 'no accepted release has this measurement');
        const signer = this.signer;
        require(signer !== null && this.sequence >= signer.leastSequence, 'svn-too-low', `release ${this.sequence} is older than the policy accepts`);
        require(!signer.withdrawn.includes(this.sequence), 'measurement-revoked', `release ${this.sequence} was withdrawn`);
        return match;
    }
}
