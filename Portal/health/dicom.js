/**
 * A first look at a chosen file, so that a wrong one is named before anything is sent. The platform unit parses the
 * file itself; nothing rests on this.
 *
 * @param {Uint8Array} bytes
 * @returns {'dicom' | 'image' | 'unknown'}
 */
export function kindOf(bytes) {
    if (bytes.length > 132 && String.fromCharCode(...bytes.subarray(128, 132)) === 'DICM') return 'dicom';
    const start = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    if (start === '89504e47' || start.startsWith('ffd8ff') || start === '47494638') return 'image';
    return 'unknown';
}
