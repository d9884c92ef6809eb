"""What the commands beside this file share: a server of their own, and the metadata of its pictures."""

import json
import os
import re
import signal
import struct
import subprocess
import zlib


class Server:
    """`ecar serve` at a port of its own, from `with` to the end of its block.

    Its log goes to `log` (a path), and what it says there stays for whoever wants to look.
    """

    def __init__(self, ecar, *options, log="server.log"):
        self.command = [ecar, "serve", "--port", "0", *options]
        self.log = log

    def __enter__(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline()
        match = re.fullmatch(r"Listening on (http://\S+)\n", line)
        if not match:
            self.process.kill()
            self.process.wait()
            with open(self.log) as log:
                raise SystemExit(f"the server did not start: {line}{log.read()}")
        self.url = match[1]
        return self

    def __exit__(self, *_):
        """Asks the server to stop, as a service manager would, and demands that it does so well."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=60)
        if status != 0:
            raise SystemExit(f"the server ended with status {status}; its log is {os.path.abspath(self.log)}")


def metadata(png):
    """The text chunk `ecar` of a PNG, every chunk's checksum being right."""
    if png[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("not a PNG")
    place, found = 8, None
    while place < len(png):
        (length,), kind = struct.unpack(">I", png[place:place + 4]), png[place + 4:place + 8]
        data = png[place + 8:place + 8 + length]
        (checksum,) = struct.unpack(">I", png[place + 8 + length:place + 12 + length])
        if len(data) != length or zlib.crc32(kind + data) != checksum:
            raise ValueError("a damaged PNG")
        if kind in (b"tEXt", b"iTXt") and data.startswith(b"ecar\0"):
            # An iTXt has compression flag and method, language and translated key before its text.
            found = json.loads(data[5:] if kind == b"tEXt" else data[5:].split(b"\0", 4)[4])
        place += 12 + length
    if found is None:
        raise ValueError("a PNG without metadata of ecar")
    return found


def percentile(values, share):
    """The value below which so large a share of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
