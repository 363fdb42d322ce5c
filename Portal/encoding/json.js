import { text, utf8, equal } from './bytes.js';
import { Refusal } from './refusal.js';

/** @typedef {null | boolean | number | string | JSONValue[] | { [name: string]: JSONValue }} JSONValue */

const blank = /[ \t\n\r]*/y;
const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const plain = /[^"\\\u0000-\u001f]*/y;
const escapes = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/**
 * JSON as `formats.md` section 1 wants it: no duplicate names, no unpaired surrogates, bounded depth.
 *
 * Objects have no prototype, so that a member called `__proto__` or `constructor` is only a member.
 */
class Parser {
    /** @param {string} source @param {(problem: string) => never} fail @param {number} maximumDepth */
    constructor(source, fail, maximumDepth) {
        this.source = source;
        this.at = 0;
        this.fail = fail;
        this.maximumDepth = maximumDepth;
    }

    /** @param {RegExp} pattern */
    match(pattern) {
        pattern.lastIndex = this.at;
        const found = pattern.exec(this.source);
        if (found === null) return null;
        this.at = pattern.lastIndex;
        return found[0];
    }

    document() {
        const value = this.value(0);
        this.match(blank);
        if (this.at !== this.source.length) this.fail('has text after its value');
        return value;
    }

    /** @param {number} depth @returns {JSONValue} */
    value(depth) {
        this.match(blank);
        const next = this.source[this.at];
        if (next === '{' || next === '[') {
            if (depth >= this.maximumDepth) this.fail('is nested too deeply');
            return next === '{' ? this.object(depth + 1) : this.array(depth + 1);
        }
        if (next === '"') return this.string();
        for (const [word, value] of /** @type {[string, JSONValue][]} */ ([['true', true], ['false', false], ['null', null]])) {
            if (this.source.startsWith(word, this.at)) {
                this.at += word.length;
                return value;
            }
        }
        const digits = this.match(number);
        if (digits === null) this.fail('has an unexpected character');
        const value = Number(digits);
        if (!Number.isFinite(value)) this.fail('has a number that is too large');
        return value;
    }

    /** @param {number} depth */
    object(depth) {
        const object = Object.create(null);
        this.at += 1;
        this.match(blank);
        if (this.take('}')) return object;
        for (;;) {
            this.match(blank);
            if (this.source[this.at] !== '"') this.fail('has a member without a name');
            const name = this.string();
            if (name in object) this.fail('has a name twice');
            this.match(blank);
            if (!this.take(':')) this.fail('lacks a colon');
            object[name] = this.value(depth);
            this.match(blank);
            if (this.take('}')) return object;
            if (!this.take(',')) this.fail('lacks a comma');
        }
    }

    /** @param {number} depth */
    array(depth) {
        /** @type {JSONValue[]} */
        const array = [];
        this.at += 1;
        this.match(blank);
        if (this.take(']')) return array;
        for (;;) {
            array.push(this.value(depth));
            this.match(blank);
            if (this.take(']')) return array;
            if (!this.take(',')) this.fail('lacks a comma');
        }
    }

    /** @param {string} character */
    take(character) {
        if (this.source[this.at] !== character) return false;
        this.at += 1;
        return true;
    }

    string() {
        this.at += 1;
        let value = '';
        for (;;) {
            value += this.match(plain);
            const next = this.source[this.at];
            this.at += 1;
            if (next === '"') break;
            if (next !== '\\') this.fail('has an unfinished string');
            const escape = this.source[this.at];
            this.at += 1;
            if (escape === 'u') {
                const digits = this.source.slice(this.at, this.at + 4);
                if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.fail('has a bad escape');
                this.at += 4;
                value += String.fromCharCode(Number.parseInt(digits, 16));
            } else {
                if (escape === undefined || !Object.hasOwn(escapes, escape)) this.fail('has a bad escape');
                value += escapes[/** @type {keyof typeof escapes} */ (escape)];
            }
        }
        if (/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(value)) {
            this.fail('has an unpaired surrogate');
        }
        return value;
    }
}

/**
 * @param {Uint8Array} bytes whose size the caller has bounded
 * @param {string} code
 * @param {string} what
 * @param {number} [maximumDepth]
 * @returns {JSONValue}
 */
export function parse(bytes, code, what, maximumDepth = 16) {
    /** @param {string} problem @returns {never} */
    const fail = (problem) => {
        throw new Refusal(code, `${what} ${problem}`);
    };
    let source;
    try {
        source = text(bytes);
    } catch {
        return fail('is not UTF-8');
    }
    return new Parser(source, fail, maximumDepth).document();
}

/**
 * The JCS form (RFC 8785). ECMAScript's own serialisation of strings and numbers is the one that JCS prescribes, and
 * its sort order of strings is by UTF-16 code unit, as JCS wants.
 *
 * @param {JSONValue} value
 * @returns {string}
 */
export function canonical(value) {
    if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
    if (value !== null && typeof value === 'object') {
        const members = Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
        return `{${members.join(',')}}`;
    }
    return JSON.stringify(value);
}

/** @param {JSONValue} value @returns {boolean} */
function onlyIntegers(value) {
    if (typeof value === 'number') return Number.isSafeInteger(value);
    if (value !== null && typeof value === 'object') return Object.values(value).every(onlyIntegers);
    return true;
}

/**
 * An object that was hashed or signed: it must be its own JCS form, and its numbers integers.
 *
 * @param {Uint8Array} bytes
 * @param {string} code
 * @param {string} what
 */
export function parseCanonical(bytes, code, what) {
    const value = parse(bytes, code, what);
    if (!onlyIntegers(value)) throw new Refusal(code, `${what} has a number that is not an integer`);
    if (!equal(utf8(canonical(value)), bytes)) throw new Refusal(code, `${what} is not in its canonical form (RFC 8785)`);
    return value;
}

/**
 * Reads the members of one object strictly: each is taken once with its type, and whatever is left over is refused.
 */
export class Members {
    /** @param {JSONValue | undefined} value @param {string} code @param {string} what */
    constructor(value, code, what) {
        this.code = code;
        this.what = what;
        if (value === null || typeof value !== 'object' || Array.isArray(value)) this.fail('is not an object');
        this.object = /** @type {{ [name: string]: JSONValue }} */ (value);
        /** @type {Set<string>} */
        this.taken = new Set();
    }

    /** @param {string} problem @returns {never} */
    fail(problem) {
        throw new Refusal(this.code, `${this.what} ${problem}`);
    }

    /** @param {string} name */
    has(name) {
        return Object.hasOwn(this.object, name);
    }

    /** @param {string} name @returns {JSONValue} */
    any(name) {
        this.taken.add(name);
        if (!this.has(name)) this.fail(`lacks "${name}"`);
        return this.object[name];
    }

    /** @param {string} name */
    string(name) {
        const value = this.any(name);
        return typeof value === 'string' ? value : this.fail(`has a "${name}" that is not a string`);
    }

    /** @param {string} name */
    boolean(name) {
        const value = this.any(name);
        return typeof value === 'boolean' ? value : this.fail(`has a "${name}" that is not true or false`);
    }

    /** Not negative. @param {string} name */
    integer(name) {
        const value = this.any(name);
        if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
        return this.fail(`has a "${name}" that is not a whole number`);
    }

    /** @param {string} name @param {number} [most] */
    array(name, most = 64) {
        const value = this.any(name);
        if (!Array.isArray(value)) return this.fail(`has a "${name}" that is not a list`);
        if (value.length > most) this.fail(`has a "${name}" with more than ${most} entries`);
        return value;
    }

    /** @param {string} name @param {number} [most] */
    strings(name, most = 64) {
        const values = this.array(name, most);
        if (!values.every((value) => typeof value === 'string')) this.fail(`has a "${name}" with other things than strings`);
        return /** @type {string[]} */ (values);
    }

    /** @param {string} name */
    members(name) {
        return new Members(this.any(name), this.code, `${this.what}, "${name}"`);
    }

    /** @param {string} name @param {string} wanted */
    exactly(name, wanted) {
        if (this.string(name) !== wanted) this.fail(`has a "${name}" other than ${wanted}`);
    }

    /** Refuses members that nobody asked for. */
    end() {
        for (const name of Object.keys(this.object)) {
            if (!this.taken.has(name)) this.fail(`has an unknown member "${name.slice(0, 40)}"`);
        }
    }
}
