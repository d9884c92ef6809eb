// A picture in a run's grid. Each stage's picture fades in over the one before, so that it seems to come into focus.

import {make} from './dom.js';

/** The highest stage of a picture that has come; 0 before the first. */
export const latestStage = (picture) => Math.max(0, ...picture.stages.keys());

export function describe({name, seed, variation}) {
    return `${name}, seed ${seed}${variation === null ? '' : `, variation ${variation}`}`;
}

/** Up to this width a picture's pixels are meant to be seen: it is enlarged with hard edges, and by a whole factor. */
const smallSide = 32;

/** Tells the styles how an element's pictures, in whichever stage, are enlarged. */
export function fit(element, {stages}) {
    const side = stages.at(-1).pixels, isSmall = side <= smallSide;
    element.classList.toggle('small', isSmall);
    // Half a pixel of the page is a whole one of many screens.
    element.style.setProperty('--unit', `${isSmall ? side / Math.max(1, Math.floor(devicePixelRatio)) : 1}px`);
}

export class Tile {
    element; #picture; #stages; #layers = make('span', {className: 'layers'});

    /** @param {boolean} isDraft a draft is an option to pick, any other picture a button that opens the viewer */
    constructor(picture, model, isDraft) {
        this.#picture = picture;
        this.#stages = model.stages.length;
        this.element = isDraft
            ? make('div', {className: 'tile', role: 'option', ariaSelected: 'false', tabIndex: -1})
            : make('button', {className: 'tile', type: 'button', disabled: true});
        const caption = picture.variation ? `${picture.seed} · ${picture.variation}` : String(picture.seed);
        this.element.append(this.#layers, make('span', {className: 'caption', ariaHidden: 'true'}, caption));
        this.#label(0);
    }

    /** Adds a stage's picture once it is decoded, so that nothing flickers. */
    async show(stage) {
        const image = make('img', {alt: '', src: this.#picture.stages.get(stage)});
        image.dataset.stage = stage;
        try {
            await image.decode();
        } catch {
            return;  // The run was removed while its picture was on the way.
        }
        // One may be decoded before an earlier one: nothing covers a later stage.
        if (stage < latestStage(this.#picture)) return;
        [...this.#layers.children].slice(0, -1).forEach((layer) => layer.remove());
        this.#layers.append(image);
        this.element.disabled = false;
        this.#label(stage);
    }

    /** No more is coming. */
    stop() {
        this.element.classList.add('stopped');
    }

    #label(stage) {
        const progress = stage === 0 ? ', not there yet' : `, stage ${stage} of ${this.#stages}`;
        this.element.ariaLabel = describe(this.#picture) + (stage < this.#stages ? progress : '');
    }
}
