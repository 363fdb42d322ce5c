"""Key releases per second over TLS (wrk), with the master key in a file and in a PKCS #11 token, and what a million stored
key versions cost: one JSON line.

Arguments: the command line tool, the key service, the state folder of a running installation, whose attestation service
and party policy are used, EvidenceBenchmark, and the vectors."""
import base64
import http.client
import json
import pathlib
import sqlite3
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from ceiling import ceiling, mean
from cryptography.hazmat.primitives.asymmetric import rsa
from load import SECONDS, load

benchmark, vectors = sys.argv[4:6]
tool, service, state = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]).resolve()
module = pathlib.Path("/usr/lib/softhsm/libsofthsm2.so")
trust = ssl.create_default_context(cafile=state / "ca.pem")
script = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer %s"
wrk.body = '%s'
"""


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def call(port, path, body, token=None):
    connection = http.client.HTTPSConnection("localhost", port, context=trust, timeout=60)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    connection.request("POST", path, json.dumps(body), headers)
    answer = connection.getresponse()
    content = json.loads(answer.read())
    if answer.status != 200:
        sys.exit(f"{path}: {answer.status} {content}")
    return content


def attested(folder):
    """A token about a simulated SNP guest with a wrapping key, as a workload gets one."""
    numbers = rsa.generate_private_key(65537, 2048).public_key().public_numbers()
    key = {"kty": "RSA", "use": "enc", "kid": "wrap", "n": b64(numbers.n.to_bytes(256, "big")), "e": "AQAB"}
    (folder / "runtime.json").write_text(json.dumps({"keys": [key]}))
    request = folder / "request.json"
    subprocess.run([tool, "evidence", "--state", state, "--tee", "snp", "--runtime-data", folder / "runtime.json", "--format", "maa", "--output", request], check=True)
    url = json.loads((state / "endpoints.json").read_text())["attestation"]["url"]
    body = json.loads(request.read_text())["request"]
    token = call(int(url.rsplit(":", 1)[1]), "/attest/SevSnpVm?api-version=2022-08-01", body)["token"]
    return url, token


class Service:
    """A key service of its own, of the hospital's party."""

    def __init__(self, folder, more=""):
        self.folder, hospital = folder, state / "hospital"
        folder.mkdir()
        lines = (hospital / "config/key-service.yaml").read_text().replace('"../../', f'"{state}/').replace('"../', f'"{hospital}/').splitlines()
        changed = {"  port:": "  port: 0", "ready:": f'ready: "{folder}/ready"', "state:": f'state: "{folder}/state"'}
        lines = [next((new for old, new in changed.items() if line.startswith(old)), line) for line in lines]
        (folder / "key-service.yaml").write_text("\n".join(lines) + "\n" + more)
        self.admin = next(hospital.parent.rglob("admin-token")).read_text().strip()
        self.start()
        url, self.token = attested(folder)
        policy = {"version": "1.0.0", "anyOf": [{"authority": url, "allOf": [{"claim": "x-ms-attestation-type", "equals": "sevsnpvm"}]}]}
        body = {"kty": "RSA-HSM", "key_size": 2048, "attributes": {"exportable": True}, "release_policy": {"data": b64(json.dumps(policy).encode())}}
        call(self.port, "/keys/bench/create?api-version=7.4", body, self.admin)

    def start(self):
        (self.folder / "ready").unlink(missing_ok=True)
        self.log = open(self.folder / "log", "a")
        self.process = subprocess.Popen([service, "--config", self.folder / "key-service.yaml"], stdout=self.log, stderr=self.log)
        while not (self.folder / "ready").exists():
            if self.process.poll() is not None:
                sys.exit((self.folder / "log").read_text())
            time.sleep(0.01)
        self.port = int((self.folder / "ready").read_text())

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def load(self):
        lua = self.folder / "release.lua"
        lua.write_text(script % (self.admin, json.dumps({"target": self.token})))
        return load(f"https://localhost:{self.port}/keys/bench/release?api-version=7.4", lua, self.process.pid)

    def measured(self):
        """As load, beside what the cryptography alone allows at that moment."""
        before = ceiling(benchmark, vectors, "rawOAEP", "rawRS256")
        return self.load() | {"limit": mean(before, ceiling(benchmark, vectors, "rawOAEP", "rawRS256"))}

    def paced(self, rate):
        """The median latency in milliseconds at so many releases per second."""
        threads, latencies, body = 8, [], json.dumps({"target": self.token})
        begin = time.perf_counter() + 0.2

        def run(offset):
            connection = http.client.HTTPSConnection("localhost", self.port, context=trust, timeout=60)
            for turn in range(int(rate * SECONDS / threads)):
                due = begin + (turn + offset / threads) * threads / rate
                time.sleep(max(0, due - time.perf_counter()))
                start = time.perf_counter()
                connection.request("POST", "/keys/bench/release?api-version=7.4", body, {"Authorization": f"Bearer {self.admin}"})
                answer = connection.getresponse()
                answer.read()
                if answer.status == 200:
                    latencies.append((time.perf_counter() - start) * 1000)

        runners = [threading.Thread(target=run, args=(offset,)) for offset in range(threads)]
        for runner in runners:
            runner.start()
        for runner in runners:
            runner.join()
        return statistics.median(latencies)

    def fill(self, versions):
        """Keys of a thousand versions each; nothing opens them, they only lie there."""
        database = sqlite3.connect(self.folder / "state/keys.sqlite", timeout=60)
        with database:
            done = database.execute("SELECT count(*) FROM versions").fetchone()[0] // 1000
            for n in range(done, versions // 1000):
                database.execute("INSERT INTO keys (name, record) VALUES (?, zeroblob(500))", (f"stored-{n}",))
                database.executemany("INSERT INTO versions (name, version, description, material) VALUES (?, ?, zeroblob(400), zeroblob(100))", ((f"stored-{n}", f"{k:032x}") for k in range(1000)))
        database.close()


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    software = Service(folder / "software")
    software.fill(1_000)
    software.load()
    result = {"software": software.measured()}
    result["halfOfPeak"] = software.paced(result["software"]["rate"] / 2)
    software.stop()
    software.fill(1_000_000)
    software.start()
    software.load()
    result["million"] = software.measured()
    software.stop()
    if module.exists():
        import os

        (folder / "tokens").mkdir()
        (folder / "pin").write_text("1234")
        (folder / "pin").chmod(0o600)
        (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
        os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
        subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "bench", "--pin", "1234", "--so-pin", "12345678"], check=True, capture_output=True)
        token = Service(folder / "token", f'masterKey: {{module: "{module}", token: bench, pin: "{folder}/pin"}}\n')
        token.load()
        result["pkcs11"] = token.load()
        token.stop()
print(json.dumps(result))
