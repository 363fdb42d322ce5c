import { freshID, h, icon, replace } from './dom.js';
import { has, t } from './language.js';
import { Refusal } from '../encoding/refusal.js';

/**
 * @typedef {object} FieldOptions
 * @property {string} name also the key of its texts: `field.<name>` and, where there is one, `hint.<name>`
 * @property {string} [type]
 * @property {boolean} [required]
 * @property {string} [autocomplete]
 * @property {number} [lines] for a text area
 * @property {[string, string][]} [choices]
 * @property {boolean} [wide]
 * @property {(value: string) => string | null} [check] a text key of what is wrong
 * @property {Record<string, string>} [attributes]
 */

/** One labelled control with its hint and its error, tied to it for assistive technology. */
export class Field {
    /** @param {FieldOptions} options */
    constructor(options) {
        this.options = options;
        const { name, type = 'text', required = false, lines, choices } = options;
        const id = freshID('field');
        const hint = has(`hint.${name}`) ? h('p', { id: `${id}-hint`, class: 'hint' }, t(`hint.${name}`)) : null;
        this.error = h('p', { id: `${id}-error`, class: 'error', hidden: true });
        const attributes = {
            id, name, required, autocomplete: options.autocomplete ?? 'off', ...options.attributes,
            'aria-describedby': [hint === null ? '' : `${id}-hint`, `${id}-error`].filter(Boolean).join(' '),
            onblur: () => this.touched && this.validate(), oninput: () => this.touched && this.validate(),
        };
        if (choices !== undefined) this.control = h('select', attributes, choices.map(([value, label]) => h('option', { value }, label)));
        else if (lines !== undefined) this.control = h('textarea', { ...attributes, rows: lines });
        else this.control = h('input', { ...attributes, type });
        this.touched = false;
        this.node = h('div', { class: options.wide ? 'field wide' : 'field' },
            h('label', { for: id }, t(`field.${name}`), ' ', h('span', { class: 'mark' }, required ? t('form.required') : t('form.optional'))),
            hint, this.control, this.error);
    }

    get value() {
        return this.control.value.trim();
    }

    validate() {
        this.touched = true;
        const { required, check } = this.options;
        const raw = this.options.type === 'password' ? this.control.value : this.value;
        const badInput = this.control.validity?.badInput === true;
        const problem = badInput ? 'error.date' : raw === '' ? (required ? 'error.required' : null) : check?.(raw) ?? null;
        this.show(problem === null ? null : t(problem, { field: t(`field.${this.options.name}`) }));
        return problem === null;
    }

    /** @param {string | null} message */
    show(message) {
        this.error.hidden = message === null;
        replace(this.error, message !== null && icon('warning'), message);
        if (message === null) this.control.removeAttribute('aria-invalid');
        else this.control.setAttribute('aria-invalid', 'true');
    }
}

/** A form whose submission shows what is wrong, waits, and says what came of it. */
export class Form {
    /**
     * @param {object} given
     * @param {Field[]} given.fields
     * @param {string} given.submit text of the button
     * @param {(values: Record<string, string>) => Promise<void>} given.onsubmit
     * @param {HTMLElement[]} [given.content] what stands above the button; the fields, when not given
     * @param {string} [given.icon]
     */
    constructor({ fields, submit, onsubmit, content }) {
        this.fields = fields;
        this.button = h('button', { type: 'submit', class: 'primary' }, submit);
        this.reason = h('p', { class: 'reason', id: freshID('reason') });
        this.message = h('div', { class: 'form-message', role: 'alert' });
        this.blocked = false;
        this.busy = false;
        this.button.setAttribute('aria-describedby', this.reason.id);
        this.node = h('form', { novalidate: true, onsubmit: (/** @type {Event} */ event) => this.submit(event, onsubmit) },
            content ?? fields.map((field) => field.node), this.message, h('div', { class: 'actions' }, this.button, this.reason));
    }

    /** The button stays where it is and says why it does nothing. @param {string | null} reason */
    block(reason) {
        this.blocked = reason !== null;
        replace(this.reason, reason);
        this.update();
    }

    update() {
        this.button.toggleAttribute('disabled', this.blocked || this.busy);
        this.node.toggleAttribute('aria-busy', this.busy);
    }

    /** @param {Event} event @param {(values: Record<string, string>) => Promise<void>} onsubmit */
    async submit(event, onsubmit) {
        event.preventDefault();
        if (this.busy || this.blocked) return;
        const wrong = this.fields.filter((field) => !field.validate());
        replace(this.message);
        if (wrong.length > 0) {
            replace(this.message, notice('bad', t('form.problems', { count: wrong.length })));
            wrong[0].control.focus();
            return;
        }
        this.busy = true;
        this.update();
        try {
            await onsubmit(Object.fromEntries(this.fields.map((field) => [field.options.name, field.options.type === 'password' ? field.control.value : field.value])));
        } catch (error) {
            replace(this.message, refusalNotice(error));
        } finally {
            this.busy = false;
            this.update();
        }
    }
}

/** @param {'good' | 'bad' | 'warn' | 'info'} kind @param {...import('./dom.js').Child} children */
export function notice(kind, ...children) {
    const names = /** @type {const} */ ({ good: 'check', bad: 'warning', warn: 'warning', info: 'shield' });
    return h('div', { class: `notice ${kind}` }, icon(names[kind]), h('div', null, ...children));
}

/** What a refusal means, in words, with its code for whoever looks it up. @param {unknown} error */
export function refusalNotice(error) {
    if (!(error instanceof Refusal)) {
        return notice('bad', h('p', null, t('refusal.unexpected')));
    }
    const base = error.code.split(':')[0];
    return notice('bad', h('p', null, has(`refusal.${base}`) ? t(`refusal.${base}`) : t('refusal.other')),
        h('p', { class: 'fine' }, h('code', null, error.code), error.detail ? ` — ${error.detail}` : ''));
}
