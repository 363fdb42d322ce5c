/** Languages that the portal speaks: one module each, with the same keys. To add one, add its module and a line here. */
const modules = {
    en: () => import('../languages/en.js'),
    de: () => import('../languages/de.js'),
};
/** @type {Record<string, string>} */
export const languageNames = { en: 'English', de: 'Deutsch' };

/** @typedef {string | Record<string, string>} Message a text, or one for each plural category */

/** @type {Record<string, Message>} */
let messages = {};
let current = 'en';

/** @param {string[]} offered by the configuration @param {string | null} [wanted] */
export function choose(offered, wanted = null) {
    const known = offered.filter((one) => Object.hasOwn(modules, one));
    const wishes = [wanted, ...navigator.languages.map((one) => one.split('-')[0])];
    return wishes.find((one) => one !== null && known.includes(one)) ?? known[0] ?? 'en';
}

/** @param {string} language */
export async function load(language) {
    const name = /** @type {keyof typeof modules} */ (Object.hasOwn(modules, language) ? language : 'en');
    messages = (await modules[name]()).default;
    current = name;
    document.documentElement.lang = name;
}

export const language = () => current;

/**
 * The text for a key. `{name}` is replaced by the value of that name; `count` chooses the plural form.
 *
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
    const message = messages[key];
    if (message === undefined) return key;
    const form = typeof message === 'string' ? message
        : message[new Intl.PluralRules(current).select(Number(values.count))] ?? message.other;
    return form.replace(/\{([a-zA-Z]+)\}/g, (all, name) => {
        const value = values[name];
        if (value === undefined) return all;
        return typeof value === 'number' ? number(value) : value;
    });
}

/** @param {string} key */
export const has = (key) => Object.hasOwn(messages, key);

/** @param {number} value @param {number} [digits] */
export function number(value, digits) {
    return new Intl.NumberFormat(current, digits === undefined ? {} : { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

/** @param {number} seconds since 1970 */
export function time(seconds) {
    return new Intl.DateTimeFormat(current, { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(seconds * 1000));
}

/** A calendar date as it stands in a record, without a time zone. @param {string} date YYYY-MM-DD */
export function day(date) {
    const parsed = new Date(`${date}T00:00:00Z`);
    return Number.isNaN(parsed.getTime()) ? date : new Intl.DateTimeFormat(current, { dateStyle: 'medium', timeZone: 'UTC' }).format(parsed);
}

/** @param {number} count */
export function bytes(count) {
    const units = ['byte', 'kilobyte', 'megabyte'];
    const step = count < 1000 ? 0 : count < 1000000 ? 1 : 2;
    return new Intl.NumberFormat(current, { style: 'unit', unit: units[step], unitDisplay: step === 0 ? 'long' : 'short', maximumFractionDigits: step === 0 ? 0 : 1 })
        .format(count / 1000 ** step);
}
