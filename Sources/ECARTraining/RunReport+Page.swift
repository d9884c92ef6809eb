/// How the page looks, and what moves on it.
extension RunReport {
    static let style = """

        :root {
            --paper: #f7f7f5; --card: #fff; --ink: #1d1d1f; --soft: #6b6b6b; --line: #e4e4e1; --accent: #0072b2;
            --c1: #0072b2; --c2: #d55e00; --c3: #009e73; --c4: #b8578f; --c5: #b97a00; --c6: #3b9bd6; --c7: #333;
            font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
            font-variant-numeric: tabular-nums;
        }
        @media (prefers-color-scheme: dark) {
            :root {
                --paper: #141516; --card: #1d1f20; --ink: #e9e9e6; --soft: #9b9b98; --line: #303335; --accent: #4aa8e0;
                --c1: #4aa8e0; --c2: #f2874a; --c3: #35c79b; --c4: #e09cc6; --c5: #e8b543; --c6: #8accf5; --c7: #c8c8c8;
            }
            img { filter: brightness(.88); }
        }
        * { box-sizing: border-box; margin: 0; padding: 0; }
        body { background: var(--paper); color: var(--ink); max-width: 1320px; margin: 0 auto; padding: 28px 24px 48px; }
        h1 { font-size: 26px; line-height: 1.2; font-weight: 650; overflow-wrap: anywhere; }
        h2 { font-size: 15px; font-weight: 600; }
        h1, td, th, code, .about { unicode-bidi: isolate; }
        .title { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 12px; }
        .state { font-size: 13px; font-weight: 600; padding: 2px 11px; border-radius: 99px; color: var(--soft);
            border: 1px solid var(--line); }
        .state.running { color: var(--accent); border-color: var(--accent); }
        .state.finished { color: var(--c3); border-color: var(--c3); }
        .state.silent { color: var(--c2); border-color: var(--c2); }
        .written { margin-left: auto; color: var(--soft); font-size: 13px; }
        .about { color: var(--soft); margin-top: 6px; overflow-wrap: anywhere; }
        .bar { height: 8px; border-radius: 4px; background: var(--line); overflow: hidden; margin: 18px 0 20px; }
        .bar i { display: block; height: 100%; background: var(--accent); border-radius: 4px; }
        .facts { display: flex; flex-wrap: wrap; gap: 14px 44px; margin-bottom: 24px; }
        .facts dt { color: var(--soft); font-size: 13px; }
        .facts dd { font-size: 22px; font-weight: 600; line-height: 1.25; }
        .facts dd + dd { color: var(--soft); font-size: 13px; font-weight: 400; }
        .facts span + span { margin-left: 8px; }
        .facts span { color: var(--c); }

        main { display: grid; gap: 18px; grid-template: "first samples" auto "rest samples" 1fr / 13fr 10fr; }
        .first { grid-area: first; }
        .rest { grid-area: rest; }
        .samples { grid-area: samples; align-self: start; }
        .charts { display: grid; gap: 18px; align-content: start; min-width: 0; }
        .chart, .samples, .charts > .empty { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px;
            min-width: 0; }
        .empty { color: var(--soft); }

        .chart figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 2px 18px; }
        .legend { display: flex; flex-wrap: wrap; gap: 2px 18px; list-style: none; font-size: 13px; color: var(--soft); }
        .legend li::before { content: ""; display: inline-block; width: 14px; height: 3px; border-radius: 2px;
            background: var(--c); vertical-align: 3.5px; margin-right: 6px; }
        .legend b { display: inline-block; min-width: 3.4em; color: var(--ink); font-weight: 600; }
        .area { position: relative; height: 150px; margin: 14px 10px 24px 46px; touch-action: pan-y; }
        .tall .area { height: 340px; }
        .area svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
        .area path { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; stroke-linecap: round;
            vector-effect: non-scaling-stroke; }
        .area path.raw { stroke-width: 1; opacity: .3; }
        .area path.dots { stroke-width: 6; }
        .area path.grid { stroke: var(--line); stroke-width: 1; stroke-linecap: butt; shape-rendering: crispEdges; }
        .area span { position: absolute; font-size: 12px; line-height: 16px; color: var(--soft); white-space: nowrap;
            pointer-events: none; }
        .area .y { right: calc(100% + 8px); transform: translateY(-50%); }
        .area .x { top: calc(100% + 6px); transform: translateX(-50%); }
        .hair { position: absolute; top: 0; bottom: 0; width: 0; border-left: 1px solid var(--soft); pointer-events: none; }
        .hair i { position: absolute; width: 9px; height: 9px; margin: -5px; border-radius: 50%; background: var(--c);
            border: 1px solid var(--card); }
        .area .hair span { top: calc(100% + 6px); left: 0; transform: translateX(-50%); padding: 0 6px; border-radius: 4px;
            background: var(--ink); color: var(--card); }

        .samples img { display: block; width: 100%; height: auto; border-radius: 6px; background: #fff; }
        .samples figure { margin-top: 10px; min-width: 0; }
        .samples figcaption { font-size: 12px; color: var(--soft); margin-top: 3px; text-align: center; }
        .strip { display: grid; grid-template-columns: repeat(4, 1fr); gap: 2px 10px; margin-top: 6px; }

        footer { margin-top: 26px; }
        .commands { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 8px 16px; align-items: baseline; }
        .commands dt { color: var(--soft); }
        code { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere;
            user-select: all; }
        summary { cursor: pointer; color: var(--soft); margin-top: 16px; }
        table { border-collapse: collapse; margin-top: 8px; font-size: 13px; }
        th, td { text-align: left; vertical-align: top; padding: 3px 24px 3px 0; border-bottom: 1px solid var(--line); }
        th { font-weight: 500; color: var(--soft); }
        td { overflow-wrap: anywhere; }
        .c1 { --c: var(--c1); } .c2 { --c: var(--c2); } .c3 { --c: var(--c3); } .c4 { --c: var(--c4); }
        .c5 { --c: var(--c5); } .c6 { --c: var(--c6); } .c7 { --c: var(--c7); }

        @media (max-width: 860px) {
            body { padding: 18px 14px 36px; }
            main { grid-template: "first" "samples" "rest" / minmax(0, 1fr); gap: 12px; }
            .charts { gap: 12px; }
            .chart, .samples, .charts > .empty { padding: 12px; }
            .tall .area { height: 260px; }
            .facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 12px 16px; }
            .facts div:last-child { grid-column: 1 / -1; }
            .written { margin-left: 0; width: 100%; }
            .commands { grid-template-columns: minmax(0, 1fr); gap: 0; }
            .commands dd { margin-bottom: 8px; }
        }

        """

    /// A hairline with its values in every chart at once; the page's age; where the reader was before a reload.
    static let script = """
        'use strict';
        const first = document.querySelector('[data-steps]');
        const steps = first ? first.dataset.steps.split(' ').map(Number) : [];
        const charts = [...document.querySelectorAll('.chart')].map(chart => {
            const values = [...chart.querySelectorAll('.legend b')];
            const curves = [...chart.querySelectorAll('path[data-values]')].map((path, i) => {
                const places = path.getAttribute('d').match(/-?\\d+,-?\\d+/g) || [];
                let next = 0;
                const points = path.dataset.values.split(' ').map(text => {
                    const place = text === '-' ? null : places[next++];
                    return place ? { text, place: place.split(',').map(Number) } : null;
                });
                const dot = document.createElement('i');
                dot.className = path.classList[0];
                return { points, dot, value: values[i], last: values[i].textContent };
            });
            const area = chart.querySelector('.area');
            const hair = document.createElement('div');
            const label = document.createElement('span');
            hair.className = 'hair';
            hair.hidden = true;
            hair.append(label, ...curves.map(curve => curve.dot));
            area.append(hair);
            return { area, curves, hair, label };
        });

        function show(index) {
            for (const { curves, hair, label } of charts) {
                const known = index === null ? null : curves.map(curve => curve.points[index]).find(point => point);
                hair.hidden = !known;
                if (known) {
                    hair.style.left = known.place[0] / 100 + '%';
                    label.textContent = 'step ' + steps[index].toLocaleString('en');
                }
                for (const curve of curves) {
                    const point = index === null ? null : curve.points[index];
                    curve.dot.hidden = !point;
                    curve.value.textContent = point ? point.text : curve.last;
                    if (point) curve.dot.style.top = point.place[1] / 100 + '%';
                }
            }
        }
        function nearest(fraction) {
            const step = fraction * steps[steps.length - 1];
            let best = 0;
            steps.forEach((value, i) => { if (Math.abs(value - step) < Math.abs(steps[best] - step)) best = i; });
            return best;
        }
        for (const { area } of charts) {
            const point = event => {
                const box = area.getBoundingClientRect();
                show(nearest(Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1)));
            };
            area.addEventListener('pointermove', point);
            area.addEventListener('pointerdown', point);
            area.addEventListener('pointerleave', () => show(null));
        }

        const time = document.querySelector('time');
        const state = document.querySelector('.state');
        const written = new Date(time.dateTime);
        const silence = Number(state.dataset.silence) * 1000;
        function age() {
            const minutes = Math.floor((Date.now() - written) / 60000);
            const [size, unit] = minutes < 60 ? [1, 'min'] : minutes < 2880 ? [60, 'h'] : [1440, 'd'];
            const ago = minutes < 1 ? 'just now' : Math.floor(minutes / size) + ' ' + unit + ' ago';
            time.textContent = written.toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' }) + ', ' + ago;
            if (silence > 0 && Date.now() - written > silence) {
                state.textContent = 'no news';
                state.className = 'state silent';
            }
        }
        age();
        setInterval(age, 10000);

        // A page from a file may have no storage; then a reload begins at the top, its details folded.
        try {
            const key = 'report ' + location.pathname;
            const details = document.querySelector('details');
            const [top, open] = JSON.parse(sessionStorage.getItem(key) || '[0, false]');
            details.open = open;
            scrollTo(0, top);
            addEventListener('pagehide', () => {
                sessionStorage.setItem(key, JSON.stringify([scrollY, details.open]));
            });
        } catch { }
        """
}
