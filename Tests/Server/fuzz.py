"""Requests that are broken in every way, byte by byte, which no client library would send."""

import asyncio
import json
import random
import re

CLIENTS = 32
# Sent right, all of these are answered well.
BODIES = [
    {"prompt": "1", "n": 1, "seed": 7, "response_format": "b64_json", "steps": [1, 1, 1], "guidance": 1.5},
    {"class": 1, "count": 2, "seed": 3, "steps": 3, "solver": "heun", "timeShift": 0.5, "parallelGuidance": 0.5,
     "stages": True},
    {"classes": [0, "2"], "draft": True, "precision": "f32", "steps": [1, 1, 1]},
    {"finish": {"job": "0" * 32, "picks": [0, 1], "variations": 2}, "guidance": [1, 2, 3]},
]
PATHS = [
    "/", "/healthz", "/api/model", "/metrics", "/openapi.json", "/assets/style.css", "/api/jobs/" + "0" * 32,
    "/api/jobs/" + "0" * 32 + "/events", "/api/jobs/" + "0" * 32 + "/images/0.png?stage=1&download=1",
]
# What makes parsers stumble.
ODDITIES = [
    None, True, -1, 0, 1e308, 2**63, -(2**64), 0.1, "", "\0", "\ud800", "a" * 3000, [], [[]], {}, {"": None},
    [None] * 99, "../../etc/passwd", "%00", "1e999",
]
INSERTIONS = [b"\r\n", b"\0", b"\n\n", b": ", b"%", b"\xff\xfe", b"{[", b"0" * 99]


def mutated(value, dice):
    """A JSON value with one place changed."""
    if dice.random() < 0.3 or not isinstance(value, (dict, list)) or not value:
        return dice.choice(ODDITIES)
    copy = value.copy()
    if isinstance(copy, list):
        copy[dice.randrange(len(copy))] = mutated(copy[0], dice)
        return copy
    name = dice.choice(list(copy))
    match dice.randrange(4):
        case 0: del copy[name]
        case 1: copy[name + dice.choice("s_X")] = copy.pop(name)
        case _: copy[name] = mutated(copy[name], dice)
    return copy


def scrambled(text, dice):
    """Bytes with a few of them changed, lost, doubled or put in."""
    data = bytearray(text)
    for _ in range(dice.choice([1, 1, 2, 8])):
        place = dice.randrange(len(data) + 1)
        match dice.randrange(4):
            case 0: data[place:place + 1] = bytes([dice.randrange(256)])
            case 1: del data[place:place + dice.randrange(1, 9)]
            case 2: data[place:place] = data[max(0, place - 20):place]
            case 3: data[place:place] = dice.choice(INSERTIONS)
    return bytes(data)


def request(dice, key):
    """The bytes of a request, more or less right, and whether they may lack something at their end."""
    if dice.random() < 0.6:
        index = dice.randrange(len(BODIES))
        value = BODIES[index] if dice.random() < 0.2 else mutated(BODIES[index], dice)
        body = json.dumps(value).encode("utf-8", "surrogatepass")
        if dice.random() < 0.3:
            body = scrambled(body, dice)
        path = "/v1/images/generations" if index == 0 else "/api/jobs"
        head = f"POST {path} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    else:
        body, path = b"", dice.choice(PATHS)
        if dice.random() < 0.5:
            path += dice.choice(["x", "/", "//", "?", "?stage=%zz", "?" + "a=b&" * 500, "%2e%2e/", "/../", "\\"])
        head = f"{dice.choice(['GET', 'GET', 'HEAD', 'DELETE', 'PUT', 'OPTIONS', 'TRACE'])} {path} HTTP/1.1\r\n"
    head += f"Host: localhost\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n\r\n"
    whole = head.encode() + body
    return (scrambled(whole, dice), True) if dice.random() < 0.3 else (whole, False)


async def client(port, key, dice, jobs, counts, mistakes):
    for _ in jobs:
        sent, is_scrambled = request(dice, key)
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(sent)
                if is_scrambled:
                    writer.write_eof()  # Or the server would wait, rightly, for what was lost.
                answer = await asyncio.wait_for(reader.read(), 60)
            finally:
                writer.close()
        except (ConnectionResetError, BrokenPipeError):
            answer = b""  # A broken request may be hung up on, and then what it says last is lost.
        match = re.match(rb"HTTP/1\.[01] (\d{3}) ", answer)
        status = match[1].decode() if match else "none"
        counts[status] = counts.get(status, 0) + 1
        if (answer and not match) or (status.startswith("5") and status != "503"):
            mistakes.append(f"{sent[:500]!r}: {answer[:300]!r}")


async def fuzz(port, key, count, seed=1):
    """Sends so many requests.

    Returns how many were answered with which status ("none": not at all), and what should not have happened.
    """
    jobs, counts, mistakes = iter(range(count)), {}, []
    await asyncio.gather(
        *(client(port, key, random.Random(f"{seed} {i}"), jobs, counts, mistakes) for i in range(CLIENTS)))
    return counts, mistakes
