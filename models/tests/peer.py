"""The peer of the benchmark: the same three networks by onnxruntime and OpenCV, one thread, in the same run.

Usage: peer.py MODELS_DIR PHOTOGRAPH FIGURES. FIGURES is the file that `kiosk bench` wrote; its stages stand beside the
peer's medians, which are added to it under "peer". Detection is timed on the same picture at the same size.
"""

import json
import statistics
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from parity import NMS_THRESHOLD, SCORE_THRESHOLD, TOP_K, run, session

ROUNDS, LONGEST_SIDE = 30, 640


def median_ms(work):
    for _ in range(5):
        work()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def main(models, photograph, figures):
    cv2.setNumThreads(1)
    picture = cv2.imread(str(photograph))
    height, width = picture.shape[:2]
    factor = min(1.0, LONGEST_SIDE / max(height, width))
    picture = cv2.resize(picture, (round(width * factor), round(height * factor)))
    detector = cv2.FaceDetectorYN.create(
        str(models / "face_detection_yunet_2023mar.onnx"),
        "",
        (picture.shape[1], picture.shape[0]),
        SCORE_THRESHOLD,
        NMS_THRESHOLD,
        TOP_K,
    )
    embedder = session(models / "face_recognition_sface_2021dec.onnx")
    pad = session(models / "fr_liveness.onnx")
    sample, view = (np.random.default_rng(1).integers(0, 256, (side, side, 3)) for side in (112, 128))
    peer = {
        "detect": median_ms(lambda: detector.detect(picture)),
        "embed": median_ms(lambda: run(embedder, sample)),
        "pad": median_ms(lambda: run(pad, view)),
    }
    measured = json.loads(figures.read_text())
    measured["peer"] = {"what": "OpenCV (detect) and onnxruntime (embed, pad), one thread", "stages_ms": peer}
    figures.write_text(json.dumps(measured, indent=2) + "\n")
    print("networks beside OpenCV (detect) and onnxruntime (embed, pad), one thread, same run:", file=sys.stderr)
    for stage, theirs in peer.items():
        ours = measured["stages_ms"][stage]
        print(f"  {stage:7} {ours:7.1f} ms, peer {theirs:6.1f} ms: {ours / theirs:.1f} x", file=sys.stderr)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
