"""Attest requests per second over TLS with 64 keep-alive clients (wrk), SGX and SNP, before and after the service's state
holds 100,000 policies and 100,000 revoked tokens, and with tokens that are signed with ES256: one JSON line.

Each rate stands beside what verifying and signing alone allow, taken just before and just after: a machine that others use,
too, is not as fast at one moment as at another.

Arguments: the command line tool, the state folder of a running installation, EvidenceBenchmark, and the vectors."""
import json
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile
import time

from ceiling import ceiling, mean, processor_seconds

benchmark, vectors = sys.argv[3:5]
tool, state = sys.argv[1], pathlib.Path(sys.argv[2])
endpoint = json.loads((state / "endpoints.json").read_text())["attestation"]["url"]
seconds, clients, entries = 6, 64, 100_000
script = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local file = io.open("%s", "rb")
wrk.body = file:read("*a")
file:close()
"""
unit = {"us": 0.001, "ms": 1, "s": 1000}


def process():
    """The attestation service of this installation."""
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"/attestation-service") and any(str(state.resolve()).encode() in word for word in words):
            return folder.name
    sys.exit("the attestation service is not running")


def load(folder, route, tee, algorithm="RS256"):
    body = folder / f"{tee}.json"
    if not body.exists():
        data = folder / "runtime.json"
        data.write_text('{"purpose":"benchmark"}')
        request = folder / f"{tee}-request.json"
        subprocess.run([tool, "evidence", "--state", state, "--tee", tee, "--runtime-data", data, "--format", "maa", "--output", request], check=True)
        body.write_text(json.dumps(json.loads(request.read_text())["request"]))
    asked, lua = folder / f"{tee}-{algorithm}.json", folder / f"{tee}-{algorithm}.lua"
    asked.write_text(json.dumps(json.loads(body.read_text()) | {"tokenAlgorithm": algorithm}))
    lua.write_text(script % asked)
    url = f"{endpoint}/attest/{route}?api-version=2022-08-01"
    command = ["wrk", "--threads", "1", "--connections", str(clients), "--duration", f"{seconds}s", "--latency", "--script", lua, url]
    used = processor_seconds(service)
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    used = processor_seconds(service) - used
    if "Non-2xx" in text or "Socket errors" in text:
        sys.exit(f"attest requests failed:\n{text}")
    percentile = {p: float(value) * unit[u] for p, value, u in re.findall(r"^ +(50|99)% +([\d.]+)(us|ms|s) *$", text, re.M)}
    requests = int(re.search(r"(\d+) requests in", text)[1])
    return {"rate": float(re.search(r"Requests/sec: +([\d.]+)", text)[1]), "cpu": used / requests * 1000, "p50": percentile["50"], "p99": percentile["99"]}


def fill():
    """Policies of other instances, and tokens that this one revoked, in the form in which the service writes them."""
    now = int(time.time())
    database = sqlite3.connect(next(state.rglob("attestation.sqlite")), timeout=30)
    with database:
        (revision,) = database.execute("SELECT value FROM revision").fetchone()
        rows = [(f"tenant-{n}", "policy", "SgxEnclave", revision + 1 + n, b"{}") for n in range(entries)]
        revision += entries
        for n in range(entries // 1000):
            lines = "".join(f"{n:032x}{k:032x} {now + 28_000} {now}\n" for k in range(1000))
            rows.append(("attestation", "revoked", f"tcb:{n:016x}", revision + 1 + n, lines.encode()))
        database.executemany("INSERT INTO records (owner, kind, name, revision, value) VALUES (?, ?, ?, ?, ?)", rows)
        database.execute("UPDATE revision SET value = ?", (rows[-1][3],))
    database.close()


service = process()
with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    routes = {"sgx": "SgxEnclave", "snp": "SevSnpVm"}
    for tee, route in routes.items():
        load(folder, route, tee)

    def measured(tee, route, algorithm="RS256"):
        before = ceiling(benchmark, vectors, f"{tee}Warm", "rawRS256")
        return load(folder, route, tee, algorithm) | {"limit": mean(before, ceiling(benchmark, vectors, f"{tee}Warm", "rawRS256"))}

    result = {tee: measured(tee, route) for tee, route in routes.items()}
    result |= {f"{tee}ES256": measured(tee, route, "ES256") for tee, route in routes.items()}
    fill()
    for tee, route in routes.items():
        load(folder, route, tee)
    result |= {f"{tee}Full": measured(tee, route) for tee, route in routes.items()}
print(json.dumps(result))
