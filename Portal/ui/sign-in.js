import { freshKey } from '../health/platform.js';
import { h, icon, replace } from './dom.js';
import { Field, Form } from './form.js';
import { bytes, t } from './language.js';

/** @param {string} value */
const longEnough = (value) => (value.length >= 12 ? null : 'error.password');
/** @param {string} value */
const userName = (value) => (/^[A-Za-z0-9._@-]{2,64}$/.test(value) ? null : 'error.user');

/**
 * Sign-in, and beside it what this page has proven before anybody types.
 *
 * @param {import('./frame.js').Frame} frame
 * @returns {import('./frame.js').View}
 */
export function signInView(frame) {
    const { app } = frame;
    const signIn = new Form({
        fields: [
            new Field({ name: 'user', required: true, autocomplete: 'username', attributes: { autocapitalize: 'none', spellcheck: 'false' } }),
            new Field({ name: 'password', type: 'password', required: true, autocomplete: 'current-password' }),
        ],
        submit: t('signIn.submit'),
        onsubmit: async ({ user, password }) => {
            await app.platform.signIn(user, password);
            frame.sessionChanged();
        },
    });
    let key = freshKey();
    const account = new Form({
        fields: [
            new Field({ name: 'enrolment', required: true, attributes: { spellcheck: 'false', autocapitalize: 'none' } }),
            new Field({ name: 'user', required: true, autocomplete: 'username', check: userName, attributes: { autocapitalize: 'none', spellcheck: 'false' } }),
            new Field({ name: 'newPassword', type: 'password', required: true, autocomplete: 'new-password', check: longEnough }),
        ],
        submit: t('account.submit'),
        onsubmit: async ({ enrolment, user, newPassword }) => {
            await app.platform.createAccount(enrolment, user, newPassword, key);
            key = freshKey();
            await app.platform.signIn(user, newPassword);
            frame.sessionChanged();
        },
    });
    const first = h('details', { class: 'first-time' }, h('summary', null, t('account.title')), h('p', null, t('account.text')), account.node);
    const proof = h('section', { class: 'card proof', 'aria-labelledby': 'proof-title' });
    const update = () => {
        const reason = app.trust === 'verified' ? null : t(app.trust === 'verifying' ? 'blocked.verifying' : 'blocked.refused');
        signIn.block(reason);
        account.block(reason);
        replace(proof, proofOf(app), h('button', { type: 'button', class: 'link', onclick: () => frame.open('trust') }, t('proof.more'), ' ', icon('arrow')));
    };
    app.addEventListener('trust', update);
    update();
    return {
        node: h('div', { class: 'split' },
            h('section', { class: 'card', 'aria-labelledby': 'sign-in-title' }, h('h1', { id: 'sign-in-title' }, t('signIn.title')), h('p', { class: 'lead' }, t('signIn.text')), signIn.node, first),
            proof),
        close: () => app.removeEventListener('trust', update),
    };
}

/** The four steps of verification with their state. @param {import('./app.js').App} app */
function proofOf(app) {
    const stages = ['policy', 'evidence', 'token', 'release'];
    const current = app.trust === 'verified' ? stages.length : Math.max(0, stages.indexOf(app.stage ?? 'policy'));
    const sealed = app.transport.ledger.filter((entry) => entry.sealed).reduce((sum, entry) => sum + entry.bytes, 0);
    return [
        h('h2', { id: 'proof-title' }, t('proof.title')),
        h('p', null, t(`proof.${app.trust}`)),
        h('ol', { class: 'steps' }, stages.map((stage, i) => {
            const state = i < current ? 'done' : i === current ? (app.trust === 'refused' ? 'failed' : 'now') : 'todo';
            const names = /** @type {const} */ ({ done: 'check', failed: 'cross', now: 'clock', todo: 'clock' });
            return h('li', { class: state }, h('span', { class: 'dot' }, icon(names[state])),
                h('div', null, h('strong', null, t(`proof.step.${stage}`)), h('p', null, t(`proof.step.${stage}.text`))),
                h('span', { class: 'visually-hidden' }, t(`proof.state.${state}`)));
        })),
        h('p', { class: 'count' }, icon('lock'), t('proof.bytes', { bytes: bytes(sealed) })),
    ];
}
