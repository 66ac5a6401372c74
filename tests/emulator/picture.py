"""Makes JP2 files for emulated cards. Not run by the build: its results are in this folder.

    python picture.py samples          sample.jp2, other.jp2, huge.jp2 beside this file
    python picture.py IN OUT           any picture that Pillow reads, as the grey JP2 of a card (96 x 120, some 3 kB)
"""

import sys
from pathlib import Path

from PIL import Image, ImageDraw


def save(picture, path, rate=4):
    picture.convert("L").save(path, format="JPEG2000", quality_mode="rates", quality_layers=[rate], irreversible=True)


def samples(folder):
    oval = Image.linear_gradient("L").resize((96, 120))
    draw = ImageDraw.Draw(oval)
    draw.ellipse((24, 24, 72, 92), fill=200)
    for x in (38, 58):
        draw.ellipse((x - 4, 50, x + 4, 56), fill=40)
    draw.line((38, 76, 58, 76), fill=60, width=3)
    save(oval, folder / "sample.jp2")
    stripes = Image.new("L", (96, 120), 30)
    for y in range(0, 120, 12):
        ImageDraw.Draw(stripes).rectangle((0, y, 96, y + 5), fill=220)
    save(stripes, folder / "other.jp2")
    # Both headers (box ihdr, marker SIZ) promise 60,000 by 60,000 pixels; the data is that of the oval.
    data = bytearray((folder / "sample.jp2").read_bytes())
    side = (60_000).to_bytes(4, "big")
    box = data.index(b"ihdr") + 4
    data[box:box + 8] = side + side
    size = data.index(b"\xff\x51") + 6
    data[size:size + 8] = side + side
    data[size + 16:size + 24] = side + side
    (folder / "huge.jp2").write_bytes(data)


if sys.argv[1:] == ["samples"]:
    samples(Path(__file__).parent)
else:
    save(Image.open(sys.argv[1]).convert("L").resize((96, 120)), sys.argv[2])
