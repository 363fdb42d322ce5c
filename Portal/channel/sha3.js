/**
 * SHA3-256 (FIPS 202), which WebCrypto does not offer and X-Wing's combiner needs. It hashes 134 bytes once a message,
 * so plain BigInt lanes are fast enough.
 */

const mask = (1n << 64n) - 1n;
/** @param {bigint} value @param {bigint} by */
const rotate = (value, by) => ((value << by) | (value >> (64n - by))) & mask;

/** Round constants, by the linear feedback shift register of FIPS 202 §3.2.5. */
const roundConstants = (() => {
    let register = 1;
    return Array.from({ length: 24 }, () => {
        let constant = 0n;
        for (let j = 0; j < 7; j += 1) {
            if (register & 1) constant |= 1n << BigInt(2 ** j - 1);
            register = (register << 1) ^ (register >> 7) * 0x171;
        }
        return constant;
    });
})();

/** @param {bigint[]} lanes 25, at x + 5y */
function permute(lanes) {
    for (const constant of roundConstants) {
        const column = Array.from({ length: 5 }, (_, x) => lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20]);
        for (let i = 0; i < 25; i += 1) lanes[i] ^= column[(i + 4) % 5] ^ rotate(column[(i + 1) % 5], 1n);
        let [x, y] = [1, 0];
        let moved = lanes[1];
        for (let t = 0n; t < 24n; t += 1n) {
            [x, y] = [y, (2 * x + 3 * y) % 5];
            const held = lanes[x + 5 * y];
            lanes[x + 5 * y] = rotate(moved, (((t + 1n) * (t + 2n)) / 2n) % 64n);
            moved = held;
        }
        for (let row = 0; row < 25; row += 5) {
            const [a, b, c, d, e] = lanes.slice(row, row + 5);
            lanes[row] = a ^ (~b & mask & c);
            lanes[row + 1] = b ^ (~c & mask & d);
            lanes[row + 2] = c ^ (~d & mask & e);
            lanes[row + 3] = d ^ (~e & mask & a);
            lanes[row + 4] = e ^ (~a & mask & b);
        }
        lanes[0] ^= constant;
    }
}

/** @param {Uint8Array} message */
export function sha3_256(message) {
    const rate = 136;
    const padded = new Uint8Array(Math.floor(message.length / rate + 1) * rate);
    padded.set(message);
    padded[message.length] ^= 0x06;
    padded[padded.length - 1] ^= 0x80;
    const view = new DataView(padded.buffer);
    const lanes = Array.from({ length: 25 }, () => 0n);
    for (let block = 0; block < padded.length; block += rate) {
        for (let lane = 0; lane < rate / 8; lane += 1) lanes[lane] ^= view.getBigUint64(block + 8 * lane, true);
        permute(lanes);
    }
    const digest = new DataView(new ArrayBuffer(32));
    for (let lane = 0; lane < 4; lane += 1) digest.setBigUint64(8 * lane, lanes[lane], true);
    return new Uint8Array(digest.buffer);
}
