"""Verifications per second of CPU time of the dcap-qvl wheel, one thread, over the same quotes as ours."""
import json
import pathlib
import sys
import time

import dcap_qvl

vectors = pathlib.Path(sys.argv[1])
CASES = {
    "sgx": ("sgx/phala-00a067/quote.bin", "sgx/phala-00a067/collateral.json", 1_750_334_171),
    "tdx4": ("tdx/phala-b0c06f-v4/quote.bin", "tdx/phala-b0c06f-v4/collateral.json", 1_750_332_747),
    "tdx5": ("tdx/google/quote_v5_sample.dat", "tdx/google/collateral-90c06f-2026-02.json", 1_771_414_935),
}


def rate(operation, seconds=0.6, rounds=3):
    for _ in range(20):
        operation()
    best = 0
    for _ in range(rounds):
        count, start = 0, time.process_time()
        while time.process_time() - start < seconds:
            for _ in range(20):
                operation()
            count += 20
        best = max(best, count / (time.process_time() - start))
    return best


result = {}
for name, (quote_path, collateral_path, now) in CASES.items():
    quote = (vectors / quote_path).read_bytes()
    text = (vectors / collateral_path).read_text()
    collateral = dcap_qvl.QuoteCollateralV3.from_json(text)
    result[f"{name}Warm"] = rate(lambda: dcap_qvl.verify(quote, collateral, now))
    result[f"{name}Cold"] = rate(lambda: dcap_qvl.verify(quote, dcap_qvl.QuoteCollateralV3.from_json(text), now))
print(json.dumps(result))
