"""Requests made from the server's own description of its API, right ones and wrong ones: `make test-schema`.

    schema.py ECAR [--requests 20000] [--broken 80000] [--keep FOLDER] [OPTION OF ecar serve …]

Schemathesis, unchanged, reads the served /openapi.json and sends what it allows and what it forbids; every answer must
be one that the file describes, and no 5xx but its 503. It runs with new seeds until so many requests have been sent.
Before that come requests that are broken as HTTP or as JSON, which Schemathesis does not send.
"""

import argparse
import asyncio
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

from fuzz import fuzz
from server import Server

# Little work for each request, and no long waits: what is tried here is what is said, not what is drawn.
SMALL = ["--model", "fashion-mnist", "--max-images", "3", "--queue", "12", "--max-steps", "60", "--time-limit", "20"]
KEY = "a-key-that-only-this-test-knows"
CONFIGURATION = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 401, 403, 404, 409, 410, 429, 503]
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 503]
"""


def requests_so_far(url):
    """How many requests the server has answered."""
    request = urllib.request.Request(f"{url}/metrics", headers={"Authorization": f"Bearer {KEY}"})
    with urllib.request.urlopen(request) as answer:
        text = answer.read().decode()
    counts = re.findall(r'^ecar_http_requests_total\{.*status="(\d+)"\} (\d+)$', text, re.MULTILINE)
    by_status = {}
    for status, count in counts:
        by_status[status] = by_status.get(status, 0) + int(count)
    return by_status


def schemathesis(url, folder, seed, examples):
    """Whether a run finds nothing wrong; what it says goes into the folder."""
    configuration = folder / "schemathesis.toml"
    configuration.write_text(CONFIGURATION)
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(configuration), "run",
        f"{url}/openapi.json", "--header", f"Authorization: Bearer {KEY}", "--seed", str(seed),
        "--max-examples", str(examples), "--workers", "2", "--checks", "all",
        # DELETE cancels a job, and leaves it there to be looked at.
        "--exclude-checks", "use_after_free",
        "--max-response-time", "60", "--request-timeout", "60", "--continue-on-failure", "--warnings", "off",
        "--suppress-health-check", "all",
    ]
    with open(folder / f"run-{seed}.txt", "w") as output:
        return subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, cwd=folder).returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ecar")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--broken", type=int, default=80_000)
    parser.add_argument("--keep", help="a folder for Schemathesis's output")
    arguments, options = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.keep or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        keys = folder / "keys.txt"
        keys.write_text(f"schema:{KEY}\n")
        with Server(arguments.ecar, *SMALL, "--api-key-file", str(keys), *options, log=str(folder / "log")) as server:
            start, seed = time.monotonic(), 0
            counts, mistakes = asyncio.run(fuzz(urllib.parse.urlsplit(server.url).port, KEY, arguments.broken))
            print(f"{arguments.broken} broken requests after {time.monotonic() - start:.0f} s, by status: "
                  + ", ".join(f"{status}: {counts[status]}" for status in sorted(counts)), flush=True)
            print("".join(f"NO  {mistake}\n" for mistake in mistakes[:20]), end="")
            failed = bool(mistakes)
            already = sum(requests_so_far(server.url).values())
            # Of each of the nine operations, in each of several runs.
            examples = max(10, min(1000, arguments.requests // 40))
            while sum(requests_so_far(server.url).values()) - already < arguments.requests and not failed:
                seed += 1
                failed = not schemathesis(server.url, folder, seed, examples)
                sent = sum(requests_so_far(server.url).values()) - already
                print(f"seed {seed}: {sent} requests after {time.monotonic() - start:.0f} s", flush=True)
            if seed and failed:
                print((folder / f"run-{seed}.txt").read_text()[-20000:])
            counts = requests_so_far(server.url)
        log = (folder / "log").read_text()
    unexpected = [status for status in counts if status.startswith("5") and status != "503"]
    print("answers by status: " + ", ".join(f"{status}: {counts[status]}" for status in sorted(counts)))
    if unexpected or " error " in log:
        print(f"the server met errors of its own: {unexpected}\n" + "\n".join(
            line for line in log.splitlines() if " error " in line)[:2000])
        failed = True
    print("all is well" if not failed else "NO  Schemathesis or the server found something")
    raise SystemExit(failed)


main()
