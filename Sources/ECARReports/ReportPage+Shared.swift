/// How all pages look, and what moves on them.
extension ReportPage {
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
        .c1 { --c: var(--c1); } .c2 { --c: var(--c2); } .c3 { --c: var(--c3); } .c4 { --c: var(--c4); }
        .c5 { --c: var(--c5); } .c6 { --c: var(--c6); } .c7 { --c: var(--c7); }
        * { box-sizing: border-box; margin: 0; padding: 0; }
        body { background: var(--paper); color: var(--ink); max-width: 1320px; margin: 0 auto; padding: 28px 24px 48px; }
        h1 { font-size: 26px; line-height: 1.2; font-weight: 650; overflow-wrap: anywhere; }
        h2 { font-size: 15px; font-weight: 600; }
        h1, td, th, code, .about { unicode-bidi: isolate; }
        .title { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 12px; }
        .written { margin-left: auto; color: var(--soft); font-size: 13px; }
        .about { color: var(--soft); margin-top: 6px; overflow-wrap: anywhere; }
        .card, .chart { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px;
            min-width: 0; }
        .pixels { image-rendering: pixelated; }

        .charts { display: grid; gap: 18px; align-content: start; min-width: 0; }
        .chart figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 2px 18px; }
        .legend { display: flex; flex-wrap: wrap; gap: 2px 18px; list-style: none; font-size: 13px; color: var(--soft); }
        .legend li::before { content: ""; display: inline-block; width: 14px; height: 3px; border-radius: 2px;
            background: var(--c); vertical-align: 3.5px; margin-right: 6px; }
        .legend b { display: inline-block; min-width: 3.4em; color: var(--ink); font-weight: 600; }
        .area { position: relative; height: 150px; margin: 14px 10px 24px 46px; touch-action: pan-y; }
        .middle .area { height: 200px; }
        .tall .area { height: 340px; }
        .area svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
        .area path { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; stroke-linecap: round;
            vector-effect: non-scaling-stroke; }
        .area path.raw { stroke-width: 1; opacity: .3; }
        .area path.error { stroke-width: 1.5; opacity: .55; }
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

        footer { margin-top: 26px; }
        code { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere;
            user-select: all; }
        summary { cursor: pointer; color: var(--soft); }
        table { border-collapse: collapse; font-size: 13px; }
        th, td { text-align: left; vertical-align: top; padding: 3px 24px 3px 0; border-bottom: 1px solid var(--line); }
        th { font-weight: 500; color: var(--soft); }
        td { overflow-wrap: anywhere; }

        @media (max-width: 860px) {
            body { padding: 18px 14px 36px; }
            .charts { gap: 12px; }
            .card, .chart { padding: 12px; }
            .tall .area { height: 260px; }
            .written { margin-left: 0; width: 100%; }
        }

        """

    /// A hairline with its values in every chart at once.
    static let script = """
        'use strict';
        const axis = document.querySelector('[data-x]');
        const xs = axis ? axis.dataset.x.split(' ').map(Number) : [];
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
            const known = xs.map((_, i) => curves.map(curve => curve.points[i]).find(point => point));
            const area = chart.querySelector('.area');
            const hair = document.createElement('div');
            const label = document.createElement('span');
            hair.className = 'hair';
            hair.hidden = true;
            hair.append(label, ...curves.map(curve => curve.dot));
            area.append(hair);
            return { area, curves, known, hair, label };
        });

        function show(index) {
            for (const { curves, known, hair, label } of charts) {
                const point = index === null ? null : known[index];
                hair.hidden = !point;
                if (point) {
                    hair.style.left = point.place[0] / 100 + '%';
                    label.textContent = axis.dataset.axis + ' ' + xs[index].toLocaleString('en');
                }
                for (const curve of curves) {
                    const point = index === null ? null : curve.points[index];
                    curve.dot.hidden = !point;
                    curve.value.textContent = point ? point.text : curve.last;
                    if (point) curve.dot.style.top = point.place[1] / 100 + '%';
                }
            }
        }
        function nearest(known, place) {
            let best = null;
            let least = Infinity;
            known.forEach((point, i) => {
                const distance = point ? Math.abs(point.place[0] - place) : Infinity;
                if (distance < least) [best, least] = [i, distance];
            });
            return best;
        }
        for (const { area, known } of charts) {
            const point = event => {
                const box = area.getBoundingClientRect();
                show(nearest(known, (event.clientX - box.left) / box.width * 10000));
            };
            area.addEventListener('pointermove', point);
            area.addEventListener('pointerdown', point);
            area.addEventListener('pointerleave', () => show(null));
        }

        """
}
