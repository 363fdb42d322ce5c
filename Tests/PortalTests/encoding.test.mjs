import assert from 'node:assert/strict';
import test from 'node:test';
import { hex, portal, refused } from './support/environment.mjs';

const { fromBase64URL, fromBase64, toBase64URL } = await import(`${portal}/encoding/base64.js`);
const { canonical, parse, parseCanonical, Members } = await import(`${portal}/encoding/json.js`);
const { Element, fixedWidthSignature } = await import(`${portal}/encoding/der.js`);
const { utf8 } = await import(`${portal}/encoding/bytes.js`);
const read = (/** @type {string} */ text) => parse(utf8(text), 'bad', 'text');

test('base64url agrees with Node for every length', () => {
    for (let length = 0; length < 100; length += 1) {
        const bytes = crypto.getRandomValues(new Uint8Array(length));
        assert.equal(toBase64URL(bytes), Buffer.from(bytes).toString('base64url'));
        assert.deepEqual(fromBase64URL(toBase64URL(bytes), 'bad', 'text'), bytes);
        assert.deepEqual(fromBase64(Buffer.from(bytes).toString('base64'), 'bad', 'text'), bytes);
    }
});

for (const [text, why] of [['QQ==', 'padding'], ['QR', 'non-zero trailing bits'], ['a+b_', 'the other alphabet'], ['QUFBQ', 'an impossible length'], ['QQ\u0141A', 'another letter']]) {
    test(`base64url with ${why} is refused`, () => {
        assert.throws(() => fromBase64URL(text, 'bad', 'text'), refused('bad'));
    });
}

test('RFC 8785 section 3.2.3: members are sorted by UTF-16 code units', () => {
    const value = read('{"\\u20ac":"Euro Sign","\\r":"Carriage Return","\\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\\ud83d\\ude00":"Emoji: Grinning Face","\\u0080":"Control","\\u00f6":"Latin Small Letter O With Diaeresis"}');
    assert.deepEqual([...canonical(value).matchAll(/:"([^"]*)"/g)].map((one) => one[1]), [
        'Carriage Return', 'One', 'Control', 'Latin Small Letter O With Diaeresis', 'Euro Sign', 'Emoji: Grinning Face', 'Hebrew Letter Dalet With Dagesh',
    ]);
});

test('RFC 8785 section 3.2.2: numbers, literals and strings take their canonical form', () => {
    const value = read('{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}');
    assert.equal(canonical(value), '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}');
});

for (const [text, why] of [
    ['{"a":1,"a":2}', 'a name twice'], ['{"a":1,"\\u0061":2}', 'a name twice, once escaped'], ['"\\ud800"', 'an unpaired surrogate'], ['"\\udc00\\ud800"', 'surrogates the wrong way round'],
    ['\ufeff{}', 'a byte-order mark'], ['{} x', 'text after its value'], ['[1,]', 'a comma too many'], ['01', 'a leading zero'], ['"\t"', 'a control character'],
    ['1e999', 'a number that is too large'], [`${'['.repeat(17)}${']'.repeat(17)}`, 'too many levels'], ['nul', 'half a literal'], ['"\\x"', 'a bad escape'], ['', 'nothing'],
]) {
    test(`JSON with ${why} is refused`, () => {
        assert.throws(() => read(text), refused('bad'));
    });
}

test('JSON that is not UTF-8 is refused', () => {
    assert.throws(() => parse(hex('22ff22'), 'bad', 'text'), refused('bad'));
});

test('a member called __proto__ is only a member', () => {
    const value = read('{"__proto__":{"polluted":true}}');
    assert.equal(/** @type {any} */ ({}).polluted, undefined);
    assert.deepEqual(Object.keys(value), ['__proto__']);
});

for (const text of ['{"b":1,"a":2}', '{"a": 1}', '{"a":1.5}', '{"a":9007199254740993}', '{"a":"\\u0041"}', '{"a":1e2}']) {
    test(`a signed object in another form than its canonical one is refused: ${text}`, () => {
        assert.throws(() => parseCanonical(utf8(text), 'bad', 'text'), refused('bad'));
    });
}

test('members that nobody asked for are refused', () => {
    const object = new Members(read('{"a":"1","b":2}'), 'bad', 'text');
    object.string('a');
    assert.throws(() => object.end(), refused('bad'));
    assert.throws(() => object.string('b'), refused('bad'));
    assert.throws(() => object.string('c'), refused('bad'));
});

for (const [text, why] of [['30', 'no length'], ['3080', 'an indefinite length'], ['308101ff', 'a length that is not the shortest'], ['3002', 'a length past the end'], ['300000', 'bytes after the end'], ['1f8101', 'a multi-byte tag']]) {
    test(`DER with ${why} is refused`, () => {
        assert.throws(() => Element.parse(hex(text), 'bad', 'text'), refused('bad'));
    });
}

test('an ECDSA signature in DER becomes fixed width, and one that is too wide is refused', () => {
    const width = fixedWidthSignature(hex('300702020081020105'), 32, 'bad');
    assert.equal(width.length, 64);
    assert.equal(width[31], 0x81);
    assert.equal(width[63], 5);
    assert.throws(() => fixedWidthSignature(hex(`30260221${'01'.repeat(33)}020105`), 32, 'bad'), refused('bad'));
    assert.throws(() => fixedWidthSignature(hex('30060201ff020105'), 32, 'bad'), refused('bad'));
});
