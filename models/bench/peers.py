"""The peers of the benchmarks: onnxruntime, OpenCV and FAISS, each in a process of its own beside the bench program.

Usage: peers.py onnxruntime|opencv|faiss. One JSON object a line comes in and is answered by one; "do" says what to do:

  load    make `name` ready to run; the other keys depend on the peer and stand at its class; gives the library's version
  forget  `name` is not needed any more
  time    run `name` once to warm up and then `runs` times; the processor's and the wall's nanoseconds of each run
  answer  run `name` once and give back what comes out, so that the bench program can see that both did the same work
  memory  MiB that this process has resident, the most that it ever had, and the library's version
  fold, quantise  (onnxruntime) write another form of a network to the file `to`
  stages  (opencv) play a sequence of frames

What cannot be done is answered with {"error": reason}. The end of the input ends the process.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

SCORE_THRESHOLD, NMS_THRESHOLD, TOP_K = 0.6, 0.3, 1000
STRIDES = (8, 16, 32)


def tensor(request):
    """The input of a network: a file of 32-bit floats in the network's own layout."""
    return np.fromfile(request["input"], np.float32).reshape(request["shape"])


def picture(request):
    """The input of a detector: a file of bytes, blue first."""
    return np.fromfile(request["picture"], np.uint8).reshape(request["height"], request["width"], 3)


class Planes:
    """From a picture's bytes to a detector's tensor, in memory of its own: twenty times faster than blobFromImage, which
    asks for new memory each time."""

    def __init__(self, image):
        self.image = image
        self.bytes = [np.empty(image.shape[:2], np.uint8) for _ in range(3)]
        self.tensor = np.empty((1, 3, *image.shape[:2]), np.float32)

    def fill(self):
        import cv2

        cv2.split(self.image, self.bytes)
        for plane, values in zip(self.tensor[0], self.bytes):
            plane[:] = values
        return self.tensor


class Decoder:
    """From YuNet's outputs to boxes, as FaceDetectorYN does it: arrays where that is fast, made ready once."""

    def __init__(self, width, height):
        self.grids = []
        for stride in STRIDES:
            rows, columns = np.mgrid[: height // stride, : width // stride].reshape(2, -1).astype(np.float32)
            self.grids.append((stride, columns, rows))

    def decode(self, outputs):
        import cv2

        faces = []
        for stride, columns, rows in self.grids:
            part = {kind: outputs[f"{kind}_{stride}"][0] for kind in ("cls", "obj", "bbox", "kps")}
            scores = np.sqrt(np.clip(part["cls"][:, 0], 0, 1) * np.clip(part["obj"][:, 0], 0, 1))
            (cells,) = np.nonzero(scores >= SCORE_THRESHOLD)
            if not cells.size:
                continue
            corner = np.stack([columns[cells], rows[cells]], 1)
            centre = (corner + part["bbox"][cells, :2]) * stride
            size = np.exp(part["bbox"][cells, 2:]) * stride
            points = (part["kps"][cells].reshape(-1, 5, 2) + corner[:, None]) * stride
            faces.append(
                np.concatenate([centre - size / 2, size, points.reshape(-1, 10), scores[cells, None]], 1)
            )
        if not faces:
            return np.zeros((0, 15), np.float32)
        faces = np.concatenate(faces)
        kept = cv2.dnn.NMSBoxes(faces[:, :4], faces[:, 14], SCORE_THRESHOLD, NMS_THRESHOLD, top_k=TOP_K)
        return faces[np.asarray(kept).ravel()]


class OnnxRuntime:
    """load: `file`, `threads`, `spin` (whether waiting threads keep the processor busy), and either `input` and `shape`,
    or `picture`, `width` and `height` for detection: from a finished tensor to boxes."""

    def __init__(self):
        import onnxruntime

        self.library = onnxruntime

    def load(self, request):
        onnxruntime = self.library
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = request["threads"]
        options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "1" if request["spin"] else "0")
        session = onnxruntime.InferenceSession(request["file"], options, providers=["CPUExecutionProvider"])
        entry = session.get_inputs()[0].name
        if "input" in request:
            values = tensor(request)
            return lambda: session.run(None, {entry: values})[0]

        import cv2

        planes, decoder = Planes(picture(request)), Decoder(request["width"], request["height"])
        names = [output.name for output in session.get_outputs()]
        cv2.setNumThreads(1)

        def detect():
            outputs = session.run(None, {entry: planes.fill()})
            return decoder.decode(dict(zip(names, outputs)))

        return detect

    def fold(self, request):
        """Takes the weights out of the list of inputs: while they are inputs, nothing that depends on them is folded."""
        import onnx

        network = onnx.load(request["file"])
        weights = {weight.name for weight in network.graph.initializer}
        inputs = [entry for entry in network.graph.input if entry.name not in weights]
        removed = len(network.graph.input) - len(inputs)
        del network.graph.input[:]
        network.graph.input.extend(inputs)
        onnx.save(network, request["to"])
        return {"removed": removed}

    def quantise(self, request):
        """onnxruntime's own static quantisation: QDQ, weights by channel, ranges from the given `inputs`."""
        import logging

        import onnx
        from onnxruntime import quantization
        from onnxruntime.quantization.shape_inference import quant_pre_process

        logging.disable(logging.WARNING)
        shape = request["shape"]
        network = onnx.load(request["file"])
        entry = network.graph.input[0].name
        inputs = iter([np.fromfile(file, np.float32).reshape(shape) for file in request["inputs"]])

        class Reader(quantization.CalibrationDataReader):
            def get_next(self):
                values = next(inputs, None)
                return None if values is None else {entry: values}

        prepared = request["to"] + ".prepared"
        # Scales by channel need operators of version 13.
        onnx.save(onnx.version_converter.convert_version(network, 13), prepared)
        quant_pre_process(prepared, prepared, skip_symbolic_shape=True)
        quantization.quantize_static(
            prepared,
            request["to"],
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
        Path(prepared).unlink()
        return {}


class OpenCv:
    """load: `file`, `threads`, `engine` (classic, new, or face-detector for FaceDetectorYN), and either `input` and
    `shape`, or `picture`, `width` and `height` for detection: FaceDetectorYN begins at the picture, the others at a
    finished tensor."""

    def __init__(self):
        import cv2

        self.library = cv2

    def load(self, request):
        cv2 = self.library
        # A setting of the whole process, so it is made again before each run; that costs nothing if it stays.
        threads = request["threads"]
        if request["engine"] == "face-detector":
            image = picture(request)
            size = (request["width"], request["height"])
            detector = cv2.FaceDetectorYN.create(
                request["file"], "", size, SCORE_THRESHOLD, NMS_THRESHOLD, TOP_K
            )

            def detect():
                cv2.setNumThreads(threads)
                faces = detector.detect(image)[1]
                return np.zeros((0, 15), np.float32) if faces is None else faces

            return detect
        engine = {"classic": cv2.dnn.ENGINE_CLASSIC, "new": cv2.dnn.ENGINE_NEW}[request["engine"]]
        network = cv2.dnn.readNetFromONNX(request["file"], engine)
        names = network.getUnconnectedOutLayersNames()

        def forward(values):
            cv2.setNumThreads(threads)
            network.setInput(values)
            return network.forward(names)

        if "input" in request:
            values = tensor(request)
            return lambda: forward(values)[0]
        planes, decoder = Planes(picture(request)), Decoder(request["width"], request["height"])
        return lambda: decoder.decode(dict(zip(names, forward(planes.fill()))))


    def stages(self, request):
        """Plays the JPEG files `frames` once as a door would: decode, detect at 640 pixels, align, embed, judge. For each
        stage the nanoseconds of each frame, and the processor's milliseconds a frame."""
        cv2 = self.library
        cv2.setNumThreads(1)
        frames = [np.fromfile(file, np.uint8) for file in request["frames"]]
        height, width = cv2.imdecode(frames[0], cv2.IMREAD_COLOR).shape[:2]
        size = (640, round(640 * height / width))
        detector = cv2.FaceDetectorYN.create(
            request["detector"], "", size, SCORE_THRESHOLD, NMS_THRESHOLD, TOP_K
        )
        embedder = cv2.FaceRecognizerSF.create(request["embedder"], "")
        pad = cv2.dnn.readNetFromONNX(request["pad"], cv2.dnn.ENGINE_NEW)

        def play(jpeg, clock):
            image = clock("decode", lambda: cv2.imdecode(jpeg, cv2.IMREAD_COLOR))
            faces = clock("detect", lambda: detector.detect(cv2.resize(image, size, interpolation=cv2.INTER_AREA))[1])
            face = faces[0].copy()
            face[:14] *= width / size[0]
            sample = clock("align", lambda: embedder.alignCrop(image, face))
            clock("embed", lambda: embedder.feature(sample))
            x, y, across, down = face[:4]
            left, top = (max(0, int(edge - 0.85 * length)) for edge, length in ((x, across), (y, down)))
            view = image[top : top + int(2.7 * down), left : left + int(2.7 * across)]

            def judge():
                pad.setInput(cv2.dnn.blobFromImage(cv2.resize(view, (128, 128))))
                return pad.forward()

            clock("pad", judge)

        times = {}

        def clock(stage, work):
            began = time.perf_counter_ns()
            result = work()
            times.setdefault(stage, []).append(time.perf_counter_ns() - began)
            return result

        play(frames[0], lambda stage, work: work())
        begun = time.process_time_ns()
        for jpeg in frames:
            clock("whole", lambda jpeg=jpeg: play(jpeg, clock))
        processor = time.process_time_ns() - begun
        return {"stages": times, "processor_ms": processor / 1e6 / len(frames)}


class Faiss:
    """load: `rows`, `probes` (files of 32-bit floats, `width` numbers a row), `threads`, `nearest` (how many are looked
    for), `first` (only so many rows; none: all), `shards` (parts of the index that are searched at the same time), `searches` (how many make a run). Each search is
    for one probe, the next one every time; an answer is for all probes."""

    def __init__(self):
        import faiss

        self.library = faiss

    def load(self, request):
        faiss = self.library
        width, nearest, threads = request["width"], request["nearest"], request["threads"]
        searches, shards = request["searches"], request["shards"]
        rows, probes = (np.fromfile(request[key], np.float32).reshape(-1, width) for key in ("rows", "probes"))
        rows = rows[: request["first"]]
        parts = [faiss.IndexFlatIP(width) for _ in range(shards)]
        for part, some in zip(parts, np.array_split(rows, shards)):
            part.add(some)
        index = parts[0]
        if shards > 1:
            # Both true: a thread each, and rows are numbered on from part to part.
            index = faiss.IndexShards(width, True, True)
            for part in parts:
                index.add_shard(part)
        probes = [probe[None] for probe in probes]
        turn = 0

        def search(count=nearest, everything=False):
            nonlocal turn
            faiss.omp_set_num_threads(threads)
            if everything:
                return [index.search(probe, count) for probe in probes]
            for _ in range(searches):
                turn = (turn + 1) % len(probes)
                index.search(probes[turn], count)

        # The index of parts does not keep them alive by itself.
        search.parts = parts
        return search


def timed(work, runs):
    work()
    processor, wall = [], []
    for _ in range(runs):
        begun, began = time.process_time_ns(), time.perf_counter_ns()
        work()
        processor.append(time.process_time_ns() - begun)
        wall.append(time.perf_counter_ns() - began)
    return {"cpu_ns": processor, "wall_ns": wall}


def answer(work, request):
    if "nearest" in request:
        found = work(request["nearest"], True)
        return {"ids": [ids[0].tolist() for _, ids in found], "scores": [scores[0].tolist() for scores, _ in found]}
    values = np.asarray(work(), np.float32)
    return {"shape": list(values.shape), "values": values.ravel().tolist()}


def memory(peer):
    status = Path("/proc/self/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    mib = {key: int(fields[field].split()[0]) / 1024 for key, field in (("resident", "VmRSS"), ("peak", "VmHWM"))}
    return {"version": peer.library.__version__, "resident_mib": mib["resident"], "peak_mib": mib["peak"]}


def perform(peer, loaded, request):
    match request["do"]:
        case "load":
            loaded[request["name"]] = peer.load(request)
            return {"version": peer.library.__version__}
        case "forget":
            loaded.pop(request["name"], None)
            return {}
        case "time":
            return timed(loaded[request["name"]], request["runs"])
        case "answer":
            return answer(loaded[request["name"]], request)
        case "memory":
            return memory(peer)
        case "fold":
            return peer.fold(request)
        case "quantise":
            return peer.quantise(request)
        case "stages":
            return peer.stages(request)
        case other:
            return {"error": f"nobody here knows how to {other}"}


def main(kind):
    peer = {"onnxruntime": OnnxRuntime, "opencv": OpenCv, "faiss": Faiss}[kind]()
    loaded = {}
    for line in sys.stdin:
        try:
            reply = perform(peer, loaded, json.loads(line))
        except Exception as error:  # whatever a peer cannot do is a figure that is not there, not the end of the run
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
