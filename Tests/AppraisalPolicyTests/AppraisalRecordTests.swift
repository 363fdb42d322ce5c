import AppraisalPolicy
import Encoding
import Testing

@Suite("Recorded appraisals")
struct AppraisalRecordTests {
    private let time = Timestamp(seconds: 1_700_000_000)

    @Test func `a record reads what it wrote`() throws {
        let claims = [
            AppraisalClaim("x-ms-sgx-is-debuggable", .boolean(false)),
            AppraisalClaim("x-ms-sgx-mrenclave", .string("ab")), AppraisalClaim("x-ms-sgx-svn", .integer(1)),
            AppraisalClaim("x-ms-sgx-svn", .integer(2)),
        ]
        let record = AppraisalRecord(time: time, type: "SgxEnclave", claims: claims, permitted: true)
        #expect(
            record.json.text == """
                {"claims":{"x-ms-sgx-is-debuggable":false,"x-ms-sgx-mrenclave":"ab","x-ms-sgx-svn":[1,2]},\
                "permitted":true,"time":1700000000,"type":"SgxEnclave"}
                """)
        #expect(try AppraisalRecord(json: JSON.parse(record.json.text)) == record)
        #expect(record.measurement == "ab")
    }

    @Test func `what a caller chose is never recorded`() {
        let names = [
            "nonce", "x-ms-runtime", "x-ms-inittime", "x-ms-sgx-ehd", "maa-ehd", "aas-ehd", "x-ms-sgx-report-data",
            "x-ms-sevsnpvm-reportdata", "tdx_report_data", "x-ms-policy", "x-ms-isolation-tee", "rp_data", "events",
            "a-name-that-nobody-decided-about",
        ]
        let own = AppraisalClaim("x-ms-sgx-svn", .integer(7), issuer: .customClaim)
        let record = AppraisalRecord(
            time: time, type: "SgxEnclave", claims: names.map { AppraisalClaim($0, .string("secret")) } + [own],
            permitted: true)
        #expect(record.claims.isEmpty)
    }

    @Test(arguments: [
        "{}", "[]", #"{"time":1,"type":"SgxEnclave","claims":[],"permitted":true}"#,
        #"{"time":1,"type":"SgxEnclave","claims":{"x-ms-ver":1.5},"permitted":true}"#,
        #"{"time":1,"type":"SgxEnclave","claims":{"x-ms-ver":null},"permitted":true}"#,
        #"{"time":1,"type":"SgxEnclave","claims":{},"permitted":true,"nonce":"x"}"#,
    ])
    func `another form is refused`(_ text: String) throws {
        let json = try JSON.parse(text)
        #expect(throws: Refusal.self) { try AppraisalRecord(json: json) }
    }

    @Test func `claims are offered under their old names too, objects as text`() {
        let claims = AppraisalClaim.offered(for: [
            "x-ms-sgx-svn": 3, "x-ms-runtime": ["keys": []], "absent": .null, "x-ms-attestation-type": "sgx",
            "tee": "x",
        ])
        #expect(
            claims == [
                AppraisalClaim("tee", .string("x")), AppraisalClaim("x-ms-attestation-type", .string("sgx")),
                AppraisalClaim("$tee", .string("sgx")), AppraisalClaim("x-ms-runtime", .string(#"{"keys":[]}"#)),
                AppraisalClaim("x-ms-sgx-svn", .integer(3)), AppraisalClaim("$svn", .integer(3)),
            ])
    }
}
