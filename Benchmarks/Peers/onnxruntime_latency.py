"""Latencies in milliseconds of the brain model in Python ONNX Runtime, in-process, for one 256 x 256 slice: a JSON line.

Between two runs lies a second, as about between two of the confidential path: a processor that has just rested is not as
fast as one that does the same over and over."""
import json
import pathlib
import sys
import time

import numpy
import onnxruntime

model = pathlib.Path(sys.argv[1])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(model.read_bytes(), options, providers=["CPUExecutionProvider"])
image = numpy.random.default_rng(1).uniform(0, 1000, (1, 1, 256, 256)).astype(numpy.float32)
for _ in range(5):
    session.run(["labels"], {"image": image})
times = []
for _ in range(10):
    time.sleep(1)
    start = time.perf_counter()
    session.run(["labels"], {"image": image})
    times.append((time.perf_counter() - start) * 1000)
print(json.dumps(times))
