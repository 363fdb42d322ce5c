import { fromBase64URL } from '../encoding/base64.js';
import { Members, parse } from '../encoding/json.js';
import { require } from '../encoding/refusal.js';

const code = 'insecure-configuration';
const kinds = ['sgx', 'ark-milan', 'ark-genoa', 'ark-turin'];

/** The portal's `config.json` (`formats.md` section 7): what this installation pins. Anything unknown stops the portal. */
export class Configuration {
    /** @param {Uint8Array} bytes */
    constructor(bytes) {
        const members = new Members(parse(bytes, code, 'config.json'), code, 'config.json');
        members.exactly('format', 'cloister-portal/1');
        this.hospital = members.string('hospital');
        this.party = pin(members.string('party'));
        this.policy = members.string('policy');
        require(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(this.policy), code, 'the policy is not a file beside config.json');
        const platform = members.members('platform');
        this.platform = { party: pin(platform.string('party')), url: origin(platform.string('url')) };
        platform.end();
        this.attestation = members.array('attestation', 8).map((value) => {
            const one = new Members(value, code, 'attestation service');
            const service = { url: origin(one.string('url')), pins: one.strings('pins', 4).map(pin) };
            one.end();
            require(service.pins.length > 0, code, 'an attestation service has no pin');
            return service;
        });
        require(this.attestation.length > 0, code, 'no attestation service is named');
        this.evidenceRoots = members.array('evidenceRoots', 16).map((value) => {
            const one = new Members(value, code, 'evidence root');
            const root = { kind: one.string('kind'), pin: pin(one.string('pin')), simulated: one.boolean('simulated') };
            one.end();
            require(kinds.includes(root.kind), code, 'an evidence root is of an unknown kind');
            return root;
        });
        require(this.evidenceRoots.length > 0, code, 'no evidence root is named');
        this.languages = members.strings('languages', 32);
        members.end();
    }

    get trustsSimulation() {
        return this.evidenceRoots.some((root) => root.simulated);
    }
}

/** @param {string} text */
function pin(text) {
    require(fromBase64URL(text, code, 'pin').length === 32, code, 'a pin is not a digest');
    return text;
}

/** An origin without path, over https. @param {string} text */
function origin(text) {
    let url;
    try {
        url = new URL(text);
    } catch {
        url = null;
    }
    require(url !== null && url.origin === text && url.protocol === 'https:', code, 'a service URL is not an https origin');
    return text;
}
