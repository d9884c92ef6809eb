/// How an evaluation's page looks, beyond what all pages have.
extension EvaluationPage {
    static let style = """

        body { max-width: 1120px; }
        small { font-size: inherit; font-weight: 400; color: var(--soft); }
        header .about { font-size: 17px; max-width: 56em; margin-top: 10px; }
        .about b, .lead b { color: var(--ink); font-weight: 600; }
        section, footer { margin-top: 34px; }
        section > h2, footer > h2 { font-size: 18px; }
        .lead { color: var(--soft); max-width: 56em; margin: 3px 0 12px; }
        section > * + .card, section > .card + * { margin-top: 14px; }
        .wide { overflow-x: auto; }
        .key { color: var(--soft); font-size: 13px; margin-top: 10px; }

        .notes { border-left: 4px solid var(--c5); margin-top: 22px; }
        .notes ul { padding-left: 18px; margin-top: 4px; }
        .notes li + li { margin-top: 3px; }

        .tiles { display: grid; gap: 14px; grid-template-columns: repeat(var(--columns), minmax(0, 350px)); }
        section > h2 + .tiles { margin-top: 12px; }
        .tile { display: grid; grid-row: span 5; grid-template-rows: subgrid; row-gap: 0; align-content: start;
            font-size: 13px; color: var(--soft); }
        .tile h3 { font-size: 14px; font-weight: 600; color: var(--ink); }
        .tile h3 small { display: block; font-size: 13px; line-height: 1.3; }
        .tile .value { font-size: 36px; font-weight: 650; line-height: 1.2; letter-spacing: -.02em; color: var(--ink);
            padding-top: 4px; }
        .tile .value small { font-size: 20px; letter-spacing: 0; }
        .tile .direction { color: var(--accent); }
        .tile .direction span { display: block; color: var(--ink); font-size: 16px; }
        .tile .direction, .tile .facts { padding-bottom: 6px; }
        .tile .facts { padding-top: 8px; }

        section .charts { grid-template-columns: repeat(auto-fill, minmax(min(100%, 320px), 1fr)); gap: 14px;
            margin-bottom: 14px; }
        .number { text-align: right; white-space: nowrap; }
        .scores { width: 100%; font-size: 14px; }
        .scores th, .scores td { padding: 5px 0 5px 20px; }
        .scores th:first-child { padding-left: 0; }
        tbody tr:last-child td, tbody tr:last-child th { border-bottom: 0; }
        .scores thead th { border-bottom-color: var(--soft); }
        .scores .best { font-weight: 650; color: var(--accent); }
        .scores .best::before { content: "✓ "; }

        .sheets { display: grid; gap: 14px 28px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 400px), 1fr)); }
        .sheets.one { display: block; }
        .sheets figcaption, .strips figcaption { font-size: 13px; color: var(--soft); overflow-wrap: anywhere; }
        .sheets figcaption { margin-bottom: 4px; }
        .pictures { display: grid; gap: 4px; grid-template-columns: repeat(var(--count), minmax(0, 1fr)); }
        .strips { display: grid; gap: 6px; }
        .strips figure { display: grid; grid-template-columns: 13em minmax(0, 1fr); gap: 12px; align-items: center; }
        .strips .pictures { grid-template-columns: repeat(var(--count), minmax(0, 64px)); }
        .one .pictures { grid-template-columns: repeat(auto-fill, minmax(64px, 1fr)); }
        .pictures img, .neighbours img { display: block; width: 100%; height: auto; border-radius: 3px; }

        .classes { list-style: none; }
        .classes li { display: grid; grid-template-columns: minmax(0, 10em) minmax(0, 1fr) 4.2em minmax(0, 15em);
            gap: 14px; align-items: center; padding: 3px 0; }
        .classes .name { overflow-wrap: anywhere; }
        .track { position: relative; height: 12px; border-radius: 3px; background: var(--line); }
        .track i { position: absolute; inset: 0 auto 0 0; border-radius: 3px; background: var(--accent); }
        .track .mark { inset: -4px auto -4px auto; width: 3px; margin-left: -1px; border-radius: 1px;
            background: var(--ink); box-shadow: 0 0 0 1px var(--card); }
        .mistake { color: var(--soft); font-size: 13px; overflow-wrap: anywhere; }
        .card > details { margin-top: 10px; }

        .boxes { display: grid; grid-template-columns: max-content minmax(0, 1fr) max-content; gap: 12px 18px;
            align-items: center; }
        .boxes dd { color: var(--soft); font-size: 13px; }
        .boxes dd:nth-of-type(odd) { position: relative; height: 18px; }
        .boxes i { position: absolute; top: 0; bottom: 0; background: var(--c); border-radius: 2px; }
        .boxes .range { top: 8px; bottom: 8px; opacity: .6; }
        .boxes .half { top: 2px; bottom: 2px; opacity: .45; }
        .boxes .median { width: 3px; margin-left: -1px; }
        .neighbours { display: grid; gap: 14px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); }
        .neighbours .card { display: grid; grid-template-columns: repeat(4, 1fr); gap: 11px; padding: 12px; margin: 0; }
        .neighbours figcaption { font-size: 12px; line-height: 1.35; color: var(--soft); text-align: center; margin-top: 4px;
            overflow-wrap: anywhere; }
        .neighbours .sample { position: relative; }
        .neighbours .sample::after { content: ""; position: absolute; inset: 0 -6px 0 auto;
            border-right: 1px solid var(--line); }
        .neighbours .copy img { outline: 3px solid var(--c2); }
        .neighbours .copy figcaption { color: var(--c2); }

        .settings { width: 100%; }
        .settings td:first-child { color: var(--soft); white-space: nowrap; width: 1%; }
        .settings th { color: var(--ink); font-weight: 600; padding-top: 14px; border-bottom-color: var(--soft); }
        .settings tr:first-child th { padding-top: 0; }
        footer .card { margin-top: 12px; }
        footer summary { margin-top: 14px; }

        @media (max-width: 860px) {
            header .about { font-size: 16px; }
            .tiles { grid-template-columns: repeat(auto-fill, minmax(min(100%, 165px), 1fr)); gap: 12px; }
            .tile .value { font-size: 30px; }
            .strips figure { grid-template-columns: minmax(0, 1fr); gap: 2px; }
            .classes li { grid-template-columns: minmax(0, 1fr) max-content; gap: 2px 12px; padding: 6px 0; }
            .classes .track { grid-column: 1 / -1; grid-row: 2; }
            .classes .mistake { grid-column: 1 / -1; }
            .boxes { grid-template-columns: minmax(0, 1fr) max-content; gap: 3px 12px; }
            .boxes dt, .boxes dd:nth-of-type(odd) { grid-column: 1 / -1; }
            .settings td:first-child { white-space: normal; width: auto; }
            th, td { padding-right: 12px; }
        }

        """
}
