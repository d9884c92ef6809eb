// How numbers and settings are put into words.

export const count = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

/** The server's errors as they stand alone: "steps must be 3…1000" → "Steps must be 3…1000." */
export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.?!]$/.test(text) ? '' : '.');

/** Of a time still to come: rough, so that it does not flicker. */
export function timeLeft(seconds) {
    if (seconds < 1) return 'almost ready';
    if (seconds < 90) return `${Math.ceil(seconds)} s left`;
    return `${Math.round(seconds / 60)} min left`;
}

export const timeTaken = (seconds) => seconds < 10 ? `${seconds.toFixed(1)} s`
    : seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;

/** Guidance and steps: one number where all stages agree, else one for each. */
export function perStage(values) {
    const texts = values.map((value) => String(Math.round(value * 100) / 100));
    return new Set(texts).size === 1 ? texts[0] : texts.join(' · ');
}

export const seeds = (first, n) => n === 1 ? `seed ${first}` : `seeds ${first}–${first + n - 1}`;

/** "T-shirt/top" → "t-shirt-top", as the command names its files. */
export const fileName = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '').slice(0, 40);
