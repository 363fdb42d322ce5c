import { h, replace } from './dom.js';
import { notice, refusalNotice } from './form.js';
import { day, number, t, time } from './language.js';
import { passportCard } from './passport.js';
import { colours, viewer, volumeOf } from './viewer.js';

/**
 * The list of results, or one of them.
 *
 * @param {import('./frame.js').Frame} frame
 * @returns {import('./frame.js').View}
 */
export function resultsView(frame) {
    const { app } = frame;
    const node = h('div', { class: 'stack' }, h('p', { class: 'loading', role: 'status' }, t('loading')));
    app.unseen = 0;
    const fail = (/** @type {unknown} */ error) => replace(node, h('h1', null, t('results.title')), refusalNotice(error));
    const list = async () => {
        const [results] = await Promise.all([app.platform.results(), app.loadPatients()]);
        results.sort((a, b) => b.completedAt - a.completedAt);
        replace(node, h('h1', null, t('results.title')), h('p', { class: 'lead' }, t('results.text')),
            h('section', { class: 'card' }, results.length === 0 ? notice('info', h('p', null, t('results.none'))) : table(results)));
    };
    /** @param {import('../health/platform.js').ResultSummary[]} results */
    const table = (results) => h('table', { class: 'list' },
        h('thead', null, h('tr', null, h('th', { scope: 'col' }, t('results.patient')), h('th', { scope: 'col' }, t('results.completed')), h('th', { scope: 'col' }, h('span', { class: 'visually-hidden' }, t('results.action'))))),
        h('tbody', null, results.map((one) => h('tr', null,
            h('th', { scope: 'row' }, app.patientName(one.patient) ?? t('jobs.patient')), h('td', null, time(one.completedAt)),
            h('td', { class: 'end' }, h('button', { type: 'button', 'aria-label': t('results.openOf', { patient: app.patientName(one.patient) ?? '' }), onclick: () => open(one.id).catch(fail) }, t('job.open')))))));
    /** @param {string} id */
    const open = async (id) => {
        replace(node, h('p', { class: 'loading', role: 'status' }, t('loading')));
        const [result] = await Promise.all([app.platform.result(id), app.patients ?? app.loadPatients()]);
        const patient = app.patients?.find((one) => one.id === result.patient);
        const heading = h('h1', { tabindex: '-1' }, patient === undefined ? t('jobs.patient') : `${patient.family}, ${patient.given}`);
        replace(node,
            h('button', { type: 'button', class: 'link back', onclick: () => list().catch(fail) }, t('results.back')),
            h('div', { class: 'heading' }, heading, patient !== undefined && h('p', { class: 'muted' }, t('result.born', { date: day(patient.birthDate) }))),
            notice('warn', h('p', null, h('strong', null, t('result.notDiagnosis')), ' ', t('result.notDiagnosisText'))),
            h('section', { class: 'card', 'aria-label': t('result.image') }, viewer(result)),
            h('div', { class: 'split' },
                h('section', { class: 'card', 'aria-labelledby': 'volumes-title' }, h('h2', { id: 'volumes-title' }, t('result.volumes')), volumes(result)),
                h('section', { class: 'card', 'aria-labelledby': 'how-title' }, h('h2', { id: 'how-title' }, t('result.how')), how(result))),
            passportCard(frame, result));
        heading.focus();
    };
    const wanted = app.selection.result;
    delete app.selection.result;
    (wanted === undefined ? list() : open(wanted)).catch(fail);
    frame.showNavigation();
    return { node };
}

/** @param {import('../health/platform.js').Result} result */
function volumes(result) {
    const classes = result.classes.filter((name) => Object.hasOwn(volumeOf, name));
    const total = classes.reduce((sum, name) => sum + result.volumes[volumeOf[name]], 0);
    return h('table', { class: 'list numbers' },
        h('thead', null, h('tr', null, h('th', { scope: 'col' }, t('result.tissue')), h('th', { scope: 'col' }, t('result.millilitres')), h('th', { scope: 'col' }, t('result.share')))),
        h('tbody', null, classes.map((name) => {
            const swatch = h('span', { class: 'swatch' });
            swatch.style.backgroundColor = `rgb(${colours[name].join(' ')})`;
            const value = result.volumes[volumeOf[name]];
            return h('tr', null, h('th', { scope: 'row' }, swatch, t(`class.${name}`)), h('td', null, `${number(value, 1)} ml`), h('td', null, total === 0 ? '–' : `${number((100 * value) / total, 0)} %`));
        })),
        h('tfoot', null, h('tr', null, h('th', { scope: 'row' }, t('result.total')), h('td', null, `${number(total, 1)} ml`), h('td', null, ''))));
}

/** @param {import('../health/platform.js').Result} result */
function how(result) {
    return h('dl', { class: 'facts' },
        h('dt', null, t('result.model')), h('dd', null, `${result.model.name} ${result.model.version}`),
        h('dt', null, t('result.modelDigest')), h('dd', null, h('code', null, result.model.sha256)),
        h('dt', null, t('result.size')), h('dd', null, t('result.pixels', { rows: result.rows, columns: result.columns })),
        h('dt', null, t('results.completed')), h('dd', null, time(result.completedAt)));
}

