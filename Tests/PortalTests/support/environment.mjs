import { webcrypto } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

// Node 18 keeps WebCrypto in a module; browsers and later versions have it everywhere.
globalThis.crypto ??= webcrypto;

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const portal = path.join(root, 'Portal');

const vectors = process.env.CLOISTER_VECTORS ?? path.resolve(root, '../shared/vectors');
/** A reason to skip, or false: recorded evidence lies beside the project and is never copied into it. */
export const withoutVectors = fs.existsSync(path.join(vectors, 'expected.json')) ? false : 'the evidence vectors are not here';
/** @param {string} name @returns {Uint8Array} */
export const vector = (name) => new Uint8Array(fs.readFileSync(path.join(vectors, name)));

/** @param {string} text */
export const hex = (text) => Uint8Array.from(text.replace(/\s+/g, '').match(/../g) ?? [], (two) => Number.parseInt(two, 16));

/** What `assert.rejects` and `assert.throws` compare with. @param {string} code */
export const refused = (code) => (/** @type {any} */ error) => {
    if (error?.name !== 'Refusal' || error.code !== code) throw new Error(`expected the refusal ${code}, got ${error}`);
    return true;
};
