"""The other side of parity.rs: the same steps by OpenCV and onnxruntime.

Usage: parity.py MODELS_DIR JOB_DIR. The job folder holds job.json, a list of
{"name", "width", "height", "rgb": raw file, "landmarks": [10], "box": [4], "sample": raw file of 112 x 112 RGB}.
Writes answer.json beside it: for each entry the faces by FaceDetectorYN, the template of the given sample and the PAD
score of the given box by onnxruntime, and a raw file of the sample that FaceRecognizerSF cuts out at the given landmarks.
"""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

SCORE_THRESHOLD, NMS_THRESHOLD, TOP_K = 0.6, 0.3, 1000
VIEW_SCALE = 2.7


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(network, image):
    """One 1 x 3 x H x W tensor of raw 0..255 values in, the first output out."""
    tensor = np.ascontiguousarray(image.astype(np.float32).transpose(2, 0, 1)[None])
    return network.run(None, {network.get_inputs()[0].name: tensor})[0].ravel()


def pad_view(image, box):
    """The box enlarged and moved inside the picture, as whole pixels with both ends included."""
    height, width = image.shape[:2]
    x, y, box_width, box_height = box
    scale = min((height - 1) / box_height, (width - 1) / box_width, VIEW_SCALE)
    edges = []
    for start, length, last in ((x, box_width, width - 1), (y, box_height, height - 1)):
        middle = start + length / 2
        low, high = middle - length * scale / 2, middle + length * scale / 2
        if low < 0:
            low, high = 0, high - low
        if high > last:
            low, high = low - (high - last), last
        edges.append((int(low), int(high)))
    (left, right), (top, bottom) = edges
    return cv2.resize(image[top : bottom + 1, left : right + 1], (128, 128))


def softmax(logits):
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def main(models, job):
    detector = cv2.FaceDetectorYN.create(
        str(models / "face_detection_yunet_2023mar.onnx"), "", (320, 320), SCORE_THRESHOLD, NMS_THRESHOLD, TOP_K
    )
    recognizer = cv2.FaceRecognizerSF.create(str(models / "face_recognition_sface_2021dec.onnx"), "")
    embedder = session(models / "face_recognition_sface_2021dec.onnx")
    pad = session(models / "fr_liveness.onnx")
    answers = []
    for entry in json.loads((job / "job.json").read_text()):
        rgb = np.fromfile(job / entry["rgb"], np.uint8).reshape(entry["height"], entry["width"], 3)
        bgr = np.ascontiguousarray(rgb[:, :, ::-1])
        detector.setInputSize((entry["width"], entry["height"]))
        faces = detector.detect(bgr)[1]
        face_row = np.array([entry["box"] + entry["landmarks"] + [1.0]], np.float32)
        aligned = recognizer.alignCrop(bgr, face_row)
        aligned[:, :, ::-1].tofile(job / (entry["name"] + ".aligned"))
        sample = np.fromfile(job / entry["sample"], np.uint8).reshape(112, 112, 3)
        answers.append(
            {
                "name": entry["name"],
                "faces": [] if faces is None else [[float(value) for value in face] for face in faces],
                "template": [float(value) for value in run(embedder, sample)],
                "pad": float(softmax(run(pad, pad_view(bgr, entry["box"])))[0]),
            }
        )
    (job / "answer.json").write_text(json.dumps(answers))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
