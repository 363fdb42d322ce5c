"""Verifications per second of CPU time of the omne-attest package, one thread, over the same SNP report as ours."""
import hashlib
import json
import pathlib
import sys
import time

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
import omne_attest

vectors = pathlib.Path(sys.argv[1])
report = (vectors / "snp/milan-v3-routex/report.bin").read_bytes()
chain = x509.load_pem_x509_certificates((vectors / "snp/milan-v3-routex/vcek-chain.pem").read_bytes())
vcek, ask, ark = (certificate.public_bytes(Encoding.DER) for certificate in chain[:3])
pin = hashlib.sha256(ark).digest()
parsed = omne_attest.Report.parse(report)
policy = omne_attest.Policy(measurement=parsed.measurement, report_data=parsed.report_data, max_vmpl=parsed.vmpl, reject_debug=True)


def measure(seconds=1.0):
    for _ in range(20):
        omne_attest.verify(report, vcek, ask, ark, pin, policy)
    count, start = 0, time.process_time()
    while time.process_time() - start < seconds:
        for _ in range(20):
            omne_attest.verify(report, vcek, ask, ark, pin, policy)
        count += 20
    return count / (time.process_time() - start)


print(json.dumps({"omneAttest": max(measure() for _ in range(3))}))
