"""What peers do with a folder of forged evidence: a Markdown table, one row for each kind of fault.

Arguments: the folder that `cloister forge make --all --out DIR` wrote, and a file with what `cloister verify --cases
DIR/expected.json --json` printed. A peer is right when it refuses what must be refused and accepts what must be accepted; a
status that it only reports (OutOfDate, Revoked ...) counts as accepted, since its caller would have to look.
"""
import collections
import json
import pathlib
import sys
import warnings

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
import hashlib

import dcap_qvl
import omne_attest

warnings.filterwarnings("ignore")
folder = pathlib.Path(sys.argv[1])
cases = json.loads((folder / "expected.json").read_text())["cases"]
ours = {one["id"]: one["seen"] for one in json.loads(pathlib.Path(sys.argv[2]).read_text())["cases"]}
root = json.loads((folder / "root.json").read_text())


def der(pem):
    return x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)


def with_dcap_qvl(case):
    evidence = (folder / case["evidence"]).read_bytes()
    collateral = dcap_qvl.QuoteCollateralV3.from_json((folder / case["collateral"]).read_text())
    dcap_qvl.verify_with_root_ca(evidence, collateral, der(root["sgxRoot"]), case["unix"])


def with_omne_attest(case):
    evidence = (folder / case["evidence"]).read_bytes()
    collateral = json.loads((folder / case["collateral"]).read_text())
    chain = x509.load_pem_x509_certificates((collateral["vek"] + collateral["chain"]).encode())
    vek, intermediate, ark = (certificate.public_bytes(Encoding.DER) for certificate in chain)
    pins = {hashlib.sha256(der(pem)).digest() for pem in root["arks"].values()}
    pin = hashlib.sha256(ark).digest()
    if pin not in pins:
        pin = next(iter(pins))
    report = omne_attest.Report.parse(evidence)
    # What it asks the caller for is taken from the report itself, so that only its own checks decide.
    data = bytes.fromhex(case["nonce_hex"]) if "nonce_hex" in case else report.report_data
    policy = omne_attest.Policy(measurement=report.measurement, report_data=data.ljust(64, b"\0"), max_vmpl=3, reject_debug=True)
    omne_attest.verify(evidence, vek, intermediate, ark, pin, policy)


PEERS = {"sgx": ("dcap-qvl", with_dcap_qvl), "tdx": ("dcap-qvl", with_dcap_qvl), "snp": ("omne-attest", with_omne_attest)}


def accepts(peer, case):
    try:
        peer(case)
        return True
    except BaseException as error:  # a panic of a native library is no Exception
        if isinstance(error, KeyboardInterrupt):
            raise
        return False


counts = collections.defaultdict(lambda: [0, 0, 0])
missed = collections.defaultdict(list)
for case in cases:
    must_accept = case["code"] is None
    row = counts[(case["tee"], "right evidence" if must_accept else case["code"])]
    row[0] += 1
    row[1] += ours[case["id"]].startswith("accepted") == must_accept
    if case["tee"] in PEERS:
        name, peer = PEERS[case["tee"]]
        right = "collateral" in case and accepts(peer, case) == must_accept
        if "collateral" not in case:
            right = not must_accept
        row[2] += right
        if not right:
            missed[name].append(case["id"])

print("| kind | what is wrong | cases | Cloister right | peer | peer right |")
print("|---|---|---|---|---|---|")
for (tee, code), (total, own, peer) in sorted(counts.items()):
    name = PEERS[tee][0] if tee in PEERS else "none installable"
    print(f"| {tee} | {code} | {total} | {own} | {name} | {peer if tee in PEERS else '–'} |")
print()
for name, ids in sorted(missed.items()):
    print(f"**{name}** differs in {len(ids)}: {', '.join(f'`{one}`' for one in ids)}.")
    print()
