"""Load with wrk for as long as every benchmark of a service lasts, and the processor time that the service takes for it."""
import os
import pathlib
import re
import subprocess
import sys

SECONDS, CLIENTS = 6, 64
_MILLISECONDS = {"us": 0.001, "ms": 1, "s": 1000}


def _processor_seconds(process):
    """What a process has used of the processors, which is not what the clock says where others use them too."""
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(url, script, process):
    """Requests a second, and in milliseconds the service's processor time for one and the latencies p50 and p99."""
    command = ["wrk", "--threads", "1", "--connections", str(CLIENTS), "--duration", f"{SECONDS}s", "--latency", "--script", script, url]
    used = _processor_seconds(process)
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    used = _processor_seconds(process) - used
    if "Non-2xx" in text or "Socket errors" in text:
        sys.exit(f"requests failed at {url}:\n{text}")
    percentile = {p: float(value) * _MILLISECONDS[unit] for p, value, unit in re.findall(r"^ +(50|99)% +([\d.]+)(us|ms|s) *$", text, re.M)}
    requests = int(re.search(r"(\d+) requests in", text)[1])
    return {"rate": float(re.search(r"Requests/sec: +([\d.]+)", text)[1]), "cpu": used / requests * 1000, "p50": percentile["50"], "p99": percentile["99"]}
