import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { hex, portal, refused } from './support/environment.mjs';

const { sha3_256 } = await import(`${portal}/channel/sha3.js`);
const { Sender, dhkem, p256 } = await import(`${portal}/channel/hpke.js`);
const { sealRequest } = await import(`${portal}/channel/ohttp.js`);
const { encodeRequest, padded, parseResponse, sizeClass } = await import(`${portal}/channel/binary-http.js`);
const { KeyConfiguration } = await import(`${portal}/channel/key-configuration.js`);
const { toHex } = await import(`${portal}/encoding/base64.js`);
const base64url = (/** @type {string} */ text) => Buffer.from(text, 'hex').toString('base64url');
const utf8 = (/** @type {string} */ text) => new TextEncoder().encode(text);

test('FIPS 202: SHA3-256 of the empty message, of abc, and of every length up to three blocks', () => {
    assert.equal(toHex(sha3_256(new Uint8Array())), 'a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a');
    assert.equal(toHex(sha3_256(utf8('abc'))), '3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532');
    for (let length = 0; length < 410; length += 1) {
        const message = crypto.getRandomValues(new Uint8Array(length));
        assert.equal(toHex(sha3_256(message)), createHash('sha3-256').update(message).digest('hex'));
    }
});

test('RFC 9180 A.3.1: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, base mode', async () => {
    const enc = '04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac98536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4';
    const receiver = hex('04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a826a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0');
    const jwk = { kty: 'EC', crv: 'P-256', x: base64url(enc.slice(2, 66)), y: base64url(enc.slice(66)), ext: true };
    const algorithm = { name: 'ECDH', namedCurve: 'P-256' };
    const ephemeral = {
        publicKey: await crypto.subtle.importKey('jwk', jwk, algorithm, true, []),
        privateKey: await crypto.subtle.importKey('jwk', { ...jwk, d: base64url('4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb') }, algorithm, true, ['deriveBits']),
    };
    const { secret } = await dhkem(p256, ephemeral).encapsulate(receiver);
    assert.equal(toHex(secret), 'c0d26aeab536609a572b07695d933b589dcf363ff9d93c93adea537aeabb8cb8');
    const sender = await Sender.setup(dhkem(p256, ephemeral), { id: 1, keyLength: 16 }, receiver, hex('4f6465206f6e2061204772656369616e2055726e'));
    assert.equal(toHex(sender.enc), enc);
    assert.equal(toHex(sender.key), '868c066ef58aae6dc589b6cfdd18f97e');
    assert.equal(toHex(sender.nonce), '4e0bc5018beba4bf004cca59');
    assert.equal(toHex(await sender.seal(hex('4265617574792069732074727574682c20747275746820626561757479'), hex('436f756e742d30'))),
        '5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f39513434');
    assert.equal(toHex(await sender.export(new Uint8Array(), 32)), '5e9bc3d236e1911d95e65b576a8a86d478fb827e8bdfe77b741b289890490d4d');
    assert.equal(toHex(await sender.export(hex('00'), 32)), '6cff87658931bda83dc857e6353efe4987a201b849658d9b047aab4cf216e796');
    assert.equal(toHex(await sender.export(hex('54657374436f6e74657874'), 32)), 'd8f1ea7942adbba7412c6d431c62d01371ea476b823eb697e1f6e6cae1dab85a');
    await assert.rejects(sender.seal(new Uint8Array(), new Uint8Array()), 'a context seals one message only');
});

/** The exchange of RFC 9458 appendix A, over X25519 and AES-128-GCM. */
async function appendixA() {
    const x = base64url('4b28f881333e7c164ffc499ad9796f877f4e1051ee6d31bad19dec96c208b472');
    const algorithm = { name: 'X25519' };
    const ephemeral = {
        publicKey: await crypto.subtle.importKey('jwk', { kty: 'OKP', crv: 'X25519', x, ext: true }, algorithm, true, []),
        privateKey: await crypto.subtle.importKey('jwk', { kty: 'OKP', crv: 'X25519', x, d: base64url('bc51d5e930bda26589890ac7032f70ad12e4ecb37abb1b65b1256c9c48999c73'), ext: true }, algorithm, true, ['deriveBits']),
    };
    const kem = dhkem({ id: 0x20, publicKeyLength: 32, algorithm, public: algorithm }, ephemeral);
    const suite = { name: 'x25519', keyID: 1, kem, aead: { id: 1, keyLength: 16 } };
    return sealRequest(hex('00034745540568747470730b6578616d706c652e636f6d012f'), suite, hex('31e1f05a740102115220e9af918f738674aec95f54db6e04eb705aae8e798155'));
}

test('RFC 9458 appendix A: the encapsulated request and its answer', async () => {
    const { body, exchange } = await appendixA();
    assert.equal(toHex(body), '010020000100014b28f881333e7c164ffc499ad9796f877f4e1051ee6d31bad19dec96c208b4726374e469135906992e1268c594d2a10c695d858c40a026e7965e7d86b83dd440b2c0185204b4d63525');
    const answer = hex('c789e7151fcba46158ca84b04464910d86f9013e404feea014e7be4a441f234f857fbd');
    assert.equal(toHex(await exchange.open(answer)), '0140c8');
});

test('an answer with any changed byte, or cut short, does not open', async () => {
    const answer = hex('c789e7151fcba46158ca84b04464910d86f9013e404feea014e7be4a441f234f857fbd');
    const { exchange } = await appendixA();
    for (let i = 0; i < answer.length; i += 1) {
        const changed = answer.slice();
        changed[i] ^= 1;
        await assert.rejects(exchange.open(changed), refused('record-authentication'));
        await assert.rejects(exchange.open(answer.subarray(0, i)), refused('record-authentication'));
    }
});

test('RFC 9292 section 5.1: a known-length request', () => {
    const message = encodeRequest({
        method: 'GET', authority: '', path: '/hello.txt', content: new Uint8Array(),
        fields: [['user-agent', 'curl/7.16.3 libcurl/7.16.3 OpenSSL/0.9.7l zlib/1.2.3'], ['host', 'www.example.com'], ['accept-language', 'en, mi']],
    });
    assert.equal(toHex(message), toHex(hex(`
        00034745540568747470 73000a2f68656c6c6f2e747874406c0a757365722d6167656e7434637572 6c2f372e31362e33206c69626375726c2f372e31362e33204f70656e53534c2f302e392e376c
        207a6c69622f312e322e3304686f73740f7777772e6578616d706c652e636f6d0f6163636570742d6c616e677561676506656e2c206d690000`)));
});

test('sizes are padded with zeros to classes k times a power of two, k from 8 to 15, at least 4096', () => {
    for (const [length, wanted] of [[0, 4096], [4096, 4096], [4097, 4608], [7680, 7680], [7681, 8192], [8193, 9216], [1 << 20, 1 << 20], [(1 << 20) + 1, 9 * 131072]]) {
        assert.equal(sizeClass(length), wanted);
    }
    const message = padded(hex('010203'));
    assert.equal(message.length, 4096);
    assert.ok(message.subarray(3).every((byte) => byte === 0));
});

const response = '0140c8' + '0e' + '0c636f6e74656e742d74797065' + '00' + '0161' + '00';
test('a response is read with its fields and content', () => {
    const { status, fields, content } = parseResponse(hex(`${response}0000`));
    assert.equal(status, 200);
    assert.deepEqual([...fields], [['content-type', '']]);
    assert.equal(toHex(content), '61');
});

for (const [bytes, why] of [
    ['0040c8000000', 'a request'], ['0340c8000000', 'another framing'], ['0140c800', 'truncated sections'], ['0140c80000', 'no trailer section'], ['0140c800000101', 'trailers'],
    ['0140c80000000001', 'padding that is not zero'], ['014064000000', 'an informational status'], ['014190000000', 'a status below 200 or above 599', true],
    ['0140c804014101610000', 'an upper-case field'], ['0140c8080161016101610162' + '0000', 'a repeated field'], ['014000c8', 'a length past the end'], ['4001' + '40c8000000', 'an integer that is not the shortest'],
].filter((one) => one.length === 2)) {
    test(`a response with ${why} is refused`, () => {
        assert.throws(() => parseResponse(hex(/** @type {string} */ (bytes))), refused('record-authentication'));
    });
}

const configuration = `020010${'04'.padEnd(130, '1')}000400010002`;
test('key configurations: list, name, and what is refused', async () => {
    const bytes = hex(configuration);
    const length = bytes.length.toString(16).padStart(4, '0');
    const list = await KeyConfiguration.parseList(hex(length + configuration));
    assert.equal(list.length, 1);
    assert.equal(list[0].suite.name, 'p256');
    assert.equal(list[0].name, createHash('sha256').update(bytes).digest('base64url'));
    await assert.rejects(KeyConfiguration.parseList(hex(`${length}${configuration}00`)), refused('binding-mismatch'));
    await assert.rejects(KeyConfiguration.parseList(hex('')), refused('binding-mismatch'));
    await assert.rejects(KeyConfiguration.parse(hex(`${configuration}00`)), refused('binding-mismatch'));
    await assert.rejects(KeyConfiguration.parse(hex(configuration.replace(/^020010/, '020020'))), refused('suite-not-allowed'));
    await assert.rejects(KeyConfiguration.parse(hex(configuration.replace(/00010002$/, '00010001'))), refused('suite-not-allowed'));
});
