import { download, h, icon, replace } from './dom.js';
import { evidenceTree } from './evidence-tree.js';
import { notice, refusalNotice } from './form.js';
import { bytes, t, time } from './language.js';

/** @typedef {'plain' | 'sealed' | 'never' | 'meta'} Sight */

/** A cell in words and shape, not only in colour. @param {Sight} sight */
export function mark(sight) {
    const names = /** @type {const} */ ({ plain: 'eye', sealed: 'lock', never: 'never', meta: 'report' });
    return h('span', { class: `sight ${sight}` }, icon(names[sight]), h('span', null, t(`sight.${sight}`)));
}

/** Who may learn what, as the threat model promises it (its section 4). */
const parties = ['clerk', 'platform', 'diagnostics', 'platformStaff', 'diagnosticsStaff', 'host', 'attestation'];
/** @type {[string, Sight[]][]} */
const rows = [
    ['identity', ['plain', 'plain', 'never', 'never', 'never', 'sealed', 'never']],
    ['image', ['plain', 'plain', 'plain', 'never', 'never', 'sealed', 'never']],
    ['result', ['plain', 'plain', 'plain', 'never', 'never', 'sealed', 'never']],
    ['weights', ['never', 'never', 'plain', 'never', 'plain', 'sealed', 'never']],
    ['keys', ['never', 'plain', 'never', 'never', 'never', 'never', 'never']],
    ['traffic', ['plain', 'plain', 'meta', 'meta', 'meta', 'meta', 'meta']],
];

/**
 * Who can see what, and how that is known.
 *
 * @param {import('./frame.js').Frame} frame
 * @returns {import('./frame.js').View}
 */
export function visibilityView(frame) {
    const { app } = frame;
    const proof = h('section', { class: 'card', 'aria-labelledby': 'chain-title' });
    const ledger = h('section', { class: 'card', 'aria-labelledby': 'ledger-title' });
    const showProof = () => {
        if (app.trust === 'verifying' && app.unit !== null) return;
        replace(proof, h('h2', { id: 'chain-title' }, t('chain.title')), ...proofOf(frame));
    };
    const showLedger = () => {
        const open = ledger.querySelector('details')?.open ?? false;
        replace(ledger, ...ledgerOf(app, open));
    };
    app.addEventListener('trust', showProof);
    app.transport.listeners.add(showLedger);
    showProof();
    showLedger();
    return {
        node: h('div', { class: 'stack' },
            h('h1', null, t('visibility.title')), h('p', { class: 'lead' }, t('visibility.text')),
            h('section', { class: 'card', 'aria-labelledby': 'matrix-title' }, h('h2', { id: 'matrix-title' }, t('matrix.title')),
                h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-labelledby': 'matrix-title' },
                    h('table', { class: 'matrix' },
                        h('thead', null, h('tr', null, h('td', null), parties.map((party) => h('th', { scope: 'col' }, t(`party.${party}`))))),
                        h('tbody', null, rows.map(([name, cells]) => h('tr', null, h('th', { scope: 'row' }, t(`data.${name}`)), cells.map((cell) => h('td', null, mark(cell)))))))),
                h('ul', { class: 'sight-key' }, /** @type {const} */ (['plain', 'sealed', 'meta', 'never']).map((sight) => h('li', null, mark(sight), h('span', null, t(`sight.${sight}.text`)))))),
            proof, ledger,
            h('section', { class: 'card', 'aria-labelledby': 'remains-title' }, h('h2', { id: 'remains-title' }, t('remains.title')),
                h('ul', { class: 'prose' }, ['host', 'chip', 'size', 'stated'].map((one) => h('li', null, t(`remains.${one}`)))))),
        close: () => {
            app.removeEventListener('trust', showProof);
            app.transport.listeners.delete(showLedger);
        },
    };
}

/** @param {import('./frame.js').Frame} frame @returns {import('./dom.js').Child[]} */
function proofOf(frame) {
    const { app } = frame;
    const again = h('button', { type: 'button', onclick: () => app.channel.reverify().catch(() => undefined) }, t('trust.again'));
    if (app.unit === null) {
        return [app.trust === 'refused' ? refusalNotice(app.refusal) : h('p', { class: 'loading', role: 'status' }, t('pill.verifying')), h('div', { class: 'actions' }, again)];
    }
    const unit = app.unit;
    return [
        notice(unit.grade === 'simulated' ? 'warn' : 'good', h('p', null,
            unit.grade === 'simulated' && h('strong', null, t('chain.simulated'), ' '),
            t('chain.verified', { time: time(unit.at), milliseconds: Math.round(unit.milliseconds), until: time(unit.validUntil) }))),
        evidenceTree(unit, app.configuration),
        h('div', { class: 'actions' }, again,
            h('button', { type: 'button', onclick: () => download(unit.document, 'application/json', 'platform.evidence.json') }, icon('download'), t('chain.export')),
            h('p', { class: 'fine' }, t('chain.exportText'))),
    ];
}

/** @param {import('./app.js').App} app @param {boolean} open */
function ledgerOf(app, open) {
    const entries = app.transport.ledger;
    const sealed = entries.filter((entry) => entry.sealed);
    return [
        h('h2', { id: 'ledger-title' }, t('ledger.title')),
        h('p', null, t('ledger.text', { sealed: bytes(sealed.reduce((sum, entry) => sum + entry.bytes, 0)), count: sealed.length })),
        h('details', { open }, h('summary', null, t('ledger.show', { count: entries.length })),
            h('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-labelledby': 'ledger-title' }, h('table', { class: 'list small' },
                h('thead', null, h('tr', null, ['time', 'what', 'to', 'size', 'how'].map((one) => h('th', { scope: 'col' }, t(`ledger.${one}`))))),
                h('tbody', null, [...entries].reverse().slice(0, 100).map((entry) => h('tr', null,
                    h('td', null, time(Math.floor(entry.at / 1000))), h('td', null, t(`purpose.${entry.purpose}`)), h('td', null, h('code', null, entry.origin)),
                    h('td', null, bytes(entry.bytes)), h('td', null, entry.sealed ? mark('sealed') : t(entry.bytes === 0 ? 'ledger.nothing' : 'ledger.evidence')))))))),
    ];
}
