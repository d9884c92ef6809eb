// The settings: reads them off the page, and puts them there.

import {$, choose, segments} from './dom.js';
import {largestSeed, tuning, tuningInWords} from './plan.js';
import {Picker} from './picker.js';
import {anySeed, defaults, keep, stepRange} from './state.js';
import {count} from './words.js';

const notes = {
    pictures: 'Whole pictures, stage by stage.',
    drafts: 'Only the first, coarse stage, for many seeds. Pick the ones to finish.',
};

export class Form {
    #model; #settings; #picker; #range;

    /** @param {(settings: object) => void} onMake called with the settings when pictures are wanted */
    constructor(model, settings, onMake) {
        this.#model = model;
        this.#settings = settings;
        this.#range = stepRange(model);
        this.#picker = new Picker(model.classes, (label) => this.#change({label}));

        for (const input of $('mode').querySelectorAll('input')) {
            input.addEventListener('change', () => { this.#change({mode: input.value}); this.#show(); });
        }
        const precisions = model.precisions.map((name) => [name, name]);
        segments($('precision'), precisions, (precision) => this.#change({precision}));
        $('seed').addEventListener('input', () => this.#typeSeed());
        $('dice').addEventListener('click', () => { this.#change({seed: anySeed()}); this.#show(); });
        $('fresh').addEventListener('change', () => this.#change({fresh: $('fresh').checked}));
        Object.assign($('steps'), {min: this.#range.least, max: this.#range.most, step: this.#range.by});
        $('steps').addEventListener('input', () => {
            const steps = Number($('steps').value);
            this.#change({steps: steps === this.#range.own ? null : steps});
        });
        $('guidance').max = Math.max(4, ...model.sampling.guidance);
        $('guidance').addEventListener('input', () => this.#change({guidance: Number($('guidance').value)}));
        $('defaults').addEventListener('click', () => {
            const {steps, guidance, precision} = defaults(model);
            this.#change({steps, guidance, precision});
            this.#show();
        });

        const form = $('settings');
        form.addEventListener('submit', (event) => {
            event.preventDefault();
            onMake({...this.#settings});
            // Rolled afterwards: what the field shows is what is used.
            if (this.#settings.fresh) this.#change({seed: anySeed()});
            this.#show();
        });
        if (navigator.platform.startsWith('Mac')) $('control').textContent = '⌘';
        document.addEventListener('keydown', (event) => {
            if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
            if (document.querySelector('dialog[open]')) return;
            // Browsers would submit the form of a focused field as well, and make everything twice.
            event.preventDefault();
            form.requestSubmit();
        });
        this.#show();
        form.hidden = false;
        // A model of one stage has nothing to draft.
        $('mode').hidden = $('mode-note').hidden = model.stages.length < 2;
        // Only now does the list have a height to scroll the chosen class into.
        this.#picker.value = this.#settings.label;
    }

    className(label) { return this.#picker.name(label); }

    /** The settings of a plan, to change and make again; its seed then stays until it is let go. */
    use({kind, label, seed, count: n, steps, guidance, precision}) {
        this.#change({mode: kind, label, [kind]: n, seed, fresh: false, steps, guidance, precision});
        this.#show();
        $('tuning').open ||= steps !== null || guidance !== null;
        $('settings').scrollIntoView({block: 'start'});
        $('seed').focus({preventScroll: true});
    }

    #change(changes) {
        Object.assign(this.#settings, changes);
        keep(this.#settings);
        this.#describe();
    }

    #typeSeed() {
        const text = $('seed').value.trim();
        const isSeed = /^\d{1,16}$/.test(text) && Number(text) <= largestSeed;
        $('seed').setCustomValidity(isSeed ? '' : $('seed-error').textContent);
        $('seed').ariaInvalid = String(!isSeed);
        $('seed-error').hidden = isSeed;
        if (!isSeed) return;
        // Whoever types a seed wants that one.
        this.#change({seed: Number(text), fresh: false});
        $('fresh').checked = false;
    }

    /** Everything that the settings decide on the page. */
    #show() {
        const {mode, label, seed, fresh, steps, guidance, precision} = this.#settings;
        const {images, drafts} = this.#model.limits;
        const [choices, most] = mode === 'drafts' ? [[16, 32, 64], drafts] : [[1, 4, 8, 16], images];
        const chosen = this.#settings[mode];
        // A count from elsewhere, of a run whose settings are used again, becomes a choice too.
        const counts = [...new Set([...choices.filter((n) => n <= most), chosen])].sort((a, b) => a - b);
        segments($('count'), counts.map((n) => [n, String(n)]), (n) => this.#change({[mode]: n}));
        choose($('count'), chosen);
        choose($('mode'), mode);
        $('mode-note').textContent = notes[mode];
        this.#picker.value = label;
        $('seed').value = seed;
        this.#clearSeedError();
        $('fresh').checked = fresh;
        $('steps').value = steps ?? this.#range.own;
        const own = this.#model.sampling.guidance;
        $('guidance').value = guidance ?? own.reduce((a, b) => a + b, 0) / own.length;
        choose($('precision'), precision);
        this.#describe();
    }

    #clearSeedError() {
        $('seed').setCustomValidity('');
        $('seed').ariaInvalid = 'false';
        $('seed-error').hidden = true;
    }

    /** The words that follow every change. */
    #describe() {
        const {mode} = this.#settings, n = this.#settings[mode];
        const now = tuning(this.#settings, this.#model), own = defaults(this.#model);
        $('steps-now').textContent = now.steps;
        $('guidance-now').textContent = now.guidance;
        $('tuning-now').textContent = tuningInWords(this.#settings, this.#model);
        $('make').textContent = `Make ${count(n, mode === 'drafts' ? 'draft' : 'picture')}`;
        $('defaults').hidden = ['steps', 'guidance', 'precision'].every((name) => this.#settings[name] === own[name]);
    }
}
