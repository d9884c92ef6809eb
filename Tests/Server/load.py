"""Many clients at once against a server of their own: `make test-load`.

    load.py ECAR [--clients 200] [--seconds 60] [OPTION OF ecar serve …]

Most clients use OpenAI's route, some watch a job's events, some leave in the middle. Every picture must be the one that
its client asked for, every refusal must say when to come back, nothing may be lost, and the memory must stay bounded.
"""

import argparse
import asyncio
import base64
import json
import random
import re
import tempfile
import time
from pathlib import Path

import aiohttp

from server import Server, metadata, percentile

KEYS = {f"client-{i}": f"key-number-{i}-of-the-load-test" for i in range(8)}
MIB = 1 << 20


class Record:
    """What all clients saw."""

    def __init__(self):
        self.pictures = self.left = self.refused = self.accepted_after_refusal = 0
        self.latencies, self.promises, self.memory, self.mistakes = [], [], [], []

    def mistake(self, what):
        self.mistakes.append(what)
        print(f"NO  {what}", flush=True)


class Client:
    def __init__(self, number, url, key, record):
        self.random = random.Random(number)
        self.url, self.record = url, record
        self.headers = {"Authorization": f"Bearer {key}"}
        self.was_refused = False

    async def run(self, session, classes, end):
        way = self.random.choices([self.generate, self.watch, self.leave], [7, 2, 1])[0]
        while time.monotonic() < end:
            wish = (self.random.randrange(classes), self.random.randrange(2**53), self.random.choice([1, 1, 1, 2, 4]))
            start = time.monotonic()
            try:
                if await way(session, *wish):
                    self.record.latencies.append(time.monotonic() - start)
            except (aiohttp.ClientError, asyncio.TimeoutError, ValueError, KeyError) as error:
                self.record.mistake(f"{way.__name__} {wish}: {type(error).__name__}: {error}")
                await asyncio.sleep(0.1)

    def check(self, png, label, seed, where):
        found = metadata(png)
        if (found["class"], found["seed"]) != (label, seed % 2**53):
            self.record.mistake(f"{where}: asked for class {label}, seed {seed}, got {found['class']}, {found['seed']}")
        self.record.pictures += 1

    async def answered(self, response, wanted):
        """Whether the request was taken; a refusal is waited out."""
        if response.status == wanted:
            self.record.accepted_after_refusal += self.was_refused
            self.was_refused = False
            return True
        text = await response.text()
        pause = response.headers.get("Retry-After", "")
        if response.status != 429 or not pause.isdigit() or int(pause) < 1:
            self.record.mistake(f"{response.url.path}: {response.status}, Retry-After {pause!r}: {text[:200]}")
            pause = "1"
        self.record.refused += 1
        self.was_refused = True
        await asyncio.sleep(int(pause) * (1 + self.random.random() / 4))
        return False

    # MARK: What clients do

    async def generate(self, session, label, seed, count):
        body = {"prompt": str(label), "n": count, "seed": seed, "response_format": "b64_json"}
        async with session.post(f"{self.url}/v1/images/generations", json=body, headers=self.headers) as response:
            if not await self.answered(response, 200):
                return False
            data = (await response.json())["data"]
        if len(data) != count:
            self.record.mistake(f"{len(data)} pictures instead of {count}")
        for index, item in enumerate(data):
            self.check(base64.b64decode(item["b64_json"]), label, seed + index, "generate")
        return True

    async def submit(self, session, label, seed, count):
        body = {"class": label, "seed": seed, "count": count, "stages": self.random.random() < 0.5}
        async with session.post(f"{self.url}/api/jobs", json=body, headers=self.headers) as response:
            return (await response.json())["links"] if await self.answered(response, 202) else None

    async def watch(self, session, label, seed, count):
        links = await self.submit(session, label, seed, count)
        if links is None:
            return False
        finals, promise, name = set(), None, None
        async with session.get(self.url + links["events"], headers=self.headers) as response:
            async for line in response.content:
                if line.startswith(b"event: "):
                    name = line[7:].strip().decode()
                elif line.startswith(b"data: "):
                    data = json.loads(line[6:])
                    if name == "step" and promise is None:
                        promise = (time.monotonic(), data["secondsLeft"])
                    if name == "picture":
                        self.check(base64.b64decode(data["png"]), label, seed + data["index"], "watch")
                        if data["final"]:
                            finals.add(data["index"])
        if name != "done" or finals != set(range(count)):
            self.record.mistake(f"a job of {count} ended with {name} and the pictures {finals}: {data}")
        elif promise:
            self.record.promises.append((promise[1], time.monotonic() - promise[0]))
        return True

    async def leave(self, session, label, seed, count):
        """Looks for a moment at a job's events, and goes without a word."""
        links = await self.submit(session, label, seed, count)
        if links is not None:
            async with session.get(self.url + links["events"], headers=self.headers) as response:
                try:
                    async with asyncio.timeout(self.random.random()):
                        await response.content.read()
                except TimeoutError:
                    self.record.left += 1
        return False


async def numbers(session, url):
    """The server's metrics by name with labels."""
    async with session.get(f"{url}/metrics", headers={"Authorization": f"Bearer {KEYS['client-0']}"}) as response:
        text = await response.text()
    return {name: float(value) for name, value in re.findall(r"^([a-z_]+(?:\{[^}]*\})?) (\S+)$", text, re.MULTILINE)}


async def sample(session, url, record, end):
    while time.monotonic() < end:
        record.memory.append((await numbers(session, url))["process_resident_memory_bytes"])
        await asyncio.sleep(1)


async def crowd(url, clients, seconds):
    record = Record()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=150)) as session:
        key = {"Authorization": f"Bearer {KEYS['client-0']}"}
        async with session.get(f"{url}/api/model", headers=key) as response:
            classes = len((await response.json())["classes"])
        end = time.monotonic() + seconds
        keys = list(KEYS.values())
        everybody = [Client(i, url, keys[i % len(keys)], record).run(session, classes, end) for i in range(clients)]
        await asyncio.gather(sample(session, url, record, end), *everybody)
        # Unwatched jobs are given up after 3 s, and nothing else is left to do.
        for _ in range(50):
            after = await numbers(session, url)
            if not any(after[f'ecar_jobs{{state="{state}"}}'] for state in ("waiting", "running")):
                break
            await asyncio.sleep(0.2)
        else:
            record.mistake("work is left although all clients have gone")
        return record, after


def report(record, after, seconds):
    shares = [percentile(record.latencies, share) for share in (0.5, 0.9, 0.99)]
    print(f"{len(record.latencies)} requests, {record.pictures} pictures, {record.pictures / seconds:.1f}/s")
    print("latency p50 {:.2f} s, p90 {:.2f} s, p99 {:.2f} s".format(*shares))
    print(f"{record.refused} refusals; {record.accepted_after_refusal} came back and were let in; {record.left} left")
    batches = after["ecar_batches_total"]
    print(f"{batches:.0f} batches of {after['ecar_batched_images_total'] / max(1, batches):.1f} images")
    if record.promises:
        errors = [abs(promised - taken) for promised, taken in record.promises]
        usual = percentile([taken for _, taken in record.promises], 0.5)
        print(f"time left at a job's first step was wrong by {percentile(errors, 0.5):.2f} s (p50), "
              f"{percentile(errors, 0.9):.2f} s (p90), of {usual:.2f} s (p50)")
    if record.memory:
        first, most = record.memory[len(record.memory) // 4], max(record.memory)
        print(f"memory {record.memory[0] / MIB:.0f} MiB at first, {first / MIB:.0f} after a quarter, "
              f"{most / MIB:.0f} at most, {record.memory[-1] / MIB:.0f} at last")
        # Kept pictures and states are bounded by 256 MiB; the rest is the work itself.
        if most > first + 512 * MIB:
            record.mistake("the memory grows")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ecar")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    arguments, options = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        keys = Path(folder, "keys.txt")
        keys.write_text("".join(f"{name}:{key}\n" for name, key in KEYS.items()))
        with Server(arguments.ecar, "--quiet", "--api-key-file", str(keys), *options, log=f"{folder}/log") as server:
            record, after = asyncio.run(crowd(server.url, arguments.clients, arguments.seconds))
        log = Path(folder, "log").read_text()
    report(record, after, arguments.seconds)
    if log:
        record.mistake(f"the server complained:\n{log[:2000]}")
    if not record.pictures:
        record.mistake("there was not one picture")
    print(f"{arguments.clients} clients for {arguments.seconds:.0f} s: "
          f"{'all is well' if not record.mistakes else f'{len(record.mistakes)} mistakes'}")
    raise SystemExit(bool(record.mistakes))


main()
