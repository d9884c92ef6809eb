// What stands where the pictures will be: a ball that comes into focus the way they do.

import {$} from './dom.js';

const sides = [4, 8, 32];

export function drawWelcome() {
    for (const [at, canvas] of [...$('welcome').querySelectorAll('canvas')].entries()) {
        const side = sides[at], context = canvas.getContext('2d');
        canvas.width = canvas.height = side;
        for (let y = 0; y < side; y += 1) {
            for (let x = 0; x < side; x += 1) {
                context.fillStyle = `rgb(128 128 128 / ${shade(x, y, side)})`;
                context.fillRect(x, y, 1, 1);
            }
        }
    }
}

/** The mean over a pixel of a ball lit from the top left: 0 outside, up to 1 at its dark edge. */
function shade(x, y, side) {
    const samples = 64 / side;
    let sum = 0;
    for (let i = 0; i < samples * samples; i += 1) {
        const u = (x + (i % samples + .5) / samples) / side * 2.4 - 1.2;
        const v = (y + (Math.floor(i / samples) + .5) / samples) / side * 2.4 - 1.2;
        const depth = 1 - u * u - v * v;
        if (depth > 0) sum += .62 + .38 * (u + v - Math.sqrt(depth)) / 1.75;
    }
    return sum / (samples * samples);
}
