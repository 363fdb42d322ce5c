"""What this machine allows at this moment: what its threads do together, while they do nothing else."""
import pathlib
import subprocess


def ceiling(benchmark, vectors, *steps):
    """Operations per second that consist of these steps; None without the vectors, which the steps are taken from."""
    if not pathlib.Path(vectors).is_dir():
        return None
    return float(subprocess.run([benchmark, vectors, "--all-threads", *steps], check=True, capture_output=True, text=True).stdout)


def mean(before, after):
    return None if before is None else (before + after) / 2
