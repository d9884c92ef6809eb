// A run on the page: its title and settings, progress, pictures, and what can be done with them.

import {announce, fromTemplate, make, moveWithArrows} from './dom.js';
import {Picks} from './picks.js';
import {details, more, title} from './plan.js';
import {Tile, fit} from './tile.js';
import {count, sentence, timeLeft, timeTaken} from './words.js';

export class Card {
    element = fromTemplate('run-template');
    #run; #studio; #title; #tiles = []; #picks = null; #stagesSaid = new Set();

    /** @param studio what the buttons do: start(plan), use(plan), open(picture), remove(card); and the model */
    constructor(run, className, studio) {
        this.#run = run;
        this.#studio = studio;
        const {plan} = run;
        this.#title = `${className}, ${title(plan)}`;
        this.element.ariaLabel = this.#title;
        this.#find('h2').replaceChildren(className, ' ', make('span', {}, title(plan)));
        this.#find('.bar').ariaLabel = `Progress of ${this.#title}`;
        if (plan.kind === 'drafts') this.#picks = new Picks(this.element, run, studio);
        else moveWithArrows(this.#find('.grid'));

        const further = more(plan, studio.model.limits);
        this.#button('.cancel', 'Stop it where it is', () => run.cancel());
        this.#button('.again', 'The same settings and seeds', () => studio.start(plan));
        this.#button('.more', 'The same settings, other noise', () => studio.start(further));
        if (!further) this.#find('.more').remove();
        this.#button('.use', 'Take the settings into the form', () => studio.use(plan));
        this.#button('.remove', 'Take these pictures off the page', () => studio.remove(this));
        run.addEventListener('change', () => this.#update());
        run.addEventListener('accepted', () => this.#lay());
        run.addEventListener('picture', ({picture, stage}) => this.#show(picture, stage));
        this.#update();
    }

    get run() { return this.#run; }

    focus({index}) { this.#tiles[index]?.element.focus(); }

    #find(selector) { return this.element.querySelector(selector); }

    #button(selector, hint, action) {
        const button = this.#find(selector);
        button.title = hint;
        // A screen reader that lists the buttons of a page needs to tell those of one run from another's.
        button.setAttribute('aria-description', this.#title);
        button.addEventListener('click', action);
    }

    #lay() {
        const isDraft = this.#picks !== null;
        this.#tiles = this.#run.pictures.map((picture) => new Tile(picture, this.#studio.model, isDraft));
        const grid = this.#find('.grid');
        grid.replaceChildren(...this.#tiles.map(({element}) => element));
        grid.classList.toggle('single', this.#tiles.length === 1);
        fit(grid, this.#studio.model);
        if (isDraft) this.#picks.lay(this.#tiles);
        else this.#tiles.forEach(({element}, index) => {
            element.addEventListener('click', () => this.#studio.open(this.#run.pictures[index]));
        });
    }

    #show(picture, stage) {
        this.#tiles[picture.index].show(stage);
        // Said once a stage: forty pictures would drown everything else.
        const stages = this.#studio.model.stages.length;
        if (this.#stagesSaid.has(stage) || stage === stages || this.#picks) return;
        this.#stagesSaid.add(stage);
        announce(`Stage ${stage} of ${stages}`);
    }

    #update() {
        const run = this.#run, {state, message, fraction, seconds} = run;
        this.element.dataset.state = state;
        this.element.classList.toggle('over', run.isOver);
        this.element.ariaBusy = String(!run.isOver);
        const taken = seconds === null ? '' : ` · ${timeTaken(seconds)}`;
        this.#find('.details').textContent = details(run.plan, this.#studio.model) + taken;
        this.#find('.state p').textContent = this.#progress();
        const percent = Math.round(100 * fraction), bar = this.#find('.bar');
        bar.ariaValueNow = String(percent);
        bar.ariaValueText = this.#progress();
        bar.firstElementChild.style.width = `${100 * fraction}%`;

        this.#find('.actions').hidden = !run.isOver;
        this.#find('.again').textContent = state === 'done' ? 'Again' : 'Try again';
        const hadFocus = document.activeElement === this.#find('.cancel');
        this.#find('.state').hidden = run.isOver;
        if (!run.isOver) return;
        if (hadFocus) this.#find('.again').focus();
        this.#tiles.forEach((tile) => tile.stop());
        this.#picks?.update();
        const problem = this.#find('.problem');
        problem.hidden = state === 'done';
        problem.classList.toggle('mild', state === 'cancelled');
        if (state === 'done') announce(`Done: ${this.#title}`);
        else problem.textContent = sentence(message);
    }

    #progress() {
        const {state, message, place, stage, secondsLeft} = this.#run;
        if (message) return message;
        if (state === 'sending' || state === 'waiting' && place === null) return 'Asking the server';
        if (state === 'waiting') return place > 0 ? `Waiting: ${count(place, 'picture')} before yours` : 'Next in line';
        const stages = this.#studio.model.stages.length;
        return `Stage ${stage} of ${stages}${secondsLeft === null ? '' : ` · ${timeLeft(secondsLeft)}`}`;
    }
}
