// The few things about the document that every part needs.

export const $ = (id) => document.getElementById(id);

/** An element with properties and children: make('li', {className: 'x'}, 'text'). */
export function make(tag, properties = {}, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
}

/** A copy of a template's one element. */
export const fromTemplate = (id) => $(id).content.firstElementChild.cloneNode(true);

/** Said to screen readers when they have finished what they are saying. Sparingly: nobody wants every step. */
export function announce(text) {
    $('live').textContent = text;
}

export const wantsLessMotion = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** Fills a fieldset with radio buttons, one for each [value, text]; `onChange` gets the value as it was given. */
export function segments(fieldset, choices, onChange) {
    const focused = fieldset.contains(document.activeElement) ? document.activeElement.value : null;
    fieldset.querySelector('.track').replaceChildren(...choices.map(([value, text]) => {
        const input = make('input', {type: 'radio', name: fieldset.id, value});
        input.addEventListener('change', () => onChange(value));
        return make('label', {}, input, make('span', {}, text));
    }));
    // Who uses the keyboard stays where they were.
    if (focused !== null) [...fieldset.querySelectorAll('input')].find(({value}) => value === focused)?.focus();
}

export function choose(fieldset, value) {
    for (const input of fieldset.querySelectorAll('input')) input.checked = input.value === String(value);
}

/** Lets the arrow keys, Home and End move the focus among a grid's children. */
export function moveWithArrows(grid, onMove = () => {}) {
    grid.addEventListener('keydown', (event) => {
        const tiles = [...grid.children];
        const at = tiles.indexOf(event.target.closest('.grid > *'));
        if (at < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
        const below = tiles.findIndex((tile) => tile.offsetTop > tiles[0].offsetTop);
        const columns = below < 0 ? tiles.length : below;
        const to = {
            ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - columns, ArrowDown: at + columns,
            Home: 0, End: tiles.length - 1,
        }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        if (!tiles[to]) return;
        tiles[to].focus();
        onMove(tiles[to], to);
    });
}
