import { Channel } from '../channel/channel.js';
import { Platform } from '../health/platform.js';
import { Refusal } from '../encoding/refusal.js';
import { Verifier } from '../trust/verification.js';

/**
 * The state of the page and what its views share. It lives in memory only: closing or reloading the page signs out.
 *
 * @typedef {'verifying' | 'verified' | 'refused'} TrustState
 */
export class App extends EventTarget {
    /**
     * @param {import('../trust/configuration.js').Configuration} configuration
     * @param {import('../channel/transport.js').Transport} transport
     * @param {import('../trust/memory.js').Memory} memory
     */
    constructor(configuration, transport, memory) {
        super();
        this.configuration = configuration;
        this.transport = transport;
        this.memory = memory;
        /** @type {TrustState} */
        this.trust = 'verifying';
        /** @type {import('../trust/verification.js').Stage | null} */
        this.stage = null;
        /** @type {Refusal | null} */
        this.refusal = null;
        /** @type {import('../trust/verification.js').VerifiedUnit | null} */
        this.unit = null;
        const verifier = new Verifier({ configuration, transport, memory, progress: (stage) => this.verifying(stage) });
        this.channel = new Channel({ configuration, transport, verify: () => this.verify(verifier), recheck: (unit) => verifier.requireStillTrusted(unit) });
        this.platform = new Platform(this.channel);
        this.platform.onSessionLost = () => this.changed('session');
        /** @type {Map<string, { job: string, state: string, attempt: number, patient: string, result: string | null, code: string | null, detail: string | null }>} */
        this.jobs = new Map();
        /** @type {import('../health/platform.js').Patient[] | null} */
        this.patients = null;
        this.lastEvent = 0;
        this.offline = false;
        this.unseen = 0;
        /** @type {Set<import('../health/platform.js').Upload>} */
        this.uploads = new Set();
        /** What the next view opens with: never in the address. @type {{ patient?: string, result?: string }} */
        this.selection = {};
    }

    /** @param {string} name */
    changed(name) {
        this.dispatchEvent(new Event(name));
    }

    /** @param {import('../trust/verification.js').Stage} stage */
    verifying(stage) {
        this.trust = 'verifying';
        this.stage = stage;
        this.changed('trust');
    }

    /** @param {Verifier} verifier */
    async verify(verifier) {
        try {
            this.unit = await verifier.verify();
            this.trust = 'verified';
            this.refusal = null;
            this.changed('trust');
            return this.unit;
        } catch (error) {
            this.trust = 'refused';
            this.unit = null;
            this.refusal = error instanceof Refusal ? error : new Refusal('unexpected', error instanceof Error ? error.name : '');
            this.changed('trust');
            // A service that is away comes back; a failed check stays failed until a person asks again.
            clearTimeout(this.retry);
            if (this.isAway) this.retry = setTimeout(() => this.channel.reverify().catch(() => undefined), 10000);
            throw this.refusal;
        }
    }

    /** Whether the last refusal is only that somebody did not answer. */
    get isAway() {
        return this.refusal !== null && ['unreachable', 'not-ready', 'too-many', 'issuer-keys-unavailable', 'collateral-unavailable'].includes(this.refusal.code);
    }

    /** @param {string} id */
    patientName(id) {
        const patient = this.patients?.find((one) => one.id === id);
        return patient === undefined ? null : `${patient.family}, ${patient.given}`;
    }

    async loadPatients() {
        this.patients = await this.platform.patients();
        this.changed('patients');
        return this.patients;
    }

    /** @param {string} job @param {string} patient */
    follow(job, patient) {
        this.jobs.set(job, { job, state: 'pending', attempt: 0, patient, result: null, code: null, detail: null });
        this.changed('jobs');
        this.poll();
    }

    get working() {
        return [...this.jobs.values()].some((one) => one.state === 'pending' || one.state === 'running');
    }

    /** Asks for events, and again soon while a job is under way. */
    poll() {
        clearTimeout(this.timer);
        if (this.platform.session === null) return;
        this.timer = setTimeout(async () => {
            try {
                await this.pollOnce();
                this.offline = false;
            } catch {
                // The next turn asks again; what is shown meanwhile is the last known state, marked as such.
                this.offline = true;
            }
            this.changed('jobs');
            this.poll();
        }, this.working ? 1500 : 15000);
    }

    async pollOnce() {
        for (const event of await this.platform.events(this.lastEvent)) {
            this.lastEvent = Math.max(this.lastEvent, event.sequence);
            const job = this.jobs.get(event.job);
            if (job !== undefined) {
                job.state = event.kind === 'result' ? 'done' : 'failed';
                job.result = event.result;
                if (event.kind === 'result') {
                    this.unseen += 1;
                    this.changed('arrived');
                }
            }
        }
        for (const followed of this.jobs.values()) {
            if (followed.state === 'pending' || followed.state === 'running' || (followed.state === 'failed' && followed.code === null)) {
                const job = await this.platform.job(followed.job);
                const { state, attempt, result, code, detail } = job;
                Object.assign(followed, { state, attempt, result, code: state === 'failed' ? code ?? 'failed' : code, detail });
            }
        }
    }
}
