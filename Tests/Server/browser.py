"""Drives the page of `ecar serve` in headless Chromium, as a person would, and checks what that person would see.

    make test-browser
    python3 Tests/Server/browser.py .build/release/ecar --screenshots screenshots/

Needs Selenium (from PyPI), Debian's chromium and chromium-driver, and the program with its model of Fashion-MNIST. A URL in place
of the program drives a server that runs already, and leaves out what needs the program itself.
"""

import argparse
import contextlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from server import Server

# Whose classes and three stages the checks know.
MODEL = ("--model", "fashion-mnist")
MOST_BYTES = 150_000
CONTROLS = {
    "button", "link", "textbox", "searchbox", "combobox", "checkbox", "radio", "slider", "listbox", "option",
    "progressbar", "dialog", "article", "region", "form", "radiogroup",
}

# Runs before the page's own scripts: writes down every picture as it is shown, and every breach of the policy.
WITNESS = """
    window.shown = [];
    window.breaches = [];
    addEventListener('securitypolicyviolation', ({violatedDirective, blockedURI}) =>
        breaches.push(`${violatedDirective} ${blockedURI}`));
    new MutationObserver((changes) => changes.flatMap(({addedNodes}) => [...addedNodes])
        .filter(({dataset}) => dataset && dataset.stage).forEach((image) => {
            const tile = image.closest('.tile'), run = image.closest('.run');
            shown.push({run: run.querySelector('h2').textContent, tile: [...tile.parentElement.children].indexOf(tile),
                stage: Number(image.dataset.stage)});
        })).observe(document, {childList: true, subtree: true});
"""

# Makes the model's answer one of a thousand classes, which no shipped model has.
THOUSAND_CLASSES = """
    const plainFetch = window.fetch;
    window.fetch = async (path, options) => {
        const response = await plainFetch(path, options);
        if (!String(path).endsWith('api/model')) return response;
        const model = await response.json(), own = model.classes.length;
        for (let index = own; index < 1000; index += 1) {
            model.classes.push({index, name: `plant ${index}, common fern`});
        }
        return Response.json(model);
    };
"""

# The pixels of each picture of the newest run, as one text each.
PIXELS = """
    const done = arguments[arguments.length - 1];
    const tiles = [...document.querySelectorAll('.run:first-child .tile')];
    Promise.all(tiles.map(async (tile) => {
        const image = tile.querySelector('img:last-child');
        await image.decode();
        const canvas = document.createElement('canvas');
        canvas.width = image.naturalWidth;
        canvas.height = image.naturalHeight;
        const context = canvas.getContext('2d');
        context.drawImage(image, 0, 0);
        return [...context.getImageData(0, 0, canvas.width, canvas.height).data];
    })).then(done);
"""


def check(condition, claim):
    if not condition:
        raise AssertionError(claim)
    print(f"  ok: {claim}", flush=True)


class Page:
    """The page in a browser of its own."""

    def __init__(self, url, downloads, width=1280, height=860, dark=False, still=False, script=""):
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or shutil.which("chromium-browser") or ""
        for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
            options.add_argument(flag)
        options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.browser = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
        self.browser.set_script_timeout(60)
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.command("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
        ])
        self.command("Page.addScriptToEvaluateOnNewDocument", source=WITNESS + script)
        self.browser.get(url)

    def close(self):
        self.browser.quit()

    def command(self, name, **parameters):
        return self.browser.execute_cdp_cmd(name, parameters)

    def script(self, text, *arguments):
        return self.browser.execute_script(text, *arguments)

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return self.script("return document.querySelector(arguments[0]).textContent", selector)

    def press(self, *keys):
        webdriver.ActionChains(self.browser).send_keys(*keys).perform()

    def press_with_control(self, key):
        webdriver.ActionChains(self.browser).key_down(Keys.CONTROL).send_keys(key).key_up(Keys.CONTROL).perform()

    def click(self, selector, index=0):
        element = self.all(selector)[index]
        self.script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
        element.click()

    def choose(self, name, value):
        """Presses a radio button by what is seen of it."""
        self.click(f"input[name={name}][value='{value}']")

    def until(self, condition, wanted, seconds=60):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"not within {seconds} s: {wanted}")
            time.sleep(0.02)

    def state(self):
        """Of the newest run."""
        return self.script("return document.querySelector('.run')?.dataset.state")

    def until_done(self):
        self.until(lambda: self.state() in ("done", "failed", "cancelled"), "the run is over")
        problem = self.script("return document.querySelector('.run .problem').textContent")
        check(self.state() == "done", f"the run is done {problem}".strip())

    def focused(self):
        return self.script("return document.activeElement.getAttribute('aria-label') ?? document.activeElement.id")

    def nameless(self):
        """The controls that a screen reader cannot call by a name."""
        nodes = self.command("Accessibility.getFullAXTree")["nodes"]
        return [
            node["role"]["value"] for node in nodes
            if not node.get("ignored") and node["role"]["value"] in CONTROLS
            and not node.get("name", {}).get("value", "").strip()
        ]

    def complaints(self):
        """What the console holds against the page. Chromium's advice on forms is of level DEBUG."""
        log = [entry for entry in self.browser.get_log("browser") if entry["level"] in ("WARNING", "SEVERE")]
        return [entry["message"] for entry in log] + self.script("return breaches")


def weight(page):
    """Bytes of the page with all that it loads, and milliseconds to its first byte."""
    return page.script("""
        const [page] = performance.getEntriesByType('navigation');
        const files = performance.getEntriesByType('resource').filter(({name}) => name.includes('/assets/'));
        return [files.reduce((sum, {decodedBodySize}) => sum + decodedBodySize, page.decodedBodySize),
            page.responseStart - page.requestStart];
    """)


def loads(page):
    page.until(lambda: page.one("#settings").is_displayed(), "the form")
    size, first_byte = weight(page)
    check(0 < size <= MOST_BYTES, f"the page weighs {size / 1000:.1f} KB, its first byte took {first_byte:.0f} ms")
    check(page.one("#welcome").is_displayed(), "an empty page says what will come")
    page.click("#tuning summary")
    check(page.nameless() == [], "all controls have names")
    page.click("#tuning summary")


def makes_pictures(page):
    page.one("#class-list").send_keys("ank")
    check(page.text("#class-list [aria-selected=true]") == "ankle boot", "letters choose a class")
    page.one("#seed").clear()
    page.one("#seed").send_keys("7x")
    page.click("#make")
    check(page.one("#seed-error").is_displayed() and not page.all(".run"), "a bad seed is refused with a sentence")
    page.one("#seed").send_keys(Keys.BACKSPACE)
    page.press_with_control(Keys.ENTER)
    page.until(lambda: page.all(".run"), "a run")
    page.until(lambda: page.state() == "running", "the run's progress")
    check(page.nameless() == [], "all controls of a run have names")
    page.until_done()
    page.until(lambda: len(page.script("return shown")) == 12, "twelve pictures")
    stages = [[entry["stage"] for entry in page.script("return shown") if entry["tile"] == tile] for tile in range(4)]
    check(stages == [[1, 2, 3]] * 4, "each picture came in the order of its stages")
    check(len(page.all(".run")) == 1, "Ctrl+Enter starts one run")
    check("seeds 7–10" in page.text(".run .details"), "the run tells its seeds")
    check(page.text(".run .caption") == "7", "a picture tells its seed")


def looks_closer(page):
    page.click(".run .tile")
    check(page.one("#viewer").is_displayed(), "a picture opens")
    check(page.nameless() == [], "all controls of the viewer have names")
    page.press(Keys.ARROW_RIGHT)
    check(page.text("#viewer-place") == "2 of 4", "an arrow key turns to the next")
    page.choose("viewer-stages", 1)
    name = page.one("#viewer-download").get_attribute("download")
    check(name == "ankle-boot-8-stage-1.png", "an earlier stage is shown")
    page.press(Keys.ESCAPE)
    check(not page.one("#viewer").is_displayed(), "Escape closes it")
    check(page.focused() == "ankle boot, seed 8", "the focus is on the picture that was looked at last")


def download(page, downloads):
    """Downloads the picture that the viewer shows."""
    name = page.one("#viewer-download").get_attribute("download")
    page.click("#viewer-download")
    page.until((downloads / name).is_file, f"the file {name}")
    page.press(Keys.ESCAPE)
    return downloads / name


def replay(program, file):
    if program is None:
        print(f"  left out: ecar replay {file.name}, for there is no program")
        return
    result = subprocess.run([program, "replay", *MODEL, "--quiet", str(file)], capture_output=True, text=True)
    check(result.returncode == 0, f"ecar replay {result.stdout.strip() or result.stderr.strip()}")


def downloads_what_replays(page, downloads, program):
    page.click(".run .tile")
    file = download(page, downloads)
    check(file.name == "ankle-boot-7.png" and file.read_bytes().startswith(b"\x89PNG"), "a PNG with a speaking name")
    replay(program, file)


def drafts_and_finishes(page):
    page.choose("mode", "drafts")
    page.choose("count", 16)
    page.click("#make")
    page.until_done()
    check(not page.one(".run .finish").is_enabled(), "nothing can be finished before it is picked")
    page.until(lambda: len(page.all(".run:first-child .tile img")) == 16, "16 drafts")
    page.one(".run .tile[tabindex='0']").send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.SPACE, Keys.END, Keys.SPACE)
    picked = [tile.get_attribute("aria-label") for tile in page.all(".run:first-child .tile[aria-selected=true]")]
    check(len(picked) == 2, "two drafts are picked with the keyboard")
    check(page.nameless() == [], "all controls of the draft sheet have names")
    page.script("shown.length = 0")
    page.click(".run .finish")
    page.until(lambda: len(page.all(".run")) == 3, "a run that finishes")
    page.until_done()
    page.until(lambda: len(page.script("return shown")) == 4, "four pictures")
    stages = sorted(entry["stage"] for entry in page.script("return shown"))
    check(stages == [2, 2, 3, 3], "only later stages are drawn")
    finished = [tile.get_attribute("aria-label") for tile in page.all(".run:first-child .tile")]
    check(finished == [name.replace(", stage 1 of 3", "") for name in picked], "what was picked is what is finished")


def varies(page, downloads, program):
    original = page.browser.execute_async_script(PIXELS)[0]
    page.click(".run .tile")
    page.click("#viewer-vary")
    page.until(lambda: "8 variations" in page.text(".run h2"), "a run of variations")
    page.until_done()
    page.until(lambda: len(page.all(".run:first-child .tile img[data-stage='3']")) == 8, "eight pictures")
    pictures = page.browser.execute_async_script(PIXELS)
    largest = max(abs(a - b) for a, b in zip(original, pictures[0]))
    check(largest <= 1, f"the first variation is the picture itself (largest difference {largest} of 255)")
    check(len({tuple(picture) for picture in pictures}) == 8, "the others differ")
    page.click(".run .tile", 3)
    file = download(page, downloads)
    check(file.name.endswith("-variation-3.png"), "a variation has its number in its file's name")
    replay(program, file)


def makes_again(page):
    before = page.browser.execute_async_script(PIXELS)
    page.click(".run .again")
    page.until(lambda: page.state() != "done", "another run")
    page.until_done()
    page.until(lambda: len(page.all(".run:first-child .tile img[data-stage='3']")) == 8, "eight pictures")
    after = page.browser.execute_async_script(PIXELS)
    largest = max(abs(a - b) for x, y in zip(before, after) for a, b in zip(x, y))
    check(largest <= 1, f"the same settings make the same pictures (largest difference {largest} of 255)")
    page.click(".run .use")
    seed = page.one("#seed").get_attribute("value")
    check(page.text(".run .details").startswith(f"seed {seed} "), "settings go back into the form")
    runs = len(page.all(".run"))
    page.click(".run .remove")
    check(len(page.all(".run")) == runs - 1, "a run can be removed")


def cancels(page):
    page.choose("mode", "pictures")
    page.choose("count", 16)
    page.click("#tuning summary")
    page.one("#steps").send_keys(Keys.END)
    page.click("#make")
    page.until(lambda: page.state() == "running", "the run's progress")
    page.click(".run .cancel")
    check(page.state() == "cancelled", "a run is cancelled at once")
    check(page.text(".run .problem") == "You cancelled it.", "and says so")
    check(page.script("return document.activeElement.classList.contains('again')"), "the focus stays in the run")
    page.click("#defaults")
    page.choose("count", 1)
    start = time.monotonic()
    page.click("#make")
    page.until_done()
    seconds = time.monotonic() - start
    check(seconds < 30, f"the machine is free again: one picture took {seconds:.1f} s")


def remembers(page):
    page.choose("mode", "drafts")
    page.one("#class-list").send_keys("bag")
    page.browser.refresh()
    page.until(lambda: page.one("#settings").is_displayed(), "the form")
    check(page.one("input[name=mode][value=drafts]").is_selected(), "the settings outlive a reload")
    check(page.text("#class-list [aria-selected=true]") == "bag", "the class too")


def searches_a_thousand_classes(page):
    page.until(lambda: page.one("#settings").is_displayed(), "the form")
    page.one("#class-search").send_keys("fern 73")
    check(page.one("#class-none").is_displayed() is False, "classes are found")
    check(len(page.all("#class-list [role=option]")) == 20, "by all words of the search, in any order")
    page.one("#class-search").clear()
    page.one("#class-search").send_keys("plant 731", Keys.ENTER)
    check(page.text("#class-chosen") == "plant 731, common fern", "Enter takes the first")
    check(len(page.all("#class-list [role=option]")) == 1000, "and ends the search")
    page.one("#class-search").send_keys("plant 73", Keys.ENTER)
    check(page.text("#class-chosen") == "plant 73, common fern", "though another that was chosen fits the search")
    check(page.nameless() == [], "all controls have names")


def asks_for_the_key(page, key):
    page.until(lambda: page.one("#key").is_displayed(), "the question for the key")
    page.press("not-the-right-key", Keys.ENTER)
    page.until(lambda: "refused" in page.text("#key-note"), "the refusal of a wrong one")
    page.press(key, Keys.ENTER)
    page.until(lambda: page.one("#settings").is_displayed(), "the form")
    page.click("#make")
    page.until_done()


def survives_the_server(page, server):
    server.process.send_signal(signal.SIGINT)
    check(server.process.wait(timeout=30) == 0, "Ctrl-C ends the server well")
    page.click("#make")
    page.until(lambda: page.state() == "failed", "the failure")
    check("does not answer" in page.text(".run .problem"), "a server that is gone is told of in a sentence")


def photograph(page, folder, name):
    overflow = page.script("return document.documentElement.scrollWidth - innerWidth")
    check(overflow <= 0, f"{name}: nothing is wider than the window")
    if folder:
        page.browser.save_screenshot(str(folder / f"{name}.png"))


def looks_right(url, downloads, folder):
    """The page at the widths of a phone, a tablet and a desk, light and dark."""
    for width, height in ((360, 740), (768, 1024), (1280, 860)):
        for dark in (False, True):
            with contextlib.closing(Page(url, downloads, width, height, dark, still=True)) as page:
                name = f"{width}-{'dark' if dark else 'light'}"
                page.until(lambda: page.one("#settings").is_displayed(), "the form")
                photograph(page, folder, f"{name}-start")
                page.click("#class-list [role=option]", 9)
                page.click("#make")
                page.until(lambda: page.all(".tile img"), "a first stage")
                moving = page.script("return document.getAnimations().length")
                check(moving == 0, "nothing moves for whoever wants less motion")
                photograph(page, folder, f"{name}-forming")
                page.until_done()
                photograph(page, folder, f"{name}-done")
                page.click(".tile")
                photograph(page, folder, f"{name}-viewer")
                page.press(Keys.ESCAPE)
                page.choose("mode", "drafts")
                page.click("#make")
                page.until_done()
                for index in (1, 4):
                    page.click(".run:first-child .tile", index)
                photograph(page, folder, f"{name}-drafts")


def run(url, program, downloads, folder, server=None):
    with contextlib.closing(Page(url, downloads)) as page:
        for test, *arguments in (
            (loads,), (makes_pictures,), (looks_closer,), (downloads_what_replays, downloads, program),
            (drafts_and_finishes,), (varies, downloads, program), (makes_again,), (cancels,), (remembers,),
        ):
            print(test.__name__.replace("_", " "), flush=True)
            test(page, *arguments)
            check(page.complaints() == [], "the console is empty")
        print("searches a thousand classes")
        with contextlib.closing(Page(url, downloads, script=THOUSAND_CLASSES)) as other:
            searches_a_thousand_classes(other)
        print("looks right")
        looks_right(url, downloads, folder)
        if server:
            print("survives the server")
            survives_the_server(page, server)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", help="the program ecar, or the URL of a server that runs already")
    parser.add_argument("--screenshots", type=Path, help="a folder for pictures of the page")
    arguments = parser.parse_args()
    program, folder = arguments.program, arguments.screenshots
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        downloads = Path(temporary)
        if program.startswith(("http://", "https://")):
            run(program, None, downloads, folder)
        else:
            log = downloads / "server.log"
            with Server(program, *MODEL, "--quiet", log=log) as server:
                run(server.url, program, downloads, folder, server)
            print("asks for the key")
            key = "a-key-for-the-browser-test"
            keys = downloads / "keys"
            keys.write_text(f"browser:{key}\n")
            with Server(program, *MODEL, "--api-key-file", str(keys), "--quiet", log=log) as server:
                with contextlib.closing(Page(server.url, downloads)) as page:
                    asks_for_the_key(page, key)
    print("All passed.")


if __name__ == "__main__":
    try:
        main()
    except AssertionError as error:
        sys.exit(f"  FAILED: {error}")
