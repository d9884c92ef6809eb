// One picture, large: its stages, its settings, and the way to the next.

import {$, choose, make, segments} from './dom.js';
import {settingsOf, tuning, variations} from './plan.js';
import {describe, fit, latestStage} from './tile.js';
import {fileName} from './words.js';

const variationsShown = 8;

export class Viewer {
    #studio; #dialog = $('viewer'); #image = $('viewer-picture'); #picture = null; #stage = 0;

    /** @param studio pictures(): all of the page in order; start(plan), use(plan), focus(picture), model */
    constructor(studio) {
        this.#studio = studio;
        fit(this.#image, studio.model);
        $('viewer-vary').hidden = studio.model.stages.length < 2;
        $('viewer-close').addEventListener('click', () => this.#dialog.close());
        $('viewer-previous').addEventListener('click', () => this.#turn(-1));
        $('viewer-next').addEventListener('click', () => this.#turn(1));
        $('viewer-vary').addEventListener('click', () => this.#leave(() => studio.start(this.#variations())));
        $('viewer-use').addEventListener('click', () => this.#leave(() => {
            const {run, seed} = this.#picture;
            studio.use({...settingsOf(run.plan), kind: 'pictures', seed, count: 1});
        }));
        this.#dialog.addEventListener('click', (event) => {
            // The dialog itself is hit only where its content is not: on the backdrop.
            if (event.target === this.#dialog) this.#dialog.close();
        });
        this.#dialog.addEventListener('keydown', (event) => {
            const by = {ArrowLeft: -1, ArrowRight: 1}[event.key];
            if (by && event.target.type !== 'radio') this.#turn(by);
        });
        this.#dialog.addEventListener('close', () => studio.focus(this.#picture));
    }

    open(picture) {
        this.#show(picture);
        this.#dialog.showModal();
        $('viewer-download').focus();
    }

    /** A stage has come; who looks at the newest goes on to it. */
    refresh(picture) {
        if (!this.#dialog.open || picture !== this.#picture) return;
        const before = [...picture.stages.keys()].sort((a, b) => a - b).at(-2);
        this.#show(picture, this.#stage === before ? undefined : this.#stage);
    }

    #leave(action) {
        this.#dialog.close();
        action();
    }

    #variations() {
        const {run: {plan}, seed, index} = this.#picture;
        const n = Math.min(variationsShown, this.#studio.model.limits.images);
        // Drafts that the server may still have are better than new ones.
        return plan.kind === 'finish'
            ? {...plan, picks: [plan.picks[Math.floor(index / plan.variations)]], variations: n}
            : variations(plan, seed, n);
    }

    #turn(by) {
        const pictures = this.#studio.pictures(), next = pictures[pictures.indexOf(this.#picture) + by];
        if (next) this.#show(next);
    }

    #show(picture, stage = latestStage(picture)) {
        const pictures = this.#studio.pictures(), at = pictures.indexOf(picture);
        this.#picture = picture;
        const stages = [...picture.stages.keys()].sort((a, b) => a - b);
        segments($('viewer-stages'), stages.map((stage) => [stage, String(stage)]), (stage) => this.#showStage(stage));
        $('viewer-stages').hidden = stages.length < 2;
        $('viewer-title').textContent = picture.name;
        this.#showFacts();
        this.#showStage(stage);
        $('viewer-place').textContent = `${at + 1} of ${pictures.length}`;
        $('viewer-previous').disabled = at <= 0;
        $('viewer-next').disabled = at >= pictures.length - 1;
    }

    #showStage(stage) {
        const picture = this.#picture, url = picture.stages.get(stage), stages = this.#studio.model.stages.length;
        this.#stage = stage;
        choose($('viewer-stages'), stage);
        const isLast = stage === stages;
        this.#image.alt = describe(picture) + (isLast ? '' : `, stage ${stage} of ${stages}`);
        const varied = picture.variation ? `-variation-${picture.variation}` : '';
        Object.assign($('viewer-download'), {
            href: url,
            download: `${fileName(picture.name)}-${picture.seed}${varied}${isLast ? '' : `-stage-${stage}`}.png`,
        });
        this.#image.src = url;
    }

    #showFacts() {
        const {seed, variation, run: {plan}} = this.#picture, {model} = this.#studio;
        const {steps, guidance, precision} = tuning(settingsOf(plan), model);
        const facts = [
            ['Seed', seed], ...(variation === null ? [] : [['Variation', variation]]),
            ['Steps', steps], ['Guidance', guidance], ['Precision', precision], ['Model', model.name],
        ];
        $('viewer-facts').replaceChildren(...facts.map(([name, value]) =>
            make('div', {}, make('dt', {}, name), make('dd', {}, String(value)))));
    }
}
