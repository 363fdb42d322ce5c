/** Language and theme: the only things besides pins that this page keeps. */
const prefix = 'cloister-portal-preference/';

/** @param {'language' | 'theme'} name */
export function preference(name) {
    try {
        return localStorage.getItem(prefix + name);
    } catch {
        return null;
    }
}

/** @param {'language' | 'theme'} name @param {string} value */
export function prefer(name, value) {
    try {
        localStorage.setItem(prefix + name, value);
    } catch {
        // Without storage the choice holds until the page is closed.
    }
}
