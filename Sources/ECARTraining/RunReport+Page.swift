/// How a run's page looks, and what moves on it, beyond what all pages have.
extension RunReport {
    static let style = """

        .state { font-size: 13px; font-weight: 600; padding: 2px 11px; border-radius: 99px; color: var(--soft);
            border: 1px solid var(--line); }
        .state.running { color: var(--accent); border-color: var(--accent); }
        .state.finished { color: var(--c3); border-color: var(--c3); }
        .state.silent { color: var(--c2); border-color: var(--c2); }
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
        .empty { color: var(--soft); }

        .samples img { display: block; width: 100%; height: auto; border-radius: 6px; background: #fff; }
        .samples figure { margin-top: 10px; min-width: 0; }
        .samples figcaption { font-size: 12px; color: var(--soft); margin-top: 3px; text-align: center; }
        .strip { display: grid; grid-template-columns: repeat(4, 1fr); gap: 2px 10px; margin-top: 6px; }

        .commands { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 8px 16px; align-items: baseline; }
        .commands dt { color: var(--soft); }
        summary { margin-top: 16px; }
        table { margin-top: 8px; }

        @media (max-width: 860px) {
            main { grid-template: "first" "samples" "rest" / minmax(0, 1fr); gap: 12px; }
            .facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 12px 16px; }
            .facts div:last-child { grid-column: 1 / -1; }
            .commands { grid-template-columns: minmax(0, 1fr); gap: 0; }
            .commands dd { margin-bottom: 8px; }
        }

        """

    /// The page's age; where the reader was before a reload.
    static let script = """
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
