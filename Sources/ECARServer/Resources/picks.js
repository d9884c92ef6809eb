// The draft sheet: a list of coarse pictures from which some are picked, then finished or varied.

import {announce, moveWithArrows} from './dom.js';

/** How many pictures become of a pick that is varied: of a single one, and of each of several. */
const variationsOfOne = 8, variationsOfEach = 4;

export class Picks {
    #card; #run; #studio; #tiles = []; #picked = new Set();

    constructor(card, run, studio) {
        this.#card = card;
        this.#run = run;
        this.#studio = studio;
        const grid = this.#find('.grid');
        grid.classList.add('drafts');
        grid.role = 'listbox';
        grid.ariaMultiSelectable = 'true';
        grid.ariaLabel = 'Drafts: pick with the space bar';
        moveWithArrows(grid, (_tile, index) => this.#reach(index));
        grid.addEventListener('click', ({target}) => this.#toggle(this.#indexOf(target)));
        grid.addEventListener('keydown', (event) => {
            if (event.key !== ' ' && (event.key !== 'Enter' || event.ctrlKey || event.metaKey)) return;
            event.preventDefault();
            this.#toggle(this.#indexOf(event.target));
        });
        this.#find('.clear').addEventListener('click', () => {
            this.#picked.clear();
            this.update();
            this.#tiles[0]?.element.focus();
        });
        this.#find('.finish').addEventListener('click', () => this.#finish(1));
        this.#find('.vary').addEventListener('click', () => this.#finish(this.#variations));
    }

    lay(tiles) {
        this.#tiles = tiles;
        this.#find('.picks').hidden = false;
        this.#reach(0);
        this.update();
    }

    update() {
        this.#tiles.forEach(({element}, index) => { element.ariaSelected = String(this.#picked.has(index)); });
        const n = this.#picked.size, isDone = this.#run.state === 'done';
        const isFailed = this.#run.isOver && !isDone;
        this.#find('.picks').hidden = isFailed || this.#tiles.length === 0;
        this.#find('.picks').toggleAttribute('data-picked', n > 0);
        this.#find('.picks p').textContent = n > 0 ? `${n} picked` : 'Pick what you like';
        this.#find('.clear').hidden = n === 0;
        const {images} = this.#studio.model.limits;
        this.#set('.finish', 'Finish', isDone && n > 0 && n <= images, 'Draw the other stages of what is picked');
        this.#set('.vary', 'Vary', isDone && n > 0 && this.#variations > 1,
            `${this.#variations} of each: the same composition, other details`);
    }

    get #variations() {
        const n = Math.max(1, this.#picked.size);
        return Math.min(n === 1 ? variationsOfOne : variationsOfEach, Math.floor(this.#studio.model.limits.images / n));
    }

    #find(selector) { return this.#card.querySelector(selector); }

    #set(selector, text, isEnabled, hint) {
        const button = this.#find(selector), n = this.#picked.size;
        Object.assign(button, {textContent: n > 0 ? `${text} ${n}` : text, disabled: !isEnabled, title: hint});
    }

    #indexOf(target) {
        const element = target.closest('.tile');
        return this.#tiles.findIndex((tile) => tile.element === element);
    }

    /** The tab key stops at one draft only, the one last reached. */
    #reach(index) {
        this.#tiles.forEach(({element}, at) => { element.tabIndex = at === index ? 0 : -1; });
    }

    #toggle(index) {
        if (index < 0) return;
        if (!this.#picked.delete(index)) this.#picked.add(index);
        this.#reach(index);
        this.update();
        announce(`${this.#picked.size} picked`);
    }

    #finish(variations) {
        const picks = [...this.#picked].sort((a, b) => a - b);
        this.#studio.start({kind: 'finish', drafts: this.#run.plan, picks, variations});
    }
}
