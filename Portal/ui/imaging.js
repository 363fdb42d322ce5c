import { Upload, maximumFileLength } from '../health/platform.js';
import { kindOf } from '../health/dicom.js';
import { digest } from '../encoding/digest.js';
import { freshID, h, icon, replace } from './dom.js';
import { Field, Form, notice, refusalNotice } from './form.js';
import { bytes, day, number, t } from './language.js';

/**
 * Upload of one image for one patient, and the jobs that came of uploads.
 *
 * @param {import('./frame.js').Frame} frame
 * @returns {import('./frame.js').View}
 */
export function imagingView(frame) {
    const { app } = frame;
    const node = h('div', { class: 'stack' }, h('h1', null, t('imaging.title')), h('p', { class: 'lead' }, t('imaging.text')));
    const place = h('div', null, h('p', { class: 'loading', role: 'status' }, t('loading')));
    const jobs = h('section', { class: 'card jobs', 'aria-labelledby': 'jobs-title' });
    node.append(place, jobs);
    const showJobs = () => replace(jobs, jobList(frame));
    app.addEventListener('jobs', showJobs);
    showJobs();
    /** @type {(() => void) | undefined} */
    let close;
    (app.patients === null ? app.loadPatients() : Promise.resolve(app.patients)).then((patients) => {
        if (patients.length === 0) {
            replace(place, h('section', { class: 'card' }, notice('info', h('p', null, t('imaging.noPatient'))),
                h('div', { class: 'actions' }, h('button', { type: 'button', class: 'primary', onclick: () => frame.open('patient') }, t('nav.patient')))));
            return;
        }
        const part = uploadCard(frame, patients);
        close = part.close;
        replace(place, part.node);
    }, (error) => replace(place, refusalNotice(error)));
    return {
        node,
        close: () => {
            app.removeEventListener('jobs', showJobs);
            close?.();
        },
    };
}

/** @param {import('./frame.js').Frame} frame @param {import('../health/platform.js').Patient[]} patients */
function uploadCard(frame, patients) {
    const { app } = frame;
    const choices = patients.map((one) => /** @type {[string, string]} */ ([one.id, `${one.family}, ${one.given} · ${day(one.birthDate)}`]));
    const patient = new Field({ name: 'patient', required: true, choices });
    if (app.selection.patient !== undefined) patient.control.value = app.selection.patient;
    const description = new Field({ name: 'description' });
    const reason = new Field({ name: 'reason' });
    const file = h('input', { type: 'file', id: freshID('file'), class: 'visually-hidden', accept: '.dcm,application/dicom', onclick: () => { file.value = ''; }, onchange: () => choose(file.files?.[0]) });
    const chosen = h('div', { class: 'chosen', 'aria-live': 'polite' });
    const drop = h('label', { class: 'drop', for: file.id }, icon('upload'),
        h('span', null, h('strong', null, t('imaging.choose')), h('span', { class: 'fine' }, t('imaging.drop', { size: bytes(maximumFileLength) }))));
    for (const name of ['dragenter', 'dragover', 'dragleave', 'drop']) {
        drop.addEventListener(name, (event) => {
            event.preventDefault();
            drop.classList.toggle('over', name === 'dragenter' || name === 'dragover');
            if (name === 'drop') choose(/** @type {DragEvent} */ (event).dataTransfer?.files[0]);
        });
    }
    /** @type {File | null} */
    let selected = null;
    /** @param {File | undefined} given */
    const choose = async (given) => {
        selected = null;
        if (given === undefined) return replace(chosen);
        if (given.size === 0 || given.size > maximumFileLength) return replace(chosen, notice('bad', h('p', null, t('imaging.size', { size: bytes(maximumFileLength) }))));
        const content = new Uint8Array(await given.arrayBuffer());
        const kind = kindOf(content);
        if (kind === 'image') return replace(chosen, notice('bad', h('p', null, t('imaging.notDICOM'))));
        selected = given;
        return replace(chosen, h('div', { class: 'file' }, icon('image'),
            h('div', null, h('strong', null, given.name), h('span', { class: 'fine' }, bytes(given.size)), h('code', { class: 'fine' }, `SHA-256 ${await digest(content)}`))),
            kind === 'unknown' && notice('warn', h('p', null, t('imaging.unknown'))));
    };
    const progress = h('div', { class: 'upload' });
    const form = new Form({
        fields: [patient, description, reason],
        content: [
            h('div', { class: 'grid' }, patient.node, description.node, reason.node),
            h('div', { class: 'drop-area' }, file, drop), chosen,
            h('details', { class: 'leaves' }, h('summary', null, t('leaves.title')), h('p', null, t('leaves.text')),
                h('ul', null, ['identity', 'private', 'pixels'].map((one) => h('li', null, t(`leaves.${one}`))))),
        ],
        submit: t('imaging.submit'),
        onsubmit: async (values) => {
            if (selected === null) {
                replace(chosen, notice('bad', h('p', null, t('imaging.noFile'))));
                file.focus();
                return;
            }
            const study = { patient: values.patient, ...(values.description && { description: values.description }), ...(values.reason && { reason: values.reason }) };
            app.selection.patient = values.patient;
            await send(frame, new Upload(app.platform, selected, study), progress);
            selected = null;
            file.value = '';
            replace(chosen);
        },
    });
    const update = () => form.block(app.trust === 'verified' ? null : t(app.trust === 'verifying' ? 'blocked.verifying' : 'blocked.refused'));
    app.addEventListener('trust', update);
    update();
    return { node: h('section', { class: 'card' }, form.node, progress), close: () => app.removeEventListener('trust', update) };
}

/**
 * Sends one file with a visible state. A break leaves a button to go on; what was acknowledged is not sent again.
 *
 * @param {import('./frame.js').Frame} frame
 * @param {Upload} upload
 * @param {HTMLElement} place
 */
async function send(frame, upload, place) {
    const { app } = frame;
    const bar = h('progress', { max: '1', value: 0, 'aria-label': t('upload.progress') });
    const text = h('p', { class: 'fine' });
    const actions = h('div', { class: 'actions' });
    const message = h('div', { role: 'alert' });
    replace(place, h('h2', null, t('upload.title')), bar, text, message, actions);
    let announced = 0;
    const show = () => {
        bar.value = upload.fraction;
        replace(text, icon('lock'), t('upload.state', { done: upload.done.size, parts: upload.parts, percent: number(Math.round(upload.fraction * 100)) }));
        const tenth = Math.floor(upload.fraction * 10);
        if (tenth > announced) {
            announced = tenth;
            frame.announce(t('upload.announce', { percent: number(tenth * 10) }));
        }
    };
    const pause = h('button', { type: 'button', onclick: () => upload.pause() }, t('upload.pause'));
    app.uploads.add(upload);
    try {
        for (;;) {
            replace(actions, upload.parts > 1 && pause);
            replace(message);
            show();
            try {
                const job = await upload.run(show);
                if (job !== null) {
                    app.follow(job, upload.study.patient);
                    frame.announce(t('upload.done'));
                    replace(place, notice('good', h('p', null, t('upload.done'))));
                    return;
                }
                replace(message, notice('info', h('p', null, t('upload.paused'))));
            } catch (error) {
                replace(message, refusalNotice(error));
            }
            const goOn = await new Promise((resolve) => {
                replace(actions,
                    h('button', { type: 'button', class: 'primary', onclick: () => resolve(true) }, t('upload.resume')),
                    h('button', { type: 'button', onclick: () => resolve(false) }, t('upload.cancel')));
            });
            if (!goOn) {
                replace(place, notice('info', h('p', null, t('upload.cancelled'))));
                return;
            }
        }
    } finally {
        app.uploads.delete(upload);
    }
}

/** @param {import('./frame.js').Frame} frame */
function jobList(frame) {
    const { app } = frame;
    const all = [...app.jobs.values()].reverse();
    const names = /** @type {const} */ ({ pending: 'clock', running: 'clock', done: 'check', failed: 'cross' });
    return [
        h('h2', { id: 'jobs-title' }, t('jobs.title')),
        app.offline && notice('warn', h('p', null, t('jobs.offline'))),
        all.length === 0 ? h('p', { class: 'muted' }, t('jobs.none')) : h('ul', { class: 'job-list' }, all.map((job) => h('li', { class: `job ${job.state}` },
            h('span', { class: 'dot' }, icon(names[/** @type {keyof typeof names} */ (job.state)])),
            h('div', null, h('strong', null, app.patientName(job.patient) ?? t('jobs.patient')), h('span', null, t(`job.${job.state}`)),
                job.state === 'running' && job.attempt > 1 && h('span', { class: 'fine' }, t('job.attempt', { attempt: job.attempt })),
                job.state === 'failed' && h('span', { class: 'fine' }, h('code', null, job.code ?? ''), job.detail === null ? null : ` — ${job.detail}`)),
            job.state === 'done' && job.result !== null && h('button', { type: 'button', onclick: () => {
                app.selection.result = job.result ?? undefined;
                frame.open('results');
            } }, t('job.open'))))),
    ];
}
