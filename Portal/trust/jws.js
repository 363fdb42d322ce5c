import { utf8 } from '../encoding/bytes.js';
import { fromBase64URL } from '../encoding/base64.js';
import { Members, parse, parseCanonical } from '../encoding/json.js';
import { Refusal, require } from '../encoding/refusal.js';
import { P256Key } from './keys.js';

/** A JWS in compact form (RFC 7515), parsed but not yet verified. */
export class JWS {
    /** @param {string} compact @param {number} maximumBytes @param {string} code @param {string} what */
    constructor(compact, maximumBytes, code, what) {
        require(compact.length <= maximumBytes, code, `${what} is larger than ${maximumBytes} bytes`);
        const parts = compact.split('.');
        require(parts.length === 3, code, `${what} has not three parts`);
        this.compact = compact;
        this.code = code;
        this.what = what;
        this.header = new Members(parse(fromBase64URL(parts[0], code, `${what}, header`), code, `${what}, header`), code, `${what}, header`);
        this.payload = fromBase64URL(parts[1], code, `${what}, payload`);
        this.signature = fromBase64URL(parts[2], code, `${what}, signature`);
        this.signed = utf8(`${parts[0]}.${parts[1]}`);
    }

    /**
     * One of our own documents: ES256, only the named header members, a payload that is its own JCS form.
     *
     * @param {string} type value of `typ`
     * @param {'kid' | 'jwk'} keyMember
     */
    document(type, keyMember) {
        this.header.exactly('alg', 'ES256');
        this.header.exactly('typ', type);
        if (keyMember === 'kid') this.header.string('kid');
        else this.header.any('jwk');
        this.header.end();
        return new Members(parseCanonical(this.payload, this.code, this.what), this.code, this.what);
    }

    /** The key in a `jwk` header member. */
    headerKey() {
        return P256Key.fromJWK(this.header.members('jwk'));
    }

    /** @param {P256Key} key */
    async requireSignature(key) {
        if (!(await key.verifies(this.signature, this.signed))) {
            throw new Refusal(this.code, `${this.what} is not signed by the expected key`);
        }
    }
}
