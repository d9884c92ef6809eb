// The page: fetches the model, then joins the form, the runs and the viewer.

import * as api from './api.js';
import {Card} from './card.js';
import {$, announce, wantsLessMotion} from './dom.js';
import {Form} from './form.js';
import {forForm, settingsOf, title} from './plan.js';
import {Run} from './run.js';
import {plan, restored} from './state.js';
import {Viewer} from './viewer.js';
import {drawWelcome} from './welcome.js';
import {count, sentence} from './words.js';

class Studio {
    cards = []; #form; #viewer;

    constructor(model) {
        this.model = model;
        this.#viewer = new Viewer(this);
        this.#form = new Form(model, restored(model), (settings) => this.start(plan(settings)));
    }

    /** Makes what a plan says; the newest run stands first. */
    start(plan) {
        const name = this.#form.className(settingsOf(plan).label);
        const run = new Run(plan), card = new Card(run, name, this);
        this.cards.unshift(card);
        $('runs').prepend(card.element);
        $('welcome').hidden = true;
        run.addEventListener('change', () => this.#showInTitle());
        run.addEventListener('picture', ({picture}) => this.#viewer.refresh(picture));
        run.start();
        announce(`Making ${title(plan)} of ${name}`);
        this.#reveal(card.element);
    }

    use(plan) { this.#form.use(forForm(plan)); }

    open(picture) { this.#viewer.open(picture); }

    remove(card) {
        card.run.forget();
        card.element.remove();
        this.cards = this.cards.filter((each) => each !== card);
        $('welcome').hidden = this.cards.length > 0;
        $('pictures').focus({preventScroll: true});
    }

    /** All that the viewer can turn to, as they stand on the page. */
    pictures() {
        return this.cards.filter(({run}) => run.plan.kind !== 'drafts')
            .flatMap(({run}) => run.pictures.filter(({stages}) => stages.size > 0));
    }

    focus(picture) { this.cards.find(({run}) => run === picture.run)?.focus(picture); }

    /** Scrolls, where the run would begin below the middle of the window, as it does under a phone's form. */
    #reveal(element) {
        const {top} = element.getBoundingClientRect();
        if (top >= 0 && top < innerHeight / 2) return;
        element.scrollIntoView({block: 'start', behavior: wantsLessMotion() ? 'instant' : 'smooth'});
    }

    /** Whoever turns to another tab meanwhile sees there how far it is. */
    #showInTitle() {
        const busy = this.cards.map(({run}) => run).filter(({isOver}) => !isOver);
        const oldest = busy.at(-1);
        document.title = oldest ? `${Math.floor(100 * oldest.fraction)} % · ecar studio` : 'ecar studio';
    }
}

api.access.askForKey = (wasRefused) => new Promise((resolve) => {
    const dialog = $('key'), text = $('key-text');
    $('key-note').textContent = wasRefused ? 'The server refused this key.'
        : 'It was given to you by whoever runs the server. It is kept until this tab closes.';
    text.value = '';
    dialog.returnValue = '';
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'go' ? text.value : null), {once: true});
    dialog.showModal();
});

async function open() {
    try {
        const model = await api.model();
        new Studio(model);
        drawWelcome();
        $('model').textContent = `${model.name} · ${count(model.classes.length, 'class', 'classes')}`;
        $('model').title = `Model ${model.digest}`;
        $('welcome').hidden = false;
    } catch (error) {
        $('problem').textContent = sentence(error.message);
        $('problem').hidden = false;
        if (!(error instanceof api.ServerError)) console.error(error);
    }
}

open();
