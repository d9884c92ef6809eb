// What is asked of the server, as plain values. A plan can be made again: it names all that the pictures depend on.
//
//   {kind: 'pictures' | 'drafts', label, seed, count, steps, guidance, precision}
//   {kind: 'finish', drafts: a plan of drafts, picks: [index], variations}
//
// Steps and guidance are null for the model's own. `variations` is how many pictures become of each pick: the first has
// the noise of its seed throughout, the others have noise of their own from the second stage on.

import {count, perStage, seeds} from './words.js';

export const largestSeed = Number.MAX_SAFE_INTEGER;

/** The settings that a plan goes back to: its own, or those of the drafts that it finishes. */
export const settingsOf = (plan) => plan.kind === 'finish' ? plan.drafts : plan;

/** The body of POST /api/jobs. @param {string} [job] of a plan that finishes drafts: where the server keeps them */
export function request(plan, job) {
    // What is finished goes on with the settings of its drafts.
    if (plan.kind === 'finish') return {finish: {job, picks: plan.picks, variations: plan.variations}, stages: true};
    const {kind, label, seed, count, steps, guidance, precision} = plan;
    return {
        class: label, seed, count, precision, stages: true, draft: kind === 'drafts',
        ...(steps !== null && {steps}), ...(guidance !== null && {guidance}),
    };
}

/** How many pictures a plan makes. */
export const size = (plan) => plan.kind === 'finish' ? plan.picks.length * plan.variations : plan.count;

/** Variations of one seed, whether or not it was a draft before. */
export function variations(settings, seed, n) {
    return {kind: 'finish', drafts: {...settings, kind: 'drafts', seed, count: 1}, picks: [0], variations: n};
}

/** The same settings and other noise: the seeds that follow, or further variations; null where that is too many. */
export function more(plan, limits) {
    if (plan.kind === 'finish') {
        if (plan.variations === 1) return null;
        const most = Math.floor(limits.images / plan.picks.length);
        return plan.variations < most ? {...plan, variations: Math.min(2 * plan.variations, most)} : null;
    }
    const seed = plan.seed + plan.count;
    return seed + plan.count <= largestSeed ? {...plan, seed} : null;
}

/** A plan that the form can show: what finishes one draft becomes its picture, what finishes several their sheet. */
export function forForm(plan) {
    if (plan.kind !== 'finish') return plan;
    const {drafts, picks} = plan;
    return picks.length === 1 ? {...drafts, kind: 'pictures', seed: drafts.seed + picks[0], count: 1} : drafts;
}

export function title(plan) {
    const n = size(plan);
    if (plan.kind === 'drafts') return count(n, 'draft');
    return plan.kind === 'finish' && plan.variations > 1 ? count(n, 'variation') : count(n, 'picture');
}

export function details(plan, model) {
    const settings = settingsOf(plan);
    const names = plan.kind === 'finish' ? plan.picks.map((index) => settings.seed + index) : null;
    const noise = !names ? seeds(settings.seed, settings.count)
        : names.length > 4 ? `${names.length} seeds` : `${names.length === 1 ? 'seed' : 'seeds'} ${names.join(', ')}`;
    return `${noise} · ${tuningInWords(settings, model)}`;
}

/** What the settings come to with this model, as texts. */
export function tuning({steps, guidance, precision}, {sampling}) {
    return {
        steps: String(steps ?? sampling.steps.reduce((a, b) => a + b, 0)),
        guidance: perStage(guidance === null ? sampling.guidance : [guidance]), precision,
    };
}

/** "48 steps · guidance 1.15 · f32", which breaks at the dots only. */
export function tuningInWords(settings, model) {
    const {steps, guidance, precision} = tuning(settings, model);
    return [`${steps} steps`, `guidance ${guidance}`, precision]
        .map((text) => text.replaceAll(' ', '\u00a0')).join(' · ');
}
