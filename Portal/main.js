import { Transport } from './channel/transport.js';
import { Refusal } from './encoding/refusal.js';
import { Configuration } from './trust/configuration.js';
import { Memory } from './trust/memory.js';
import { App } from './ui/app.js';
import { refusalNotice } from './ui/form.js';
import { h, replace } from './ui/dom.js';
import { Frame } from './ui/frame.js';
import { choose, load, t } from './ui/language.js';
import { askAboutChanges } from './ui/changes.js';
import { preference } from './ui/preferences.js';

const root = /** @type {HTMLElement} */ (document.getElementById('portal'));

/** The page cannot do anything without its configuration: it says so and stops. @param {unknown} error */
function stop(error) {
    replace(root, h('main', { class: 'stopped', tabindex: '-1' }, h('h1', null, t('stopped.title')), h('p', null, t('stopped.text')), refusalNotice(error)));
}

async function start() {
    await load(choose(['en', 'de'], preference('language')));
    const transport = new Transport();
    const memory = new Memory(globalThis.localStorage ?? null);
    let configuration;
    try {
        const answer = await transport.send({ url: './config.json', purpose: 'configuration', maximumBytes: 65536 });
        if (answer.status !== 200) throw new Refusal('insecure-configuration', 'config.json cannot be read');
        configuration = new Configuration(answer.body);
        await load(choose(configuration.languages, preference('language')));
    } catch (error) {
        return stop(error);
    }
    const changes = memory.changes(configuration);
    if (changes.length > 0 && !(await askAboutChanges(root, configuration, changes))) return undefined;
    if (changes.length > 0) memory.remember(configuration);
    const app = new App(configuration, transport, memory);
    const frame = new Frame(app, root);
    frame.show();
    // A refusal shows in the frame; nobody has asked for anything yet.
    return app.channel.reverify().catch(() => undefined);
}

start().catch(stop);
