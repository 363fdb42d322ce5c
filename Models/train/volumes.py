"""The two anatomies, their labels, and which of their slices are held out.

Everything comes from packages: the ICBM 2009a template from nilearn (PyPI), the 27-scan average of one man (Colin27)
from Debian's mricron-data.
"""

from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from scipy import ndimage

AXES = {"sagittal": 0, "coronal": 1, "axial": 2}
# Brighter than this is tissue in the whole head, whose own scale goes to 254.
LEAST_TISSUE = 25


@dataclass
class Volume:
    """One volume in RAS order, 1 mm, with a label for every voxel and the axial slices that are held out."""

    name: str
    image: np.ndarray
    labels: np.ndarray
    run: range
    # With the skull, slices without any brain are trained on too: they teach what is not brain.
    has_skull: bool = False

    def held_out(self, z: int) -> bool:
        return z % 5 == 0 or z in self.run

    @property
    def held_out_rows(self) -> np.ndarray:
        return np.array([self.held_out(z) for z in range(self.image.shape[2])])

    def slice(self, orientation: str, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Image, labels, and 1 where the label may enter the loss; rows from front or top, columns from the right."""
        image = np.take(self.image, index, AXES[orientation])[::-1, ::-1].T
        labels = np.take(self.labels, index, AXES[orientation])[::-1, ::-1].T
        allowed = np.ones(labels.shape, np.float32)
        if orientation == "axial":
            allowed *= not self.held_out(index)
        else:
            # Rows of these slices are axial positions: those that are held out never enter the loss.
            allowed *= ~self.held_out_rows[::-1, None]
        return (np.ascontiguousarray(image, np.float32), np.ascontiguousarray(labels, np.int64), allowed)

    def brain_slices(self, orientation: str) -> list[int]:
        """Indexes of the slices with any brain."""
        return slices_with(self.labels > 0, orientation)

    def training_slices(self) -> list[tuple[str, int]]:
        content = self.image > LEAST_TISSUE if self.has_skull else self.labels > 0
        axial = [("axial", z) for z in slices_with(content, "axial") if not self.held_out(z)]
        crossing = [(o, i) for o in ("coronal", "sagittal") for i in slices_with(content, o)[::2]]
        return axial + crossing


def slices_with(content: np.ndarray, orientation: str) -> list[int]:
    others = tuple(axis for axis in range(3) if axis != AXES[orientation])
    return [int(index) for index in np.nonzero(content.any(others))[0]]


def template() -> Volume:
    """Skull-stripped; label = the larger of grey matter, white matter and the rest within the brain."""
    from nilearn import datasets

    image = datasets.load_mni152_template(resolution=1).get_fdata()
    grey = datasets.load_mni152_gm_template(resolution=1).get_fdata()
    white = datasets.load_mni152_wm_template(resolution=1).get_fdata()
    rest = 1 - grey - white
    labels = np.where(image > 0, np.argmax(np.stack([rest, grey, white]), 0) + 1, 0)
    return Volume("template", image.astype(np.float32), labels.astype(np.uint8), range(93, 106))


def hidden_markov_labels(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Silver labels: three classes by a hidden Markov random field, ordered by brightness (CSF, grey, white)."""
    from dipy.segment.tissue import TissueClassifierHMRF

    _, labels, _ = TissueClassifierHMRF(verbose=False).classify(image * mask, 3, 0.1, max_iter=20)
    return np.where(mask, labels, 0).astype(np.uint8)


def colin(folder: Path, cache: Path | None) -> tuple[Volume, Volume]:
    """The whole head, and the same with the skull masked away; the segmentation takes minutes and may be cached."""
    head = nibabel.as_closest_canonical(nibabel.load(folder / "ch2.nii.gz")).get_fdata()
    stripped = nibabel.as_closest_canonical(nibabel.load(folder / "ch2bet.nii.gz")).get_fdata()
    # The stripped copy has holes where fluid lies; the brain mask is grown over them.
    margin = 8
    closed = ndimage.binary_closing(np.pad(stripped > 0, margin), iterations=5)
    inside = (slice(margin, -margin),) * 3
    mask = ndimage.binary_fill_holes(closed)[inside]
    stored = cache / "colin-labels.npy" if cache else None
    if stored and stored.exists():
        labels = np.load(stored)
    else:
        labels = hidden_markov_labels(head, mask)
        if stored:
            cache.mkdir(parents=True, exist_ok=True)
            np.save(stored, labels)
    run = range(95, 107)
    return (
        Volume("Colin, whole head", head.astype(np.float32), labels, run, has_skull=True),
        Volume("Colin, stripped", (head * mask).astype(np.float32), labels, run),
    )


def ellipsoids() -> list[Volume]:
    """Nested ellipsoids for the smoke test, which needs no data package: they show that the code runs, nothing else."""
    grid = np.stack(np.meshgrid(*[np.linspace(-1.2, 1.2, n) for n in (96, 112, 110)], indexing="ij"))
    radius = np.sqrt((grid**2).sum(0))
    labels = np.select([radius < 0.6, radius < 0.85, radius < 1], [3, 2, 1], 0).astype(np.uint8)
    noise = np.random.default_rng(1).normal(0, 4, labels.shape)
    image = np.clip(np.array([2, 40, 90, 140])[labels] + noise, 0, None).astype(np.float32)
    return [Volume("ellipsoids", image, labels, range(40, 45))]
