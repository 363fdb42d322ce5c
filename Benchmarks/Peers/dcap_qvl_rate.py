"""Verifications per second of CPU time of the dcap-qvl wheel, one thread, over the same SGX quote as ours."""
import json
import pathlib
import sys
import time

import dcap_qvl

vectors = pathlib.Path(sys.argv[1])
quote = (vectors / "sgx/phala-00a067/quote.bin").read_bytes()
collateral = dcap_qvl.QuoteCollateralV3.from_json((vectors / "sgx/phala-00a067/collateral.json").read_text())
now = 1_750_334_171


def measure(seconds=2.0):
    for _ in range(20):
        dcap_qvl.verify(quote, collateral, now)
    count, start = 0, time.process_time()
    while time.process_time() - start < seconds:
        for _ in range(20):
            dcap_qvl.verify(quote, collateral, now)
        count += 20
    return count / (time.process_time() - start)


print(json.dumps({"dcapQvl": max(measure() for _ in range(3))}))
