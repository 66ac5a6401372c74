"""The peers of `cargo xtask bench --only codes`: zbar and OpenCV look at the pictures of a folder.

Arguments: peer, folder. The folder's `pictures.json` lists the files (PGM). Prints one JSON object: version, and for each
picture the texts found and the CPU time in milliseconds of this one thread.
"""

import json
import pathlib
import sys
import time

import cv2


def zbar():
    import ctypes

    from pyzbar import pyzbar, zbar_library

    library, _ = zbar_library.load()
    parts = [ctypes.c_uint() for _ in range(3)]
    library.zbar_version(*map(ctypes.byref, parts))
    kinds = [pyzbar.ZBarSymbol.QRCODE]
    version = ".".join(str(part.value) for part in parts)
    return version, lambda picture: [code.data.decode("utf-8", "replace") for code in pyzbar.decode(picture, kinds)]


def opencv():
    detector = cv2.QRCodeDetector()

    def find(picture):
        text, _, _ = detector.detectAndDecode(picture)
        return [text] if text else []

    return cv2.__version__, find


def main(peer, folder):
    cv2.setNumThreads(1)
    version, find = {"zbar": zbar, "opencv": opencv}[peer]()
    folder = pathlib.Path(folder)
    looked = []
    for number, name in enumerate(json.loads((folder / "pictures.json").read_text())):
        picture = cv2.imread(str(folder / name), cv2.IMREAD_GRAYSCALE)
        if number == 0:
            find(picture)  # What is loaded on first use is no picture's cost.
        started = time.thread_time()
        texts = find(picture)
        looked.append({"texts": texts, "ms": (time.thread_time() - started) * 1e3})
    json.dump({"version": version, "looked": looked}, sys.stdout)


main(*sys.argv[1:])
