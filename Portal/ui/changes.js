import { h, icon, replace } from './dom.js';
import { t } from './language.js';

/**
 * Interrupts when what this installation pins is not what this browser remembers. Nothing is fetched from any service
 * before a person has decided.
 *
 * @param {HTMLElement} root
 * @param {import('../trust/configuration.js').Configuration} configuration
 * @param {import('../trust/memory.js').Change[]} changes
 * @returns {Promise<boolean>} whether the new pins are accepted
 */
export function askAboutChanges(root, configuration, changes) {
    return new Promise((resolve) => {
        const main = h('main', { class: 'stopped', tabindex: '-1' },
            h('h1', null, icon('warning'), ' ', t('changes.title')),
            h('p', null, t('changes.text', { hospital: configuration.hospital })),
            h('dl', { class: 'changes' }, changes.map((change) => [
                h('dt', null, t(`changes.${change.what}`)),
                h('dd', null, h('span', { class: 'fine' }, t('changes.before')), h('code', null, change.before)),
                h('dd', null, h('span', { class: 'fine' }, t('changes.now')), h('code', null, change.now)),
            ]).flat()),
            h('p', null, t('changes.advice')),
            h('div', { class: 'actions' },
                h('button', { type: 'button', class: 'primary', onclick: () => {
                    replace(root, h('main', { class: 'stopped', tabindex: '-1' }, h('h1', null, t('changes.stopped')), h('p', null, t('changes.stoppedText'))));
                    resolve(false);
                } }, t('changes.stop')),
                h('button', { type: 'button', class: 'danger', onclick: () => resolve(true) }, t('changes.accept'))));
        replace(root, main);
        main.focus();
    });
}
