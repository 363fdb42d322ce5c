import { dhkem, p256 } from './hpke.js';
import { canXWing, xwing } from './xwing.js';

/**
 * The two suites of the encapsulated exchange (`formats.md` section 4), the stronger one first.
 *
 * @typedef {{ name: 'xwing' | 'p256', keyID: number, kem: import('./hpke.js').KEM, aead: import('./hpke.js').AEAD }} Suite
 */

const aes256GCM = { id: 2, keyLength: 32 };

/** @type {{ xwing: Suite, p256: Suite }} */
export const suites = {
    xwing: { name: 'xwing', keyID: 1, kem: xwing, aead: aes256GCM },
    p256: { name: 'p256', keyID: 2, kem: dhkem(p256), aead: aes256GCM },
};

/** @type {Promise<boolean> | null} */
let probed = null;

/**
 * The strongest configuration that this browser can use.
 *
 * @param {import('./key-configuration.js').KeyConfiguration[]} configurations
 */
export async function strongest(configurations) {
    probed ??= canXWing();
    const usable = (await probed) ? ['xwing', 'p256'] : ['p256'];
    for (const name of usable) {
        const found = configurations.find((one) => one.suite.name === name);
        if (found !== undefined) return found;
    }
    return null;
}
