import { freshID, h, replace } from './dom.js';
import { number, t } from './language.js';

/** Colours of Okabe and Ito, told apart by people of every colour vision. @type {Record<string, [number, number, number]>} */
export const colours = { csf: [86, 180, 233], grey_matter: [230, 159, 0], white_matter: [0, 158, 115] };
/** Which volume belongs to which class. @type {Record<string, string>} */
export const volumeOf = { csf: 'csf', grey_matter: 'grey', white_matter: 'white' };
const zooms = [1, 1.5, 2, 3, 4];

/**
 * The image with its labels laid over it. Everything that a drag would do has a key and a button.
 *
 * @param {import('../health/platform.js').Result} result
 */
export function viewer(result) {
    const picture = h('canvas', { width: result.columns, height: result.rows });
    const overlay = h('canvas', { width: result.columns, height: result.rows, class: 'overlay' });
    const stage = h('div', { class: 'stage' }, picture, overlay);
    const summary = result.classes.filter((name) => Object.hasOwn(volumeOf, name))
        .map((name) => `${t(`class.${name}`)} ${number(result.volumes[volumeOf[name]], 1)} ml`).join(', ');
    const frame = h('div', { class: 'viewer', tabindex: '0', role: 'img', 'aria-label': t('viewer.label', { summary }), 'aria-keyshortcuts': 'I O Plus Minus = Space' }, stage);
    const state = { inverted: false, zoom: 0, opacity: 0.45, /** @type {Set<string>} */ hidden: new Set() };

    const paint = () => {
        const context = picture.getContext('2d');
        const pixels = context?.createImageData(result.columns, result.rows);
        if (!context || !pixels) return;
        for (let i = 0; i < result.image.length; i += 1) {
            const value = state.inverted ? 255 - result.image[i] : result.image[i];
            pixels.data.set([value, value, value, 255], 4 * i);
        }
        context.putImageData(pixels, 0, 0);
    };
    const paintLabels = () => {
        const context = overlay.getContext('2d');
        const pixels = context?.createImageData(result.columns, result.rows);
        if (!context || !pixels) return;
        const palette = result.classes.map((name) => (state.hidden.has(name) ? undefined : colours[name]));
        for (let i = 0; i < result.labels.length; i += 1) {
            const colour = palette[result.labels[i]];
            if (colour !== undefined) pixels.data.set([...colour, 255], 4 * i);
        }
        context.putImageData(pixels, 0, 0);
    };
    const apply = () => {
        overlay.style.opacity = String(state.opacity);
        stage.style.width = `${zooms[state.zoom] * 100}%`;
        slider.value = String(Math.round(state.opacity * 100));
        replace(shown, `${slider.value} %`);
        invert.setAttribute('aria-pressed', String(state.inverted));
    };

    const shown = h('output', null);
    const sliderID = freshID('opacity');
    const slider = h('input', { type: 'range', id: sliderID, min: '0', max: '100', step: '5', oninput: () => {
        state.opacity = Number(slider.value) / 100;
        apply();
    } });
    const invert = h('button', { type: 'button', onclick: () => act('i') }, t('viewer.invert'));
    /** @param {string} key */
    const act = (key) => {
        if (key === 'i') {
            state.inverted = !state.inverted;
            paint();
        } else if (key === 'o') state.opacity = state.opacity > 0 ? 0 : 0.45;
        else if (key === '+') state.zoom = Math.min(zooms.length - 1, state.zoom + 1);
        else if (key === '-') state.zoom = Math.max(0, state.zoom - 1);
        else if (key === '=') state.zoom = 0;
        else if (key === ' ') {
            Object.assign(state, { inverted: false, zoom: 0, opacity: 0.45 });
            paint();
        } else return false;
        apply();
        return true;
    };
    frame.addEventListener('keydown', (event) => {
        if (!event.ctrlKey && !event.metaKey && !event.altKey && act(event.key.toLowerCase())) event.preventDefault();
    });
    const legend = h('fieldset', { class: 'legend' }, h('legend', null, t('viewer.legend')),
        result.classes.filter((name) => Object.hasOwn(colours, name)).map((name) => {
            const id = freshID('class');
            const swatch = h('span', { class: 'swatch' });
            swatch.style.backgroundColor = `rgb(${colours[name].join(' ')})`;
            return h('label', { for: id }, h('input', { type: 'checkbox', id, checked: true, onchange: (/** @type {any} */ event) => {
                if (event.target.checked) state.hidden.delete(name);
                else state.hidden.add(name);
                paintLabels();
            } }), swatch, h('span', null, t(`class.${name}`)), h('span', { class: 'value' }, `${number(result.volumes[volumeOf[name]], 1)} ml`));
        }));
    const tools = h('div', { class: 'viewer-tools' },
        h('div', { class: 'slider' }, h('label', { for: sliderID }, t('viewer.opacity')), slider, shown),
        h('div', { class: 'buttons' }, invert,
            h('button', { type: 'button', 'aria-label': t('viewer.zoomOut'), onclick: () => act('-') }, '−'),
            h('button', { type: 'button', 'aria-label': t('viewer.zoomIn'), onclick: () => act('+') }, '+'),
            h('button', { type: 'button', onclick: () => act(' ') }, t('viewer.reset'))),
        legend,
        h('details', { class: 'keys' }, h('summary', null, t('viewer.keys')), h('dl', null, [['I', 'invert'], ['O', 'overlay'], ['+ −', 'zoom'], ['=', 'fit'], ['␣', 'reset']]
            .flatMap(([key, name]) => [h('dt', null, h('kbd', null, key)), h('dd', null, t(`viewer.key.${name}`))]))));
    paint();
    paintLabels();
    apply();
    return h('div', { class: 'viewing' }, frame, tools);
}

