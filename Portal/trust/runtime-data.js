import { equal, isZero } from '../encoding/bytes.js';
import { fromBase64URL, toBase64URL, toHex } from '../encoding/base64.js';
import { sha256 } from '../encoding/digest.js';
import { Members, parseCanonical } from '../encoding/json.js';
import { require } from '../encoding/refusal.js';
import { P256Key, rsaThumbprint } from './keys.js';

const code = 'binding-mismatch';

/** What a unit bound into its evidence: its keys, its role, its party (`formats.md` section 2). */
export class RuntimeData {
    /** @param {Uint8Array} bytes as received: they are what was hashed */
    static async parse(bytes) {
        require(bytes.length <= 16384, code, 'the runtime data is too large');
        const members = new Members(parseCanonical(bytes, code, 'runtime data'), code, 'runtime data');
        members.exactly('format', 'cloister-runtime-data/1');
        const keys = members.array('keys', 2);
        let encryption = 0;
        /** @type {P256Key | undefined} */
        let hopKey;
        for (const value of keys) {
            const jwk = new Members(value, code, 'key of the runtime data');
            const kid = jwk.string('kid');
            if (jwk.string('use') === 'enc') {
                encryption += 1;
                jwk.exactly('kty', 'RSA');
                const [n, e] = [jwk.string('n'), jwk.string('e')];
                const modulus = fromBase64URL(n, code, 'modulus');
                require(modulus.length >= 384 && modulus[0] >= 0x80, code, 'the wrapping key is shorter than RSA-3072');
                jwk.end();
                require(kid === (await rsaThumbprint(n, e)), code, 'the wrapping key has a wrong key id');
            } else {
                jwk.exactly('use', 'sig');
                hopKey = P256Key.fromJWK(jwk);
                require(kid === (await hopKey.thumbprint()), code, 'the hop key has a wrong key id');
            }
        }
        require(encryption === 1 && hopKey !== undefined, code, 'the runtime data has not one key of each use');
        const data = new RuntimeData();
        data.bytes = bytes;
        data.hopKey = hopKey;
        data.ohttp = fromBase64URL(members.string('ohttp'), code, '"ohttp"');
        data.role = members.string('role');
        data.party = members.string('party');
        require(fromBase64URL(data.party, code, '"party"').length === 32, code, 'the party is not a digest');
        data.nonce = members.has('nonce') ? members.string('nonce') : null;
        data.hash = await sha256(bytes);
        members.end();
        return data;
    }

    constructor() {
        this.bytes = new Uint8Array();
        /** @type {P256Key} */
        this.hopKey = new P256Key(new Uint8Array(32), new Uint8Array(32));
        this.ohttp = new Uint8Array();
        this.role = '';
        this.party = '';
        /** @type {string | null} */
        this.nonce = null;
        this.hash = new Uint8Array();
    }

    /** The report data is SHA-256 of these bytes, then zeros. @param {Uint8Array} reportData */
    requireBoundTo(reportData) {
        const bound = reportData.length === 64 && equal(reportData.subarray(0, 32), this.hash) && isZero(reportData.subarray(32));
        require(bound, code, 'the evidence was not made for these keys');
    }

    /** The host data is the party id, zero padded. @param {Uint8Array} hostData */
    requireHostData(hostData) {
        const party = fromBase64URL(this.party, code, '"party"');
        const same = hostData.length >= 32 && equal(hostData.subarray(0, 32), party) && isZero(hostData.subarray(32));
        require(same, 'config-mismatch', 'the evidence was not launched for the party that the unit names');
    }

    /** @param {Uint8Array} nonce */
    requireNonce(nonce) {
        require(this.nonce === toBase64URL(nonce), code, 'the evidence does not answer this browser\'s nonce');
    }

    get partyHex() {
        return toHex(fromBase64URL(this.party, code, '"party"'));
    }
}
