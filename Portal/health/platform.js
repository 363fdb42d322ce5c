import { fromBase64URL, toBase64URL, toHex } from '../encoding/base64.js';
import { random } from '../encoding/bytes.js';
import { sha256 } from '../encoding/digest.js';
import { Members } from '../encoding/json.js';
import { jsonOf } from '../channel/channel.js';
import { Refusal, require } from '../encoding/refusal.js';

const malformed = 'record-authentication';
export const partLength = 1024 * 1024;
/** WebCrypto hashes a file in one piece, so a file is held in memory once. */
export const maximumFileLength = 250 * 1000 * 1000;

/** @typedef {{ id: string, family: string, given: string, birthDate: string }} Patient */
/** @typedef {{ id: string, study: string, state: 'pending' | 'running' | 'done' | 'failed', attempt: number, result: string | null, code: string | null, detail: string | null }} Job */
/** @typedef {{ id: string, study: string, patient: string, completedAt: number }} ResultSummary */
/**
 * @typedef {object} Result
 * @property {string} id
 * @property {string} study
 * @property {string} patient
 * @property {number} rows
 * @property {number} columns
 * @property {Uint8Array} labels rows × columns
 * @property {Uint8Array} image rows × columns, grey
 * @property {string[]} classes
 * @property {Record<string, number>} volumes millilitres
 * @property {{ name: string, version: string, sha256: string }} model
 * @property {string} passport
 * @property {number} completedAt seconds since 1970
 */

/** A key under which an effect happens once, however often it is asked for. */
export const freshKey = () => toBase64URL(random(16));

/** The inner API of the platform unit. Everything here goes through the channel. */
export class Platform {
    /** @param {import('../channel/channel.js').Channel} channel */
    constructor(channel) {
        this.channel = channel;
        /** @type {{ session: string, user: string, expires: number } | null} in memory only */
        this.session = null;
        /** Called when the platform no longer takes the session. */
        this.onSessionLost = () => {};
    }

    /** @param {import('../channel/channel.js').InnerRequest} request */
    async call(request) {
        const session = this.session?.session;
        try {
            return jsonOf(await this.channel.send({ ...request, ...(session === undefined ? {} : { session }) }));
        } catch (error) {
            if (session !== undefined && error instanceof Refusal && error.code === 'login-invalid') {
                this.session = null;
                this.onSessionLost();
            }
            throw error;
        }
    }

    /** @param {string} enrolment @param {string} user @param {string} password @param {string} key */
    async createAccount(enrolment, user, password, key) {
        await this.call({ method: 'POST', path: '/accounts', purpose: 'account', json: { enrolment, user, password }, idempotencyKey: key });
    }

    /** @param {string} user @param {string} password */
    async signIn(user, password) {
        const answer = await this.call({ method: 'POST', path: '/sessions', purpose: 'sign-in', json: { user, password }, idempotencyKey: freshKey() });
        const members = new Members(answer, malformed, 'session');
        this.session = { session: members.string('session'), user: members.string('user'), expires: members.integer('expires') };
        return this.session;
    }

    async signOut() {
        try {
            await this.call({ method: 'DELETE', path: '/sessions/current', purpose: 'sign-out', idempotencyKey: freshKey() });
        } finally {
            this.session = null;
        }
    }

    /** @param {Record<string, string>} patient @param {string} key @returns {Promise<string>} its id */
    async createPatient(patient, key) {
        const answer = await this.call({ method: 'POST', path: '/patients', purpose: 'patient record', json: patient, idempotencyKey: key });
        return new Members(answer, malformed, 'patient').string('id');
    }

    /** @returns {Promise<Patient[]>} */
    async patients() {
        const answer = new Members(await this.call({ method: 'GET', path: '/patients', purpose: 'patient list' }), malformed, 'patients');
        return answer.array('patients', 10000).map((value) => {
            const one = new Members(value, malformed, 'patient');
            return { id: one.string('id'), family: one.string('family'), given: one.string('given'), birthDate: one.string('birthDate') };
        });
    }

    /** @param {Record<string, string>} study @param {string} key */
    async createStudy(study, key) {
        const answer = new Members(await this.call({ method: 'POST', path: '/studies', purpose: 'study', json: study, idempotencyKey: key }), malformed, 'study');
        return { upload: identifier(answer.string('upload')), study: answer.string('study') };
    }

    /** @param {string} upload @param {number} index @param {Uint8Array} octets */
    async putPart(upload, index, octets) {
        await this.call({ method: 'PUT', path: `/uploads/${upload}/parts/${index}`, purpose: 'image part', octets, idempotencyKey: `${upload}.${index}` });
    }

    /** @param {string} upload @returns {Promise<Set<number>>} parts that are already durable */
    async uploadedParts(upload) {
        const answer = new Members(await this.call({ method: 'GET', path: `/uploads/${upload}`, purpose: 'upload state' }), malformed, 'upload');
        return new Set(answer.array('parts', 65536).map(Number));
    }

    /** @param {string} upload @param {number} length @param {string} sha256_ lower-case hex @returns {Promise<string>} the job */
    async completeUpload(upload, length, sha256_) {
        const answer = await this.call({
            method: 'POST', path: `/uploads/${upload}/complete`, purpose: 'end of upload', json: { length, sha256: sha256_ }, idempotencyKey: `${upload}.complete`,
        });
        return identifier(new Members(answer, malformed, 'job').string('job'));
    }

    /** @param {string} id @returns {Promise<Job>} */
    async job(id) {
        const one = new Members(await this.call({ method: 'GET', path: `/jobs/${id}`, purpose: 'job state' }), malformed, 'job');
        const state = one.string('state');
        if (state !== 'pending' && state !== 'running' && state !== 'done' && state !== 'failed') one.fail('is in an unknown state');
        return {
            id: one.string('id'), study: one.string('study'), state, attempt: one.integer('attempt'), result: optional(one, 'result'),
            code: optional(one, 'code'), detail: optional(one, 'detail'),
        };
    }

    /** @param {number} after */
    async events(after) {
        const answer = new Members(await this.call({ method: 'GET', path: `/events?after=${after}`, purpose: 'events' }), malformed, 'events');
        return answer.array('events', 10000).map((value) => {
            const one = new Members(value, malformed, 'event');
            return { sequence: one.integer('sequence'), kind: one.string('kind'), job: one.string('job'), study: one.string('study'), result: optional(one, 'result') };
        });
    }

    /** @returns {Promise<ResultSummary[]>} */
    async results() {
        const answer = new Members(await this.call({ method: 'GET', path: '/results', purpose: 'result list' }), malformed, 'results');
        return answer.array('results', 10000).map((value) => {
            const one = new Members(value, malformed, 'result');
            return { id: one.string('id'), study: one.string('study'), patient: one.string('patient'), completedAt: one.integer('completedAt') };
        });
    }

    /** @param {string} id @returns {Promise<Result>} */
    async result(id) {
        const one = new Members(await this.call({ method: 'GET', path: `/results/${identifier(id)}`, purpose: 'result' }), malformed, 'result');
        const [rows, columns] = [one.integer('rows'), one.integer('columns')];
        require(rows > 0 && columns > 0 && rows <= 4096 && columns <= 4096, 'output-shape', 'the result has an impossible size');
        const plane = (/** @type {string} */ name) => {
            const bytes = fromBase64URL(one.string(name), malformed, name);
            require(bytes.length === rows * columns, 'output-shape', `the result's ${name} has another size than its image`);
            return bytes;
        };
        const classes = one.strings('classes', 16);
        const labels = plane('labels');
        require(labels.every((label) => label < classes.length), 'output-shape', 'the result has a label without a name');
        const volumes = one.members('volumes');
        const model = one.members('model');
        return {
            id: one.string('id'), study: one.string('study'), patient: one.string('patient'), rows, columns, labels, image: plane('image'), classes,
            volumes: Object.fromEntries(Object.entries(volumes.object).map(([name, value]) => [name, Number(value)])),
            model: { name: model.string('name'), version: model.string('version'), sha256: model.string('sha256') },
            passport: one.string('passport'), completedAt: one.integer('completedAt'),
        };
    }

    /** The passport's bytes as they were sent, so that an export is what was checked. @param {string} id */
    async passport(id) {
        const session = this.session?.session;
        const response = await this.channel.send({ method: 'GET', path: `/passports/${identifier(id)}`, purpose: 'passport', ...(session === undefined ? {} : { session }) });
        if (response.status !== 200) jsonOf(response);
        return response.content;
    }
}

/** Ids stand in inner paths, so they may only be of harmless characters. @param {string} id */
function identifier(id) {
    if (!/^[A-Za-z0-9._~-]{1,128}$/.test(id)) throw new Refusal(malformed, 'an identifier has characters that it may not have');
    return id;
}

/** @param {Members} members @param {string} name */
function optional(members, name) {
    return members.has(name) && members.object[name] !== null ? String(members.any(name)) : null;
}

/**
 * One file on its way: parts that were acknowledged are never sent again, so that it can go on after a break.
 */
export class Upload {
    /** @param {Platform} platform @param {File} file @param {Record<string, string>} study */
    constructor(platform, file, study) {
        this.platform = platform;
        this.file = file;
        this.study = study;
        this.studyKey = freshKey();
        /** @type {string | null} */
        this.id = null;
        /** @type {Set<number>} */
        this.done = new Set();
        this.paused = false;
    }

    get parts() {
        return Math.max(1, Math.ceil(this.file.size / partLength));
    }

    get fraction() {
        return this.done.size / this.parts;
    }

    pause() {
        this.paused = true;
    }

    /**
     * Sends what is missing. Can be called again after a break.
     *
     * @param {() => void} progress
     * @returns {Promise<string | null>} the job, or null when it was paused
     */
    async run(progress) {
        this.paused = false;
        require(this.file.size <= maximumFileLength, 'too-large', 'the file is too large');
        const bytes = new Uint8Array(await this.file.arrayBuffer());
        if (this.id === null) this.id = (await this.platform.createStudy(this.study, this.studyKey)).upload;
        else this.done = await this.platform.uploadedParts(this.id);
        for (let index = 0; index < this.parts; index += 1) {
            if (this.paused) return null;
            if (!this.done.has(index)) {
                await this.platform.putPart(this.id, index, bytes.subarray(index * partLength, (index + 1) * partLength));
                this.done.add(index);
            }
            progress();
        }
        return this.platform.completeUpload(this.id, bytes.length, toHex(await sha256(bytes)));
    }
}
