"""Attest requests per second over TLS with 64 keep-alive clients (wrk), SGX and SNP, before and after the service's state
holds 100,000 policies and 100,000 revoked tokens, and with tokens that are signed with ES256: one JSON line.

Each rate stands beside what verifying and signing alone allow, taken just before and just after: a machine that others use,
too, is not as fast at one moment as at another.

Arguments: the command line tool, the state folder of a running installation, EvidenceBenchmark, and the vectors."""
import json
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import time

from ceiling import ceiling, mean
from load import load

benchmark, vectors = sys.argv[3:5]
tool, state = sys.argv[1], pathlib.Path(sys.argv[2])
endpoint = json.loads((state / "endpoints.json").read_text())["attestation"]["url"]
entries = 100_000
script = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local file = io.open("%s", "rb")
wrk.body = file:read("*a")
file:close()
"""


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


def attest(folder, route, tee, algorithm="RS256"):
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
    return load(f"{endpoint}/attest/{route}?api-version=2022-08-01", lua, service)


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
        attest(folder, route, tee)

    def measured(tee, route, algorithm="RS256"):
        before = ceiling(benchmark, vectors, f"{tee}Warm", "rawRS256")
        return attest(folder, route, tee, algorithm) | {"limit": mean(before, ceiling(benchmark, vectors, f"{tee}Warm", "rawRS256"))}

    result = {tee: measured(tee, route) for tee, route in routes.items()}
    result |= {f"{tee}ES256": measured(tee, route, "ES256") for tee, route in routes.items()}
    fill()
    for tee, route in routes.items():
        attest(folder, route, tee)
    result |= {f"{tee}Full": measured(tee, route) for tee, route in routes.items()}
print(json.dumps(result))
