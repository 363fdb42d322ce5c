import { utf8 } from './bytes.js';
import { toBase64URL } from './base64.js';

/** @param {Uint8Array} bytes */
export async function sha256(bytes) {
    return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

/** base64url of SHA-256, the form of every digest of ours. @param {Uint8Array | string} of */
export async function digest(of) {
    return toBase64URL(await sha256(typeof of === 'string' ? utf8(of) : of));
}
