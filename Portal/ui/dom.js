/**
 * Builds DOM nodes. Text only ever becomes text nodes, so nothing that comes from a patient record, an image or a
 * service can become markup.
 *
 * @typedef {Node | string | number | null | undefined | false} Child
 * @typedef {Record<string, any>} Attributes `on…` are listeners; booleans set or omit; `data` sets the dataset
 */

/** @param {Element} node @param {Attributes} attributes */
function apply(node, attributes) {
    for (const [name, value] of Object.entries(attributes)) {
        if (value === undefined || value === null || value === false) continue;
        if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
        else if (name === 'data') Object.assign(/** @type {HTMLElement} */ (node).dataset, value);
        else if (name === 'value' || name === 'checked') /** @type {any} */ (node)[name] = value;
        else node.setAttribute(name, value === true ? '' : String(value));
    }
}

/** @param {Element} node @param {(Child | Child[])[]} children */
function fill(node, children) {
    for (const child of children.flat()) {
        if (child === null || child === undefined || child === false) continue;
        node.append(child instanceof Node ? child : String(child));
    }
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes | null} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes, ...children) {
    const node = document.createElement(tag);
    fill(node, children);
    if (attributes) apply(node, attributes);
    return node;
}

/** @param {Element} node @param {...(Child | Child[])} children */
export function replace(node, ...children) {
    node.replaceChildren();
    fill(node, children);
}

const shapes = {
    shield: 'M12 3l7 3v5c0 4.6-3 8-7 10-4-2-7-5.400-7-10V6z',
    check: 'M5 12.500l4.500 4.500L19 7.500',
    cross: 'M6 6l12 12M18 6L6 18',
    warning: 'M12 4L2.500 20h19zM12 10v4.500M12 17.300v.2',
    clock: 'M12 4a8 8 0 1 0 0 16a8 8 0 1 0 0-16M12 8v4.200l3 1.800',
    lock: 'M7 11V8a5 5 0 0 1 10 0v3M6 11h12v9H6z',
    eye: 'M2.500 12S6 5.500 12 5.500S21.500 12 21.500 12S18 18.500 12 18.500S2.500 12 2.500 12zM12 9.500a2.500 2.500 0 1 0 0 5a2.500 2.500 0 1 0 0-5',
    never: 'M12 4a8 8 0 1 0 0 16a8 8 0 1 0 0-16M6.400 6.400l11.200 11.200',
    upload: 'M12 15V5M8 9l4-4.200L16 9M5 15v4h14v-4',
    download: 'M12 4v10M8 10.500l4 4.200l4-4.200M5 16v4h14v-4',
    person: 'M12 4.500a3.700 3.700 0 1 0 0 7.400a3.700 3.700 0 1 0 0-7.400M5 20c.6-4 3.300-6 7-6s6.400 2 7 6',
    image: 'M4 5h16v14H4zM4 16l5-5l4 4l2.500-2.500L20 17M15.500 8.500v.2',
    report: 'M6 3.500h9l4 4V20.500H6zM9 12h7M9 16h7M14.500 3.500V8H19',
    arrow: 'M5 12h13M13 7l5 5l-5 5',
    theme: 'M12 4a8 8 0 1 0 0 16a8 8 0 1 0 0-16M12 4v16a8 8 0 0 0 0-16',
    link: 'M9 12h6M10 8H8a4 4 0 0 0 0 8h2M14 8h2a4 4 0 0 1 0 8h-2',
};

/** A drawing that says nothing to assistive technology: the text beside it does. @param {keyof typeof shapes} name */
export function icon(name) {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    apply(svg, { viewBox: '0 0 24 24', class: `icon icon-${name}`, 'aria-hidden': 'true', focusable: 'false' });
    apply(path, { d: shapes[name] });
    svg.append(path);
    return svg;
}

/** Offers bytes as a download. @param {Uint8Array} bytes @param {string} type @param {string} name */
export function download(bytes, type, name) {
    const url = URL.createObjectURL(new Blob([bytes], { type }));
    const link = h('a', { href: url, download: name, hidden: true });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
}

let counter = 0;
/** An id that no other element has. @param {string} prefix */
export function freshID(prefix) {
    counter += 1;
    return `${prefix}-${counter}`;
}
