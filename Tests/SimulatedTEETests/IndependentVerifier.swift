/// Python programs that judge evidence with other people's code: `dcap-qvl` for SGX and TDX, `cryptography` for SNP.
enum IndependentVerifier {
    /// Arguments: a folder with `quote`, `collateral.json`, `root.json`, and the time.
    static let dcap = #"""
        import json, sys, dcap_qvl
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding
        folder, now = sys.argv[1], int(sys.argv[2])
        quote = open(folder + "/evidence", "rb").read()
        collateral = dcap_qvl.QuoteCollateralV3.from_json(open(folder + "/collateral.json").read())
        pem = json.load(open(folder + "/root.json"))["sgxRoot"]
        root = x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)
        report = dcap_qvl.verify_with_root_ca(quote, collateral, root, now)
        parsed = dcap_qvl.parse_quote(quote)
        try:
            dcap_qvl.verify(quote, collateral, now)
            intel = "accepted"
        except ValueError:
            intel = "refused"
        try:
            dcap_qvl.verify_with_root_ca(quote[:200] + bytes([quote[200] ^ 1]) + quote[201:], collateral, root, now)
            changed = "accepted"
        except ValueError:
            changed = "refused"
        measurement = parsed.report.mr_enclave if parsed.is_sgx() else parsed.report.mr_td
        print(json.dumps({"status": report.status, "advisories": report.advisory_ids, "underIntel": intel,
            "changed": changed, "fmspc": parsed.fmspc(), "ca": parsed.ca(),
            "measurement": measurement.hex(), "reportData": parsed.report.report_data.hex()}))
        """#

    static let snp = #"""
        import datetime, json, sys
        from cryptography import x509
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
        folder, now = sys.argv[1], datetime.datetime.fromtimestamp(int(sys.argv[2]), datetime.timezone.utc)
        report = open(folder + "/evidence", "rb").read()
        collateral = json.load(open(folder + "/collateral.json"))
        vek = x509.load_pem_x509_certificate(collateral["vek"].encode())
        ask, ark = x509.load_pem_x509_certificates(collateral["chain"].encode())
        named = x509.load_pem_x509_certificate(json.load(open(folder + "/root.json"))["arks"]["Milan"].encode())
        assert ark == named
        pss = padding.PSS(padding.MGF1(hashes.SHA384()), 48)
        for certificate, issuer in [(ark, ark), (ask, ark), (vek, ask)]:
            assert certificate.issuer == issuer.subject
            assert certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
            parameters = certificate.signature_algorithm_parameters
            assert parameters._salt_length == 48 and certificate.signature_hash_algorithm.name == "sha384"
            issuer.public_key().verify(
                certificate.signature, certificate.tbs_certificate_bytes, pss, hashes.SHA384())
            certificate.verify_directly_issued_by(issuer)
        import base64
        crl = x509.load_der_x509_crl(base64.urlsafe_b64decode(collateral["crl"] + "==="))
        ark.public_key().verify(crl.signature, crl.tbs_certlist_bytes, pss, hashes.SHA384())
        assert crl.issuer == ark.subject and crl.last_update_utc <= now < crl.next_update_utc and len(crl) == 0
        extensions = {e.oid.dotted_string: e.value.value for e in vek.extensions}
        base = "1.3.6.1.4.1.3704.1."
        reported = report[0x180:0x188]
        for suffix, index in [("3.1", 0), ("3.2", 1), ("3.3", 6), ("3.8", 7)]:
            value = extensions[base + suffix]
            assert value[0] == 2 and int.from_bytes(value[2:], "big", signed=True) == reported[index]
        assert extensions[base + "4"] == report[0x1a0:0x1e0]
        assert extensions[base + "2"] == b"\x16\x08Milan-B0"
        r, s = (int.from_bytes(report[at:at + 72], "little") for at in (0x2a0, 0x2e8))
        signature = utils.encode_dss_signature(r, s)
        vek.public_key().verify(signature, report[:0x2a0], ec.ECDSA(hashes.SHA384()))
        try:
            vek.public_key().verify(signature, b"\x02" + report[1:0x2a0], ec.ECDSA(hashes.SHA384()))
            changed = "accepted"
        except InvalidSignature:
            changed = "refused"
        print(json.dumps({"changed": changed, "measurement": report[0x90:0xc0].hex(), "hostData": report[0xc0:0xe0].hex(),
            "reportData": report[0x50:0x90].hex(), "version": report[0], "policy": report[8:16].hex(), "vcek":
            vek.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value}))
        """#

    /// Arguments: a folder with `evidence` and `simulated-root.json`, and the URL of a PCCS.
    static let dcapOnline = #"""
        import asyncio, json, os, sys, time, dcap_qvl
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding
        folder, url = sys.argv[1:3]
        quote = open(folder + "/evidence", "rb").read()
        pem = json.load(open(folder + "/simulated-root.json"))["sgxRoot"]
        root = x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)
        async def fetch():
            return await dcap_qvl.get_collateral(url, quote)
        collateral = asyncio.run(fetch())
        report = dcap_qvl.verify_with_root_ca(quote, collateral, root, int(time.time()))
        try:
            dcap_qvl.verify(quote, collateral, int(time.time()))
            other = "accepted"
        except ValueError:
            other = "refused"
        body = dcap_qvl.parse_quote(quote)
        measurement = body.report.mr_enclave if body.is_sgx() else body.report.mr_td
        print(json.dumps({"status": report.status, "otherRoot": other, "measurement": measurement.hex()}), flush=True)
        # The wheel's own threads may crash the interpreter while it ends.
        os._exit(0)
        """#

    /// Arguments: a folder with `evidence` and `simulated-root.json`, and the URL of a KDS.
    static let snpOnline = #"""
        import hashlib, json, sys, urllib.request, omne_attest
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding
        folder, url = sys.argv[1:3]
        report = open(folder + "/evidence", "rb").read()
        def get(path):
            with urllib.request.urlopen(url + path) as answer:
                return answer.read()
        tcb = report[0x180:0x188]
        vcek = get("/vcek/v1/Milan/%s?blSPL=%d&teeSPL=%d&snpSPL=%d&ucodeSPL=%d" % (
            report[0x1a0:0x1e0].hex(), tcb[0], tcb[1], tcb[6], tcb[7]))
        ask, ark = (certificate.public_bytes(Encoding.DER)
            for certificate in x509.load_pem_x509_certificates(get("/vcek/v1/Milan/cert_chain")))
        named = x509.load_pem_x509_certificate(json.load(open(folder + "/simulated-root.json"))["arks"]["Milan"].encode())
        pin = hashlib.sha256(named.public_bytes(Encoding.DER)).digest()
        policy = omne_attest.Policy(
            measurement=report[0x90:0xc0], report_data=report[0x50:0x90], max_vmpl=0, reject_debug=True)
        seen = omne_attest.verify(report, vcek, ask, ark, pin, policy)
        try:
            omne_attest.verify(report, vcek, ask, ark, omne_attest.vectors.ARK_SHA256, policy)
            other = "accepted"
        except omne_attest.Fail:
            other = "refused"
        print(json.dumps({"status": "UpToDate", "otherRoot": other, "measurement": bytes(seen.measurement).hex()}))
        """#
}
