import { canonical, Members, parse } from '../encoding/json.js';
import { utf8 } from '../encoding/bytes.js';
import { Refusal } from '../encoding/refusal.js';

/**
 * What this browser has seen before: pins and the highest sequences. It holds no secret and nothing about a patient.
 *
 * Whoever controls the static host controls code and pins alike; what is remembered here makes a change visible.
 */
const name = 'cloister-portal-memory/1';

/** @typedef {{ what: string, before: string, now: string }} Change */

export class Memory {
    /** @param {Storage | null} storage null where the browser gives none */
    constructor(storage) {
        this.storage = storage;
        /** @type {Record<string, string>} */
        this.pins = {};
        /** @type {Record<string, number>} */
        this.sequences = {};
        let text = null;
        try {
            text = storage?.getItem(name) ?? null;
        } catch {
            this.storage = null;
        }
        if (text === null) return;
        try {
            const members = new Members(parse(utf8(text), 'state-rollback', 'memory'), 'state-rollback', 'memory');
            const pins = members.members('pins');
            for (const key of Object.keys(pins.object)) this.pins[key] = pins.string(key);
            const sequences = members.members('sequences');
            for (const key of Object.keys(sequences.object)) this.sequences[key] = sequences.integer(key);
        } catch (error) {
            if (!(error instanceof Refusal)) throw error;
        }
    }

    save() {
        try {
            this.storage?.setItem(name, canonical({ pins: this.pins, sequences: this.sequences }));
        } catch {
            // A full or forbidden storage only means that a change is not noticed next time.
        }
    }

    /** What would be pinned now. @param {import('./configuration.js').Configuration} configuration */
    static pinsOf(configuration) {
        return {
            party: configuration.party,
            'platform party': configuration.platform.party,
            'platform address': configuration.platform.url,
            'attestation services': configuration.attestation.map((one) => `${one.url} ${one.pins.join(' ')}`).sort().join('\n'),
            'evidence roots': configuration.evidenceRoots.map((one) => `${one.kind} ${one.pin}${one.simulated ? ' simulated' : ''}`).sort().join('\n'),
        };
    }

    /** @param {import('./configuration.js').Configuration} configuration @returns {Change[]} none at a first visit */
    changes(configuration) {
        return Object.entries(Memory.pinsOf(configuration))
            .filter(([what, now]) => this.pins[what] !== undefined && this.pins[what] !== now)
            .map(([what, now]) => ({ what, before: this.pins[what], now }));
    }

    /** @param {import('./configuration.js').Configuration} configuration */
    remember(configuration) {
        this.pins = Memory.pinsOf(configuration);
        this.save();
    }

    /**
     * Refuses a document with a lower sequence than one seen before, and remembers a higher one.
     *
     * @param {string} document for example `policy <party>`
     * @param {number} sequence
     */
    advance(document, sequence) {
        const seen = this.sequences[document] ?? 0;
        if (sequence < seen) {
            throw new Refusal('endorsement-invalid', `the ${document.split(' ')[0]} has sequence ${sequence}, but this browser has seen ${seen}`);
        }
        if (sequence > seen) {
            this.sequences[document] = sequence;
            this.save();
        }
    }
}
