import { freshKey } from '../health/platform.js';
import { digest } from '../encoding/digest.js';
import { canonical } from '../encoding/json.js';
import { h, icon, replace } from './dom.js';
import { Field, Form, notice } from './form.js';
import { t, time } from './language.js';
import { mark } from './visibility.js';

/** @param {string} value */
const short = (value) => (value.length <= 200 ? null : 'error.long');
/** @param {string} value */
const text = (value) => (value.length <= 2000 ? null : 'error.long');
const today = () => new Date().toISOString().slice(0, 10);
/** @param {string} value */
const pastDate = (value) => (/^\d{4}-\d\d-\d\d$/.test(value) && value >= '1880-01-01' && value <= today() ? null : 'error.pastDate');
/** @param {string} value */
const date = (value) => (/^\d{4}-\d\d-\d\d$/.test(value) ? null : 'error.date');
/** @param {string} value */
const phone = (value) => (/^[+0-9 ()/.-]{3,40}$/.test(value) ? null : 'error.phone');

/**
 * A new patient. The button seals the record to the verified unit and sends it.
 *
 * @param {import('./frame.js').Frame} frame
 * @returns {import('./frame.js').View}
 */
export function intakeView(frame) {
    const { app } = frame;
    const sexes = /** @type {[string, string][]} */ (['', 'female', 'male', 'other', 'unknown'].map((one) => [one, t(`sex.${one || 'none'}`)]));
    const fields = {
        family: new Field({ name: 'family', required: true, check: short }),
        given: new Field({ name: 'given', required: true, check: short }),
        birthDate: new Field({ name: 'birthDate', type: 'date', required: true, check: pastDate, attributes: { max: today() } }),
        sex: new Field({ name: 'sex', choices: sexes }),
        address: new Field({ name: 'address', lines: 2, check: text, wide: true }),
        phone: new Field({ name: 'phone', type: 'tel', check: phone }),
        insurance: new Field({ name: 'insurance', check: short }),
        admissionDate: new Field({ name: 'admissionDate', type: 'date', check: date }),
        allergies: new Field({ name: 'allergies', lines: 2, check: text, wide: true }),
        conditions: new Field({ name: 'conditions', lines: 3, check: text, wide: true }),
    };
    const group = (/** @type {string} */ name, /** @type {Field[]} */ ...members) =>
        h('fieldset', null, h('legend', null, t(`group.${name}`)), h('div', { class: 'grid' }, members.map((field) => field.node)));
    let key = freshKey();
    const form = new Form({
        fields: Object.values(fields),
        content: [
            group('person', fields.family, fields.given, fields.birthDate, fields.sex),
            group('contact', fields.phone, fields.insurance, fields.address),
            group('medical', fields.admissionDate, fields.allergies, fields.conditions),
        ],
        submit: t('intake.submit'),
        onsubmit: async (values) => {
            const record = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
            const id = await app.platform.createPatient(record, key);
            key = freshKey();
            await app.loadPatients();
            app.selection.patient = id;
            await receipt(record);
        },
    });
    const place = h('div', { class: 'stack' });
    /** @param {Record<string, string>} record */
    const receipt = async (record) => {
        const unit = app.unit;
        const heading = h('h1', { tabindex: '-1' }, t('receipt.title'));
        replace(place, h('section', { class: 'card receipt' }, heading,
            notice('good', h('p', null, t('receipt.text'))),
            h('dl', { class: 'facts' },
                h('dt', null, t('receipt.digest')), h('dd', null, h('code', null, await digest(canonical(record)))),
                h('dt', null, t('receipt.unit')), h('dd', null, `${unit?.manifest.unit ?? ''} ${unit?.manifest.version ?? ''}, ${t('receipt.release', { sequence: String(unit?.manifest.sequence ?? '') })}`),
                h('dt', null, t('receipt.policy')), h('dd', null, t('receipt.sequence', { sequence: String(unit?.policy.sequence ?? '') })),
                h('dt', null, t('receipt.time')), h('dd', null, time(Math.floor(Date.now() / 1000)))),
            h('div', { class: 'actions' },
                h('button', { type: 'button', class: 'primary', onclick: () => frame.open('imaging') }, t('receipt.imaging'), ' ', icon('arrow')),
                h('button', { type: 'button', onclick: () => frame.open('patient') }, t('receipt.another')))));
        heading.focus();
    };
    const update = () => form.block(app.trust === 'verified' ? null : t(app.trust === 'verifying' ? 'blocked.verifying' : 'blocked.refused'));
    app.addEventListener('trust', update);
    update();
    replace(place, h('h1', null, t('intake.title')), h('p', { class: 'lead' }, t('intake.text')),
        h('div', { class: 'split wide-left' }, h('section', { class: 'card' }, form.node), whoSees()));
    return { node: place, close: () => app.removeEventListener('trust', update) };
}

/** Beside the form: what each party will be able to see of it. */
function whoSees() {
    const rows = /** @type {const} */ ([['identity', 'plain', 'never', 'never'], ['clinical', 'plain', 'never', 'never'], ['image', 'plain', 'plain', 'never']]);
    return h('aside', { class: 'card aside', 'aria-labelledby': 'who-sees' },
        h('h2', { id: 'who-sees' }, t('whoSees.title')),
        h('table', { class: 'matrix small' },
            h('thead', null, h('tr', null, h('td', null), ['platform', 'diagnostics', 'operators'].map((party) => h('th', { scope: 'col' }, t(`whoSees.${party}`))))),
            h('tbody', null, rows.map(([name, ...cells]) => h('tr', null, h('th', { scope: 'row' }, t(`whoSees.${name}`)), cells.map((cell) => h('td', null, mark(cell))))))),
        h('p', { class: 'fine' }, t('whoSees.text')));
}
