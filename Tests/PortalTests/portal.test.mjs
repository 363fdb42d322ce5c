import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { portal } from './support/environment.mjs';

/** @param {string} folder @returns {string[]} */
const walk = (folder) => fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? walk(path.join(folder, entry.name)) : [path.join(folder, entry.name)]));
const modules = walk(portal).filter((file) => file.endsWith('.js')).map((file) => ({ name: path.relative(portal, file), source: fs.readFileSync(file, 'utf8') }));
const page = fs.readFileSync(path.join(portal, 'index.html'), 'utf8');
const style = fs.readFileSync(path.join(portal, 'portal.css'), 'utf8');
const sha256 = (/** @type {string} */ text) => `sha256-${createHash('sha256').update(text).digest('base64')}`;
const map = /<script type="importmap">([^]*?)<\/script>/.exec(page)?.[1] ?? '';

test('AC-134 every module has its current hash in the import map, and nothing else is in it', () => {
    const wanted = Object.fromEntries(modules.map(({ name, source }) => [`./${name}`, sha256(source)]).sort());
    assert.deepEqual(JSON.parse(map), { integrity: wanted });
});

test('AC-134 entry module and stylesheet have their current hash, and the policy that of the import map', () => {
    assert.ok(page.includes(`src="main.js" integrity="${sha256(fs.readFileSync(path.join(portal, 'main.js'), 'utf8'))}"`));
    assert.ok(page.includes(`href="portal.css" integrity="${sha256(style)}"`));
    assert.ok(page.includes(`script-src 'self' '${sha256(map)}'`));
});

test('AC-136 the page has no inline script, handler or style, and no module makes markup or code from text', () => {
    assert.equal([...page.matchAll(/<script(?![^>]*(src=|type="importmap"))/g)].length, 0);
    assert.doesNotMatch(page, /\son[a-z]+=|\sstyle=|<style/);
    for (const { name, source } of modules) {
        assert.doesNotMatch(source, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|setHTML|createContextualFragment|srcdoc/, name);
    }
});

test('one module alone talks to the network, and nothing is kept but pins and preferences', () => {
    for (const { name, source } of modules) {
        const code = source.replace(/\/\*[^]*?\*\/|\/\/.*/g, '');
        if (name !== 'channel/transport.js') assert.doesNotMatch(code, /\bfetch\(|\.fetch\b|XMLHttpRequest|WebSocket|EventSource|sendBeacon|new Image\b/, name);
        assert.doesNotMatch(code, /document\.cookie|sessionStorage|indexedDB|caches\./, name);
        if (!['main.js', 'ui/preferences.js'].includes(name)) assert.doesNotMatch(code, /localStorage/, name);
    }
});

test('nothing is loaded from anywhere else', () => {
    for (const text of [page, style, ...modules.map((one) => one.source)]) {
        assert.doesNotMatch(text.replace(/http:\/\/www\.w3\.org\/2000\/svg/g, ''), /(src|href)="https?:|url\(\s*["']?https?:|@import|from 'https?:|import\('https?:/);
    }
});

const languages = await Promise.all(fs.readdirSync(path.join(portal, 'languages')).map(async (file) => ({ name: file, messages: (await import(`${portal}/languages/${file}`)).default })));
const english = languages.find((one) => one.name === 'en.js')?.messages ?? {};
const placeholders = (/** @type {any} */ message) => [...new Set(JSON.stringify(message).match(/\{[a-zA-Z]+\}/g) ?? [])].sort();

for (const { name, messages } of languages) {
    test(`${name}: the same keys as English, with the same values in them, and every plural category of the language`, () => {
        assert.deepEqual(Object.keys(messages).sort(), Object.keys(english).sort());
        const categories = new Intl.PluralRules(name.replace('.js', '')).resolvedOptions().pluralCategories;
        for (const [key, message] of Object.entries(messages)) {
            assert.deepEqual(placeholders(message), placeholders(english[key]), key);
            assert.equal(typeof message, typeof english[key], key);
            if (typeof message === 'object') assert.deepEqual(Object.keys(/** @type {object} */ (message)).sort(), [...categories].sort(), key);
            assert.notEqual(message, '', key);
        }
    });
}

test('every text that a module asks for is there', () => {
    for (const { name, source } of modules) {
        for (const [, key] of source.matchAll(/\bt\('([^'{}$]+)'[,)]/g)) assert.ok(Object.hasOwn(english, key), `${name}: ${key}`);
        for (const [, field] of source.matchAll(/new Field\(\{ name: '([a-zA-Z]+)'/g)) assert.ok(Object.hasOwn(english, `field.${field}`), `${name}: field.${field}`);
        for (const [, purpose] of source.matchAll(/purpose: '([^']+)'/g)) assert.ok(Object.hasOwn(english, `purpose.${purpose}`), `${name}: purpose.${purpose}`);
        for (const [, fact] of source.matchAll(/\[['"]([a-zA-Z]+)['"], (?!['"])/g)) if (name === 'ui/evidence-tree.js') assert.ok(Object.hasOwn(english, `fact.${fact}`), `${name}: fact.${fact}`);
    }
});
