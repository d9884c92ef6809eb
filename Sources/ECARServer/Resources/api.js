// The server's API: JSON requests, and server-sent events. The events are read from a fetch, because the browser's own
// EventSource cannot send the key.

export class ServerError extends Error {
    /** @param {number} status 0 where there was no answer at all; retryAfter: in seconds */
    constructor(message, status, retryAfter = null) {
        super(message);
        Object.assign(this, {status, retryAfter});
    }
}

const keyName = 'ecar-key';
let asking = null;
const last = new Set(['done', 'failed', 'cancelled']);

/** Set by the page: asks the person for the key, `wrong` after one was refused; null gives up. */
export const access = {askForKey: async (_wrong) => null};

export const model = () => json('GET', 'api/model');
export const submit = (body) => json('POST', 'api/jobs', body);
export const cancel = (id) => send('DELETE', `api/jobs/${id}`);

/** A job's events as {name, data}, past ones first; a lost connection is taken up where it broke. */
export async function* events(id, signal) {
    let lastID = '', failures = 0;
    for (;;) {
        try {
            const headers = {Accept: 'text/event-stream', ...(lastID && {'Last-Event-ID': lastID})};
            const response = await send('GET', `api/jobs/${id}/events`, {headers, signal});
            for await (const event of parse(response.body)) {
                failures = 0;
                lastID = event.id || lastID;
                yield {name: event.name, data: JSON.parse(event.data)};
                if (last.has(event.name)) return;
            }
        } catch (error) {
            // An answer that refuses will refuse again; only what broke on the way is worth another try.
            if (signal.aborted || error.status >= 400) throw error;
        }
        failures += 1;
        if (failures > 4) throw new ServerError('The connection to the server was lost.', 0);
        await pause(250 * failures * failures, signal);
    }
}

export const pause = (milliseconds, signal) => new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener('abort', () => { clearTimeout(timer); reject(signal.reason); }, {once: true});
});

async function json(method, path, body) {
    const response = await send(method, path, body && {
        headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body),
    });
    return response.json();
}

/** Asks for the key as often as the server refuses it. */
async function send(method, path, options = {}) {
    for (let refused = false; ; refused = true) {
        const key = sessionStorage.getItem(keyName);
        const headers = {...options.headers, ...(key && {Authorization: `Bearer ${key}`})};
        let response;
        try {
            response = await fetch(path, {...options, method, headers, cache: 'no-store'});
        } catch (error) {
            if (options.signal?.aborted) throw error;
            throw new ServerError('The server does not answer. Is “ecar serve” still running?', 0);
        }
        if (response.ok) return response;
        const error = await refusal(response);
        if (response.status !== 401) throw error;
        // One question is enough for all that wait for the key.
        asking ??= access.askForKey(refused).finally(() => { asking = null; });
        const given = await asking;
        if (given === null) throw error;
        sessionStorage.setItem(keyName, given);
    }
}

async function refusal(response) {
    const retryAfter = Number(response.headers.get('Retry-After')) || null;
    let message = `The server answered ${response.status}.`;
    try {
        message = (await response.json()).error.message || message;
    } catch {
        // Not one of our server's answers, a proxy's perhaps: the number has to do.
    }
    return new ServerError(message, response.status, retryAfter);
}

/** The event-stream format: lines of `field: value`, an empty one ends an event, a colon begins a comment. */
async function* parse(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '', event = {};
    try {
        for (;;) {
            const {value, done} = await reader.read();
            if (done) return;
            const lines = (rest + value).split(/\r?\n/);
            rest = lines.pop();
            for (const line of lines) {
                if (line === '') {
                    if (event.data !== undefined) yield event;
                    event = {};
                    continue;
                }
                const [, field, text] = /^([^:]*):? ?(.*)$/.exec(line);
                if (field === 'event') event.name = text;
                else if (field === 'id') event.id = text;
                else if (field === 'data') event.data = event.data === undefined ? text : `${event.data}\n${text}`;
            }
        }
    } finally {
        // Leaving early closes the connection, which is how the server learns that nobody is looking.
        await reader.cancel().catch(() => {});
    }
}
