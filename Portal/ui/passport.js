import { verifyPassport } from '../trust/passport.js';
import { Refusal } from '../encoding/refusal.js';
import { download, h, icon, replace } from './dom.js';
import { notice, refusalNotice } from './form.js';
import { t, time } from './language.js';

/**
 * The chain of signed statements behind one result, verified here, and a button that saves it for the command line.
 *
 * @param {import('./frame.js').Frame} frame
 * @param {import('../health/platform.js').Result} result
 */
export function passportCard(frame, result) {
    const { app } = frame;
    const place = h('div', null, h('p', { class: 'loading', role: 'status' }, t('passport.verifying')));
    const check = async () => {
        const bytes = await app.platform.passport(result.passport);
        const save = h('button', { type: 'button', onclick: () => download(bytes, 'application/vnd.cloister.passport+json', `${result.passport}.passport.json`) }, icon('download'), t('passport.export'));
        try {
            const unit = await app.channel.verified();
            const verdict = await verifyPassport(bytes, app.configuration, unit.policy);
            const model = verdict.hops.map((one) => one.hop.model).find((one) => one !== null) ?? null;
            if (verdict.accepted && (model === null || model.sha256 !== result.model.sha256)) {
                throw new Refusal('receipt-invalid:model', 'the passport is about another model than the result');
            }
            replace(place, verdictOf(verdict), h('ol', { class: 'hops' }, verdict.hops.map(hopItem)), h('div', { class: 'actions' }, save, h('p', { class: 'fine' }, t('passport.exportText'))));
        } catch (error) {
            replace(place, refusalNotice(error), h('div', { class: 'actions' }, save));
        }
    };
    check().catch((error) => replace(place, refusalNotice(error)));
    return h('section', { class: 'card', 'aria-labelledby': 'passport-title' },
        h('h2', { id: 'passport-title' }, t('passport.title')), h('p', { class: 'muted' }, t('passport.text')), place);
}

/** @param {import('../trust/passport.js').PassportVerdict} verdict */
function verdictOf(verdict) {
    if (!verdict.accepted) return refusalNotice(new Refusal(verdict.code ?? 'passport-invalid', verdict.detail));
    return notice(verdict.grade === 'simulated' ? 'warn' : 'good',
        h('p', null, verdict.grade === 'simulated' && h('strong', null, t('passport.simulated'), ' '), t('passport.valid', { time: time(verdict.validAsOf) })));
}

/** @param {import('../trust/passport.js').HopVerdict} verdict */
function hopItem({ hop, checks, token, manifest, tcbStatus }) {
    const unit = t(`role.${hop.role}`) === `role.${hop.role}` ? hop.role : t(`role.${hop.role}`);
    return h('li', { class: 'hop' },
        h('div', { class: 'hop-head' }, h('strong', null, t(`hop.${hop.kind}`, { unit })), h('span', { class: 'fine' }, time(hop.at))),
        h('ul', { class: 'checks' }, checks.list.map((check) => h('li', { class: check.outcome },
            icon(check.outcome === 'passed' ? 'check' : 'cross'), h('span', null, t(`hop.check.${check.name}`)),
            h('span', { class: 'visually-hidden' }, t(`check.${check.outcome}`)),
            check.outcome === 'failed' && h('span', { class: 'fine' }, h('code', null, check.code ?? ''), ` — ${check.detail}`)))),
        h('details', null, h('summary', null, t('details')), h('dl', { class: 'facts' }, ...[
            fact('passport.party', hop.party), fact('passport.suite', hop.suite), fact('passport.token', hop.tokens.join(' ')),
            token !== null && fact('passport.issuer', token.issuer.url),
            manifest !== null && fact('passport.release', `${manifest.unit} ${manifest.version} (${manifest.sequence})`),
            tcbStatus !== null && fact('passport.tcb', tcbStatus),
            hop.model !== null && fact('passport.model', `${hop.model.name} ${hop.model.version}`),
            hop.model !== null && fact('passport.modelDigest', hop.model.sha256),
            fact('passport.digest', hop.digest)].flat())));
}

/** @param {string} key @param {string} value */
function fact(key, value) {
    return [h('dt', null, t(key)), h('dd', null, h('code', null, value))];
}
