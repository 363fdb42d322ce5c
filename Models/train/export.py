"""Writes the ONNX files, checks them against torch, quantises, and measures Dice on what was held out."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from network import Exported, UNet
from volumes import Volume

METADATA = {
    "classes": "background,csf,grey_matter,white_matter",
    "input_layout": "NCHW",
    "height_width_multiple_of": "16",
    "licence": "see model card",
}


def describe(path: Path, version: int, extra: dict[str, str]) -> None:
    model = onnx.load(path)
    model.producer_name = "cloister"
    model.model_version = version
    model.doc_string = "2-D tissue delineation of T1-weighted brain slices. Demonstration, not for clinical use."
    model.graph.name = "brain_delineation"
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, METADATA | extra)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def write_float(net: UNet, path: Path) -> None:
    exported = Exported(net).eval()
    axes = {0: "batch", 2: "height", 3: "width"}
    torch.onnx.export(
        exported, (torch.rand(1, 1, 64, 64),), str(path), opset_version=17, dynamo=False,
        input_names=["image"], output_names=["probabilities", "labels"],
        dynamic_axes={
            "image": axes, "probabilities": axes, "labels": {0: "batch", 1: "height", 2: "width"},
        },
    )
    describe(path, 1, {})
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for shape in ((1, 1, 256, 256), (2, 1, 240, 208), (1, 1, 64, 16)):
        image = torch.rand(shape) * 1000
        with torch.no_grad():
            expected, labels = exported(image)
        got, got_labels = session.run(None, {"image": image.numpy()})
        difference = float(np.abs(got - expected.numpy()).max())
        changed = int((got_labels != labels.numpy()).sum())
        print(f"export check {shape}: largest difference {difference:.1e}, labels changed {changed}")
        if difference > 1e-4:
            raise SystemExit("the exported file does not compute what torch computes")


class Calibration(CalibrationDataReader):
    def __init__(self, images: list[np.ndarray]):
        self.remaining = [{"image": padded(image)} for image in images]

    def get_next(self):
        return self.remaining.pop() if self.remaining else None


def write_int8(source: Path, path: Path, images: list[np.ndarray]) -> None:
    """Per-channel 8-bit weights and activations; the first and the last convolution stay in float."""
    convolutions = [node.name for node in onnx.load(source).graph.node if node.op_type == "Conv"]
    quantize_static(
        str(source), str(path), Calibration(images), quant_format=QuantFormat.QDQ, per_channel=True,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        op_types_to_quantize=["Conv", "MaxPool", "Resize", "Concat"],
        nodes_to_exclude=[convolutions[0], convolutions[-1]],
    )
    describe(path, 2, {"precision": "int8 weights and activations inside, float32 outside"})


def padded(image: np.ndarray) -> np.ndarray:
    """The model's contract: zeros at the right and bottom up to a multiple of 16."""
    rows, columns = image.shape
    return np.pad(image, ((0, -rows % 16), (0, -columns % 16)))[None, None].astype(np.float32)


def dice(pairs: list[tuple[np.ndarray, np.ndarray]]) -> list[float]:
    """CSF, grey, white and whole brain over all slices together."""
    def one(a: list[np.ndarray], b: list[np.ndarray]) -> float:
        overlap = sum(int((x & y).sum()) for x, y in zip(a, b))
        total = sum(int(x.sum()) + int(y.sum()) for x, y in zip(a, b))
        return 2 * overlap / total if total else float("nan")

    seen, true = [p for p, _ in pairs], [t for _, t in pairs]
    tissues = [one([s == k for s in seen], [t == k for t in true]) for k in (1, 2, 3)]
    return tissues + [one([s > 0 for s in seen], [t > 0 for t in true])]


def evaluate(path: Path, volumes: list[Volume], limit: int | None = None) -> None:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def labels(image: np.ndarray) -> np.ndarray:
        rows, columns = image.shape
        return session.run(["labels"], {"image": padded(image)})[0][0, :rows, :columns]

    print(f"{path.name}: held-out Dice\n{'test':45} {'CSF':>6} {'grey':>6} {'white':>6} {'brain':>6}")

    def line(name: str, pairs: list[tuple[np.ndarray, np.ndarray]]) -> None:
        if pairs:
            print(f"{name:45} " + " ".join(f"{value:6.3f}" for value in dice(pairs)))

    for volume in volumes:
        axial = volume.brain_slices("axial")
        fifth = [z for z in axial if z % 5 == 0 and z not in volume.run][:limit]
        run = [z for z in axial if z in volume.run][:limit]
        for name, chosen in ((f"axial, every 5th ({len(fifth)} slices)", fifth), ("axial, run", run)):
            slices = [volume.slice("axial", z) for z in chosen]
            line(f"{volume.name}, {name}", [(labels(image), true) for image, true, _ in slices])
        for orientation in ("coronal", "sagittal"):
            pairs = []
            for index in volume.brain_slices(orientation)[::2][:limit]:
                image, true, allowed = volume.slice(orientation, index)
                rows = allowed[:, 0] == 0
                pairs.append((labels(image)[rows], true[rows]))
            line(f"{volume.name}, {orientation}, held-out rows", pairs)


def evaluate_other_person(path: Path) -> None:
    """One coronal slice that dipy brings, skull-stripped; the labels are silver, as Colin's."""
    from dipy.data import get_fnames

    from volumes import hidden_markov_labels

    image = np.load(get_fnames(name="t1_coronal_slice")).astype(np.float64)
    mask = image > 0
    true = hidden_markov_labels(image[..., None], mask[..., None])[..., 0]
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    rows, columns = image.shape
    seen = session.run(["labels"], {"image": padded(image)})[0][0, :rows, :columns]
    print(f"{'another person (one coronal slice)':45} " + " ".join(f"{v:6.3f}" for v in dice([(seen, true)])))
