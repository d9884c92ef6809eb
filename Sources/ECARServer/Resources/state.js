// The settings on the page: checked against the model, and kept for this tab.

import {largestSeed} from './plan.js';

const storeName = 'ecar-settings';

/** Short enough to be read out and remembered; the field takes larger ones. */
export const anySeed = () => Math.floor(Math.random() * 1_000_000);

export function stepRange(model) {
    const stages = model.stages.length;
    const own = model.sampling.steps.reduce((a, b) => a + b, 0);
    const largest = Math.min(model.limits.steps, Math.max(4 * own, 12 * stages));
    // A multiple of the stages, so that every stage gets as many.
    return {least: stages, most: largest - largest % stages, by: stages, own};
}

export function defaults(model) {
    const {limits, precision} = model;
    return {
        mode: 'pictures', label: 0, seed: anySeed(), fresh: true,
        pictures: Math.min(4, limits.images), drafts: Math.min(32, limits.drafts),
        steps: null, guidance: null, precision,
    };
}

/** What was kept, where it still fits: another model may be at this address by now. */
export function restored(model) {
    const settings = defaults(model);
    let kept = {};
    try {
        kept = JSON.parse(sessionStorage.getItem(storeName)) ?? {};
    } catch {
        // Written by something else.
    }
    const whole = (value, least, most) => Number.isInteger(value) && value >= least && value <= most;
    const range = stepRange(model);
    const fits = {
        mode: (value) => value === 'pictures' || value === 'drafts',
        label: (value) => whole(value, 0, model.classes.length - 1),
        seed: (value) => whole(value, 0, largestSeed),
        fresh: (value) => typeof value === 'boolean',
        pictures: (value) => whole(value, 1, model.limits.images),
        drafts: (value) => whole(value, 1, model.limits.drafts),
        steps: (value) => whole(value, range.least, range.most),
        guidance: (value) => typeof value === 'number' && value >= 1 && value <= 100,
        precision: (value) => model.precisions.includes(value),
    };
    for (const [name, check] of Object.entries(fits)) if (check(kept[name])) settings[name] = kept[name];
    return settings;
}

export function keep(settings) {
    sessionStorage.setItem(storeName, JSON.stringify(settings));
}

/** The settings as a plan for the server. */
export function plan({mode, label, seed, steps, guidance, precision, [mode]: count}) {
    return {kind: mode, label, seed, count, steps, guidance, precision};
}
