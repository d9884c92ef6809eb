"""Writes Tests/ECARImagesTests/Fixtures with Pillow and NumPy: small files, and what they must decode to.

    python3 -m pip install pillow numpy && python3 Scripts/image_fixtures.py
"""

import base64
import json
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

FOLDER = Path(__file__).resolve().parent.parent / "Tests/ECARImagesTests/Fixtures"
rng = np.random.default_rng(0)
expected = {}


def expect(name, pixels):
    """pixels: (H, W) or (H, W, 3) of uint8"""
    pixels = np.ascontiguousarray(pixels, dtype=np.uint8)
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    expected[name] = {
        "width": width, "height": height, "channels": channels, "pixels": base64.b64encode(pixels.tobytes()).decode(),
    }


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def raw_png(name, rows_of_passes, width, height, depth, colour, interlaced=0):
    """A PNG that Pillow cannot write: each pass is a list of rows of bytes."""
    data = b"".join(b"\0" + row for rows in rows_of_passes for row in rows)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    (FOLDER / name).write_bytes(png)


def over_white(colours, alpha):
    colours, alpha = colours.astype(int), alpha.astype(int)
    return (colours * alpha + 255 * (255 - alpha) + 127) // 255


def to_8_bits(values):
    return (values.astype(np.int64) * 255 + 32895) >> 16


def pngs():
    grey = rng.integers(0, 256, (7, 9), dtype=np.uint8)
    Image.fromarray(grey).save(FOLDER / "grey.png")
    expect("grey.png", grey)

    bits = rng.integers(0, 2, (7, 9), dtype=np.uint8) * 255
    Image.fromarray(bits).convert("1").save(FOLDER / "grey1.png")
    expect("grey1.png", bits)

    deep = rng.integers(0, 65536, (7, 9), dtype=np.uint16)
    raw_png("grey16.png", [[row.astype(">u2").tobytes() for row in deep]], 9, 7, 16, 0)
    expect("grey16.png", to_8_bits(deep))

    colour = rng.integers(0, 256, (7, 9, 3), dtype=np.uint8)
    Image.fromarray(colour).save(FOLDER / "colour.png")
    expect("colour.png", colour)

    deep = rng.integers(0, 65536, (7, 9, 3), dtype=np.uint16)
    raw_png("colour16.png", [[row.astype(">u2").tobytes() for row in deep]], 9, 7, 16, 2)
    expect("colour16.png", to_8_bits(deep))

    alpha = rng.integers(0, 256, (7, 9, 4), dtype=np.uint8)
    Image.fromarray(alpha).save(FOLDER / "colour_alpha.png")
    expect("colour_alpha.png", over_white(alpha[..., :3], alpha[..., 3:]))

    alpha = rng.integers(0, 256, (7, 9, 2), dtype=np.uint8)
    Image.fromarray(alpha, "LA").save(FOLDER / "grey_alpha.png")
    expect("grey_alpha.png", over_white(alpha[..., 0], alpha[..., 1]))

    indices = rng.integers(0, 5, (7, 9), dtype=np.uint8)
    palette = rng.integers(0, 256, (5, 3), dtype=np.uint8)
    image = Image.fromarray(indices, "P")
    image.putpalette(palette.tobytes())
    image.save(FOLDER / "palette.png")
    expect("palette.png", palette[indices])
    opacity = np.array([0, 255, 128, 7, 200], dtype=np.uint8)
    image.save(FOLDER / "palette_alpha.png", transparency=opacity.tobytes())
    expect("palette_alpha.png", over_white(palette[indices], opacity[indices][..., None]))

    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    parts = [[row.tobytes() for row in colour[y::dy, x::dx]] for x, y, dx, dy in passes]
    raw_png("interlaced.png", [[row for row in part if row] for part in parts], 9, 7, 8, 2, interlaced=1)
    expect("interlaced.png", colour)

    text = PngImagePlugin.PngInfo()
    text.add_text("plain", "ASCII text")
    text.add_text("latin", "caf\xe9")
    text.add_text("packed", "x" * 500, zip=True)
    text.add_itxt("world", "光 🌱")
    text.add_itxt("packed world", "é" * 500, zip=True)
    Image.fromarray(grey).save(FOLDER / "text.png", pnginfo=text)


def smooth(height, width):
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // width, y * 255 // height, (x + y) * 255 // (width + height)], -1).astype(np.uint8)


def jpegs():
    image = Image.fromarray(smooth(21, 30))
    for name, picture, options in [
        ("colour.jpg", image, {"quality": 90, "subsampling": 0}),
        ("colour420.jpg", image, {"quality": 80}),
        ("progressive.jpg", image, {"quality": 80, "progressive": True}),
        ("grey.jpg", image.convert("L"), {"quality": 90}),
        ("cmyk.jpg", image.convert("CMYK"), {"quality": 95}),
    ]:
        picture.save(FOLDER / name, **options)
        decoded = Image.open(FOLDER / name)
        expect(name, np.asarray(decoded if decoded.mode == "L" else decoded.convert("RGB")))


def resizes():
    source = smooth(24, 36)
    source[5:12, 8:20] = rng.integers(0, 256, (7, 12, 3), dtype=np.uint8)
    expect("resize source", source)
    for width, height in [(18, 12), (9, 9), (64, 50), (36, 7), (5, 24), (1, 1)]:
        resized = Image.fromarray(source).resize((width, height), Image.Resampling.BICUBIC)
        expect(f"resize {width}x{height}", np.asarray(resized))


def arrays():
    np.savez_compressed(
        FOLDER / "arrays.npz", mu=np.arange(5, dtype=np.float64) / 4,
        images=np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3))


FOLDER.mkdir(parents=True, exist_ok=True)
pngs()
jpegs()
resizes()
arrays()
(FOLDER / "expected.json").write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n")
