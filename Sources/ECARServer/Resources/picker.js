// The class picker: a list that is always in sight, with a search above it where there are more than fit.
//
// It follows ARIA's listbox: the focus stays where the keys go, the search field or the list itself, and
// aria-activedescendant tells which option they have reached.

import {$, announce, make} from './dom.js';
import {count} from './words.js';

const mostInSight = 16;

export class Picker {
    #options; #onChange; #chosen = 0; #search = $('class-search'); #list = $('class-list');
    #shown;             // the options that fit the search
    #hasMoved = false;  // whether one of them was chosen since the search was typed
    #typed = ''; #typedAt = 0;

    /** @param {{index: number, name: string}[]} classes */
    constructor(classes, onChange) {
        this.#onChange = onChange;
        const hasSearch = classes.length > mostInSight;
        this.#options = classes.map(({index, name}) => {
            const text = name || `Class ${index}`;
            const option = make('div', {id: `class-${index}`, role: 'option', textContent: text, title: text});
            return {index, text, lower: text.toLowerCase(), option};
        });
        this.#search.hidden = !hasSearch;
        $('class-chosen').hidden = !hasSearch;
        this.#search.placeholder = `Search ${classes.length} classes`;
        this.#list.classList.toggle('long', hasSearch);
        this.#list.tabIndex = hasSearch ? -1 : 0;
        this.#show(this.#options);

        const keys = hasSearch ? this.#search : this.#list;
        keys.addEventListener('keydown', (event) => this.#key(event));
        this.#search.addEventListener('input', () => this.#filter());
        this.#list.addEventListener('click', (event) => {
            const option = event.target.closest('[role=option]');
            if (option) this.#take(this.#options.find((each) => each.option === option));
        });
    }

    get value() { return this.#chosen; }

    set value(index) {
        this.#chosen = index;
        this.#mark();
    }

    name(index) { return this.#options[index]?.text ?? `Class ${index}`; }

    /** Best matches first: all of the name, its beginning, a word's beginning, anywhere. */
    #filter() {
        const wanted = this.#search.value.trim().toLowerCase();
        this.#hasMoved = false;
        const rank = ({index, lower}) => lower === wanted || String(index) === wanted ? 0 : lower.startsWith(wanted) ? 1
            : lower.includes(` ${wanted}`) ? 2 : wanted.split(/\s+/).every((word) => lower.includes(word)) ? 3 : 4;
        const found = wanted === '' ? this.#options
            : this.#options.map((each) => [rank(each), each]).filter(([grade]) => grade < 4)
                .sort(([a], [b]) => a - b).map(([, each]) => each);
        this.#show(found);
        if (wanted !== '') announce(count(found.length, 'class', 'classes'));
    }

    #show(options) {
        this.#shown = options;
        this.#list.replaceChildren(...options.map(({option}) => option));
        this.#list.scrollTop = 0;
        $('class-none').hidden = options.length > 0;
        this.#mark();
    }

    #mark() {
        for (const {index, option} of this.#options) option.ariaSelected = String(index === this.#chosen);
        const chosen = this.#options[this.#chosen];
        const isShown = this.#shown.includes(chosen);
        for (const element of [this.#search, this.#list]) {
            if (isShown) element.setAttribute('aria-activedescendant', chosen.option.id);
            else element.removeAttribute('aria-activedescendant');
        }
        $('class-chosen').textContent = chosen.text;
        // In sight with a neighbour; not by scrollIntoView, which would move the page as well.
        if (!isShown) return;
        const {offsetTop, offsetHeight} = chosen.option, list = this.#list;
        const highest = offsetTop + 2 * offsetHeight - list.clientHeight, lowest = offsetTop - offsetHeight;
        list.scrollTop = Math.min(Math.max(list.scrollTop, highest), lowest);
    }

    #take(each) {
        this.#hasMoved = true;
        this.value = each.index;
        this.#onChange(each.index);
    }

    #key(event) {
        const shown = this.#shown, at = shown.findIndex(({index}) => index === this.#chosen);
        const inList = event.currentTarget === this.#list;
        const to = {
            ArrowDown: at + 1, ArrowUp: at < 0 ? 0 : at - 1, PageDown: Math.min(at + 8, shown.length - 1),
            PageUp: Math.max(at - 8, 0),
            ...(inList && {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: shown.length - 1}),
        }[event.key];
        if (event.ctrlKey || event.altKey || event.metaKey) return;
        if (to !== undefined) {
            event.preventDefault();
            if (shown[to]) this.#take(shown[to]);
        } else if (event.key === 'Enter' && !inList && this.#search.value !== '') {
            // With a search half typed, Enter means the class that the arrows reached, or the first; not yet the form.
            event.preventDefault();
            if (!this.#hasMoved && shown.length > 0) this.#take(shown[0]);
            this.#clear();
        } else if (event.key === 'Escape' && this.#search.value !== '') {
            event.preventDefault();
            this.#clear();
        } else if (inList && event.key.length === 1 && event.key !== ' ') {
            this.#typeAhead(event.key.toLowerCase());
        }
    }

    #clear() {
        this.#search.value = '';
        this.#show(this.#options);
    }

    /** In the list without a search, letters jump to the class that begins with them. */
    #typeAhead(letter) {
        const now = performance.now();
        this.#typed = now - this.#typedAt < 700 ? this.#typed + letter : letter;
        this.#typedAt = now;
        const found = this.#options.find(({lower}) => lower.startsWith(this.#typed));
        if (found) this.#take(found);
    }
}
