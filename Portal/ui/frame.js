import { h, icon, replace } from './dom.js';
import { language, languageNames, load, t } from './language.js';
import { prefer, preference } from './preferences.js';
import { notice, refusalNotice } from './form.js';
import { imagingView } from './imaging.js';
import { intakeView } from './intake.js';
import { resultsView } from './results.js';
import { signInView } from './sign-in.js';
import { visibilityView } from './visibility.js';

/** @typedef {{ node: HTMLElement, close?: () => void }} View */

/** @type {Record<string, { title: string, icon: 'person' | 'image' | 'report' | 'eye', open: (frame: Frame) => View }>} */
const views = {
    patient: { title: 'nav.patient', icon: 'person', open: intakeView },
    imaging: { title: 'nav.imaging', icon: 'image', open: imagingView },
    results: { title: 'nav.results', icon: 'report', open: resultsView },
    trust: { title: 'nav.trust', icon: 'eye', open: visibilityView },
};

const themes = ['system', 'light', 'dark'];

/** What stands around every view: name, banner, trust, navigation, and the place where a view is shown. */
export class Frame {
    /** @param {import('./app.js').App} app @param {HTMLElement} root */
    constructor(app, root) {
        this.app = app;
        this.root = root;
        /** @type {View | null} */
        this.view = null;
        this.name = '';
        this.pill = h('button', { type: 'button', class: 'pill', onclick: () => this.open('trust') });
        this.alert = h('div', { class: 'alert-area', role: 'alert' });
        this.polite = h('div', { class: 'visually-hidden', role: 'status', 'aria-live': 'polite' });
        this.nav = h('nav', { class: 'tabs' });
        this.account = h('div', { class: 'account' });
        this.main = h('main', { id: 'main', tabindex: '-1' });
        app.addEventListener('trust', () => this.showTrust());
        app.addEventListener('session', () => this.sessionChanged(true));
        app.addEventListener('jobs', () => this.showNavigation());
        app.addEventListener('arrived', () => this.announce(t('job.arrived')));
        addEventListener('hashchange', () => this.open(location.hash.slice(1)));
        addEventListener('beforeunload', (event) => {
            if (app.uploads.size > 0) event.preventDefault();
        });
        setInterval(() => this.showTrust(), 10000);
        this.applyTheme();
    }

    show() {
        const { configuration } = this.app;
        const banner = configuration.trustsSimulation
            ? h('div', { class: 'simulated', role: 'region', 'aria-label': t('banner.label') }, icon('warning'),
                h('p', null, h('strong', null, t('banner.title')), ' ', t('banner.text')))
            : null;
        const languages = configuration.languages.filter((one) => Object.hasOwn(languageNames, one));
        const select = h('select', { id: 'language', onchange: (/** @type {any} */ event) => this.changeLanguage(event.target.value) },
            languages.map((one) => h('option', { value: one, lang: one }, languageNames[one])));
        select.value = language();
        replace(this.root,
            h('a', { class: 'skip', href: '#main', onclick: (/** @type {Event} */ event) => {
                event.preventDefault();
                this.main.focus();
            } }, t('skip')),
            h('header', { class: 'top' },
                h('div', { class: 'bar' },
                    h('div', { class: 'brand' }, icon('shield'), h('div', null, h('span', { class: 'product' }, 'Cloister'), h('span', { class: 'hospital' }, configuration.hospital))),
                    this.pill,
                    h('div', { class: 'tools' },
                        h('label', { for: 'language', class: 'visually-hidden' }, t('language')), select,
                        h('button', { type: 'button', class: 'quiet', title: t('theme'), 'aria-label': `${t('theme')}: ${t(`theme.${this.theme()}`)}`, onclick: (/** @type {any} */ event) => this.nextTheme(event.currentTarget) }, icon('theme')),
                        this.account)),
                banner, this.nav),
            this.alert, this.main,
            h('footer', { class: 'foot' }, h('p', null, t('footer.medical')), h('p', null, t('footer.host'))),
            this.polite);
        this.showAccount();
        this.showTrust();
        this.open(location.hash.slice(1));
    }

    /** @param {string} text */
    announce(text) {
        replace(this.polite, text);
    }

    /** @param {string} wanted name of a view; without a session only the sign-in and the trust view open */
    open(wanted) {
        const signedIn = this.app.platform.session !== null;
        const name = wanted === 'trust' || (signedIn && Object.hasOwn(views, wanted)) ? wanted : signedIn ? 'patient' : 'sign-in';
        const moved = name !== this.name;
        this.view?.close?.();
        this.name = name;
        if (location.hash.slice(1) !== name) history.replaceState(null, '', `#${name}`);
        this.view = name === 'sign-in' ? signInView(this) : views[name].open(this);
        replace(this.main, this.view.node);
        document.title = `${name === 'sign-in' ? t('signIn.title') : t(views[name].title)} · Cloister`;
        this.showNavigation();
        if (moved && wanted !== '') {
            scrollTo(0, 0);
            this.main.focus({ preventScroll: true });
        }
    }

    showNavigation() {
        const names = this.app.platform.session === null ? ['sign-in', 'trust'] : Object.keys(views);
        const focused = document.activeElement instanceof HTMLElement && this.nav.contains(document.activeElement) ? document.activeElement.dataset.view : undefined;
        this.nav.setAttribute('aria-label', t('nav.label'));
        replace(this.nav, h('ul', null, names.map((name) => h('li', null,
            h('a', { href: `#${name}`, data: { view: name }, 'aria-current': name === this.name ? 'page' : false, onclick: (/** @type {Event} */ event) => {
                event.preventDefault();
                this.open(name);
            } }, icon(name === 'sign-in' ? 'lock' : views[name].icon), h('span', null, t(name === 'sign-in' ? 'nav.signIn' : views[name].title)),
            name === 'results' && this.app.unseen > 0 && h('span', { class: 'badge' }, h('span', { 'aria-hidden': 'true' }, this.app.unseen), h('span', { class: 'visually-hidden' }, t('nav.unseen', { count: this.app.unseen }))))))));
        if (focused !== undefined) /** @type {HTMLElement | null} */ (this.nav.querySelector(`[data-view="${focused}"]`))?.focus();
    }

    showTrust() {
        const { app } = this;
        const names = /** @type {const} */ ({ verifying: 'clock', verified: 'check', refused: 'cross' });
        this.pill.className = `pill ${app.trust}`;
        const age = app.unit === null ? 0 : Math.max(0, Math.floor(Date.now() / 1000) - app.unit.at);
        const text = app.trust === 'verified' ? t(age < 60 ? 'pill.verifiedSeconds' : 'pill.verifiedMinutes', { count: age < 60 ? age : Math.floor(age / 60) })
            : app.trust === 'refused' ? t(app.isAway ? 'pill.away' : 'pill.refused') : t('pill.verifying');
        replace(this.pill, icon(names[app.trust]), h('span', null, text));
        if (app.trust === this.shownTrust) return;
        this.shownTrust = app.trust;
        this.announce(app.trust === 'refused' ? '' : app.trust === 'verified' ? t('pill.verifiedNow') : t('pill.verifying'));
        replace(this.alert, app.trust === 'refused' && h('div', { class: 'refused' }, refusalNotice(app.refusal),
            h('button', { type: 'button', onclick: () => app.channel.reverify().catch(() => undefined) }, t('trust.again'))));
    }

    showAccount() {
        const { session } = this.app.platform;
        replace(this.account, session !== null && [
            h('span', { class: 'user' }, icon('person'), session.user),
            h('button', { type: 'button', class: 'quiet', onclick: () => this.signOut() }, t('signOut')),
        ]);
    }

    async signOut() {
        await this.app.platform.signOut().catch(() => undefined);
        this.sessionChanged();
    }

    /** @param {boolean} [lost] the platform ended the session, not the clerk */
    sessionChanged(lost = false) {
        const { app } = this;
        if (app.platform.session === null) {
            clearTimeout(app.timer);
            app.patients = null;
            app.jobs.clear();
            app.selection = {};
            app.unseen = 0;
        } else app.poll();
        this.showAccount();
        this.open(app.platform.session === null ? 'sign-in' : 'patient');
        replace(this.alert, lost && h('div', { class: 'refused' }, notice('info', h('p', null, t('session.ended')))));
    }

    /** @param {string} name */
    async changeLanguage(name) {
        prefer('language', name);
        await load(name);
        this.shownTrust = undefined;
        this.show();
        document.getElementById('language')?.focus();
    }

    theme() {
        const name = preference('theme') ?? this.chosenTheme ?? 'system';
        return themes.includes(name) ? name : 'system';
    }

    applyTheme() {
        const name = this.theme();
        if (name === 'system') delete document.documentElement.dataset.theme;
        else document.documentElement.dataset.theme = name;
    }

    /** @param {HTMLElement} button */
    nextTheme(button) {
        const name = themes[(themes.indexOf(this.theme()) + 1) % themes.length];
        this.chosenTheme = name;
        prefer('theme', name);
        this.applyTheme();
        button.setAttribute('aria-label', `${t('theme')}: ${t(`theme.${name}`)}`);
        this.announce(t(`theme.${name}`));
    }
}

