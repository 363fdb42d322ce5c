import { toHex } from '../encoding/base64.js';
import { h, icon } from './dom.js';
import { t, time } from './language.js';

/**
 * @typedef {object} Link one link of the chain of reasons
 * @property {string} title
 * @property {string} text in plain words
 * @property {'browser' | 'pinned' | 'stated'} how
 * @property {[string, string | number | null | undefined][]} facts
 */

/**
 * The chain of reasons from a pinned root to the release policy, each resting on the one before it.
 *
 * @param {import('../trust/verification.js').VerifiedUnit} unit
 * @param {import('../trust/configuration.js').Configuration} configuration
 */
export function evidenceTree(unit, configuration) {
    return branch(nodesOf(unit, configuration), 0);
}

/** @param {Link[]} nodes @param {number} depth @returns {HTMLElement | null} */
function branch([node, ...rest], depth) {
    if (node === undefined) return null;
    const names = /** @type {const} */ ({ browser: 'check', pinned: 'lock', stated: 'report' });
    return h('ul', { class: depth === 0 ? 'tree' : 'tree inner' }, h('li', null,
        h('details', { class: `node ${node.how}` },
            h('summary', null, h('span', { class: 'node-title' }, node.title), h('span', { class: `how ${node.how}` }, icon(names[node.how]), t(`how.${node.how}`)), h('span', { class: 'node-text' }, node.text)),
            h('dl', { class: 'facts' }, node.facts.filter(([, value]) => value !== null && value !== undefined && value !== '')
                .flatMap(([key, value]) => [h('dt', null, t(`fact.${key}`)), h('dd', null, h('code', null, String(value)))]))),
        branch(rest, depth + 1)));
}

/** @param {import('../trust/verification.js').VerifiedUnit} unit @param {import('../trust/configuration.js').Configuration} configuration @returns {Link[]} */
function nodesOf(unit, configuration) {
    const { verdict, runtimeData, manifest, policy, tokens, root } = unit;
    const [top, middle, leaf] = verdict.chain;
    const snp = verdict.tee === 'snp';
    const measurement = String(snp ? verdict.claims['x-ms-sevsnpvm-launchmeasurement'] : verdict.claims['x-ms-sgx-mrenclave']);
    const passed = verdict.checks.filter((check) => check.outcome === 'passed').map((check) => check.name).join(', ');
    const skipped = verdict.checks.filter((check) => check.outcome === 'notApplicable').map((check) => `${check.name}: ${check.detail}`).join('; ');
    const key = unit.keyConfigurations;
    /** @type {Link[]} */
    const nodes = [
        {
            title: t('node.root'), text: t(root.simulated ? 'node.root.simulated' : 'node.root.hardware', { name: top.title }), how: 'pinned',
            facts: [['name', top.title], ['kind', root.kind], ['pin', root.pin], ['notAfter', time(top.notAfter)]],
        },
        {
            title: t('node.intermediate'), text: t('node.intermediate.text', { name: middle.title }), how: 'browser',
            facts: [['name', middle.title], ['pin', middle.pin], ['notAfter', time(middle.notAfter)]],
        },
        {
            title: t('node.chip'), text: t('node.chip.text', { name: leaf.title }), how: 'browser',
            facts: [['name', leaf.title], ['pin', leaf.pin], ['notAfter', time(leaf.notAfter)], ['tcb', verdict.tcbStatus], ['advisories', verdict.advisories.join(' ')]],
        },
        {
            title: t('node.report'), text: t('node.report.text'), how: 'browser',
            facts: [['tee', verdict.tee], ['checks', passed], ['notChecked', skipped], ['debug', t('fact.no')], ['reportData', toHex(verdict.reportData)], ['hostData', toHex(verdict.hostData)]],
        },
        {
            title: t('node.binding'), text: t('node.binding.text'), how: 'browser',
            facts: [['nonce', runtimeData.nonce], ['role', runtimeData.role], ['partyID', runtimeData.party], ['runtimeHash', toHex(runtimeData.hash)], ['keys', key.map((one) => `${one.suite.name} ${one.name}`).join('; ')]],
        },
    ];
    for (const token of tokens) {
        nodes.push({
            title: t('node.token'), text: t('node.token.text', { issuer: token.issuer.url }), how: 'browser',
            facts: [['issuer', token.issuer.url], ['issuerPin', token.issuerPin], ['issued', time(token.issuedAt)], ['expires', time(token.expires)], ['digest', token.digest]],
        }, {
            title: t('node.stated'), text: t('node.stated.text'), how: 'stated',
            facts: [['grade', token.grade], ['tcb', token.tcbStatus], ['policyHash', /** @type {string} */ (token.claims['x-ms-policy-hash'])], ['collateralUntil', time(token.validUntil)]],
        });
    }
    nodes.push(
        {
            title: t('node.measurement'), text: t('node.measurement.text'), how: 'browser',
            facts: [['measurement', measurement], ['runtime', unit.measurement.runtime]],
        },
        {
            title: t('node.release'), text: t('node.release.text', { version: manifest.version, sequence: manifest.sequence }), how: 'browser',
            facts: [['unit', manifest.unit], ['version', manifest.version], ['sequence', manifest.sequence], ['signer', manifest.signer?.pin], ['created', time(manifest.createdAt)], ['file', `${manifest.file.name} ${manifest.file.sha256}`]],
        },
        {
            title: t('node.vendor'), text: t('node.vendor.text'), how: 'stated',
            facts: [['commit', manifest.commit], ['build', manifest.build], ['libraries', manifest.libraries.map((one) => `${one.name} ${one.sha256}`).join('; ')]],
        },
        {
            title: t('node.policy'), text: t('node.policy.text', { hospital: configuration.hospital, sequence: policy.sequence }), how: 'pinned',
            facts: [['partyID', policy.party], ['sequence', policy.sequence], ['from', time(policy.notBefore)], ['notAfter', time(policy.notAfter)], ['fields', policy.fields.join(', ')], ['peers', policy.peers.map((one) => `${one.role} ${one.party}`).join('; ')]],
        },
    );
    return nodes;
}
