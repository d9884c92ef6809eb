// A run: one plan on its way through the server, from the request to its last picture.

import * as api from './api.js';
import {request} from './plan.js';

/** Where the server keeps the drafts of a plan; it forgets them after a while, and then they are drawn again. */
const draftJobs = new WeakMap();

const mostWaits = 20;

/** Tells its listeners 'change' (state, progress), 'accepted' (the pictures are known) and 'picture' (one has come). */
export class Run extends EventTarget {
    state = 'sending';  // then 'waiting', 'running', and at last 'done', 'failed' or 'cancelled'
    place = null;       // images waiting before it
    stage = null;       // that is being drawn, from 1
    fraction = 0;       // of the work
    secondsLeft = null;
    seconds = null;     // that it took
    message = null;     // why it waits, failed or was cancelled
    pictures = [];      // {run, index, label, name, seed, variation, stages: Map of stage → URL}
    #abort = new AbortController();
    #job = null;

    constructor(plan) {
        super();
        this.plan = plan;
    }

    get isOver() { return ['done', 'failed', 'cancelled'].includes(this.state); }

    async start() {
        try {
            this.#job = await this.#submit();
            for await (const event of api.events(this.#job, this.#abort.signal)) this.#take(event);
        } catch (error) {
            if (this.isOver) return;
            if (!(error instanceof api.ServerError)) console.error(error);
            this.#set({state: 'failed', message: error.message});
        }
    }

    /** At once for the viewer; the server hears of it on the way. */
    cancel() {
        if (this.isOver) return;
        this.#set({state: 'cancelled', message: 'You cancelled it.'});
        this.#abort.abort(new Error('cancelled'));
        if (this.#job) api.cancel(this.#job).catch(() => {});
    }

    /** Frees the pictures' memory. */
    forget() {
        this.cancel();
        for (const {stages} of this.pictures) for (const url of stages.values()) URL.revokeObjectURL(url);
    }

    #set(changes) {
        Object.assign(this, changes);
        this.dispatchEvent(new Event('change'));
    }

    async #submit() {
        const {plan} = this;
        if (plan.kind !== 'finish') return this.#accept(await this.#post(request(plan)));
        const isNew = !draftJobs.has(plan.drafts);
        if (isNew) await this.#draw(plan.drafts);
        try {
            return this.#accept(await this.#post(request(plan, draftJobs.get(plan.drafts))));
        } catch (error) {
            const isGone = error.status === 404 || error.status === 410;
            if (isNew || !isGone) throw error;
            await this.#draw(plan.drafts);
            return this.#accept(await this.#post(request(plan, draftJobs.get(plan.drafts))));
        }
    }

    /** Drafts that nobody looks at: the state from which this plan's pictures are finished. */
    async #draw(drafts) {
        const {id} = await this.#post(request(drafts));
        for await (const {name, data} of api.events(id, this.#abort.signal)) {
            if (name === 'queued') this.#set({state: 'waiting', place: data.place});
            if (name === 'failed') throw new api.ServerError(data.message, 200);
            if (name === 'cancelled') throw new api.ServerError(data.reason, 200);
        }
        draftJobs.set(drafts, id);
    }

    /** Where the queue is full, waits as long as the server says and asks again. */
    async #post(body) {
        for (let waits = 0; ; waits += 1) {
            try {
                const answer = await api.submit(body);
                // Cancelled in the meantime: without a listener it would run to its end for nobody.
                if (this.isOver) api.cancel(answer.id).catch(() => {});
                this.#abort.signal.throwIfAborted();
                this.#set({message: null});
                return answer;
            } catch (error) {
                if (this.isOver || error.status !== 429 || waits === mostWaits) throw error;
                const seconds = error.retryAfter ?? 5;
                const message = `The server is full. Asking again in ${seconds} s.`;
                this.#set({state: 'waiting', place: null, message});
                await api.pause(1000 * seconds, this.#abort.signal);
            }
        }
    }

    #accept({id, images}) {
        this.pictures = images.map((image, index) => ({
            run: this, index, label: image.class, name: image.className, seed: image.seed,
            variation: image.variation?.number ?? null, stages: new Map(),
        }));
        this.dispatchEvent(new Event('accepted'));
        return id;
    }

    #take({name, data}) {
        if (this.isOver) return;
        switch (name) {
        case 'queued':
            this.#set({state: 'waiting', place: data.place});
            break;
        case 'step':
            this.#set({
                state: 'running', stage: data.stage, fraction: data.done / data.total, secondsLeft: data.secondsLeft,
            });
            break;
        case 'picture':
            this.#receive(data);
            break;
        case 'done':
            if (this.plan.kind === 'drafts') draftJobs.set(this.plan, this.#job);
            this.#set({state: 'done', fraction: 1, seconds: data.seconds});
            break;
        case 'failed':
            this.#set({state: 'failed', message: data.message});
            break;
        case 'cancelled':
            this.#set({state: 'cancelled', message: data.reason});
            break;
        }
    }

    #receive({index, stage, png}) {
        const picture = this.pictures[index];
        if (!picture) return;
        const bytes = Uint8Array.from(atob(png), (character) => character.charCodeAt(0));
        picture.stages.set(stage, URL.createObjectURL(new Blob([bytes], {type: 'image/png'})));
        this.dispatchEvent(Object.assign(new Event('picture'), {picture, stage}));
    }
}
