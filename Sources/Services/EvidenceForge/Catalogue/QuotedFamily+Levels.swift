import Encoding
import Evidence

// Platforms at every level, and what policies refuse.
extension QuotedFamily {
    /// The levels ask for one more of a component than the platform has.
    var levels: [ForgedCase] {
        let components = (0..<16).map { index in
            wrong(
                "component-\(index + 1)-short", .tcbNotAccepted, "AC-010", "component \(index + 1) is below every level"
            ) {
                let svn = $0.dcap.platform.components[index]
                if svn == 255 { $0.dcap.platform.set(component: index, to: 254) }
                let asked = Int64(svn == 255 ? 255 : svn + 1)
                $0.dcap.tcbInfo.changeTCBs { $0.setComponent(index, to: asked) }
            }
        }
        return components + [
            wrong("pcesvn-short", .tcbNotAccepted, "AC-010", "PCESVN is below every level") {
                let asked = Int64($0.dcap.platform.pceSVN) + 1
                $0.dcap.tcbInfo.changeTCBs { $0["pcesvn"] = .integer(asked) }
            },
            wrong("platform-revoked", .tcbNotAccepted, "AC-010", "the platform's level is revoked") {
                $0.dcap.tcbInfo.changeLevels { $0["tcbStatus"] = "Revoked" }
            },
            wrong("qe-revoked", .tcbNotAccepted, "AC-010", "the quoting enclave's level is revoked") {
                $0.dcap.qeIdentity.changeLevels { $0["tcbStatus"] = "Revoked" }
            },
        ] + statuses
    }

    /// Statuses that the default policy accepts and a verifier must report.
    private var statuses: [ForgedCase] {
        var cases = [
            "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "OutOfDate",
            "OutOfDateConfigurationNeeded",
        ].map { status in
            right("platform-\(status.lowercased())", status: status, "the platform's level says \(status)") {
                $0.dcap.tcbInfo.changeLevels { $0["tcbStatus"] = .string(status) }
            }
        }
        cases += [
            ("UpToDate", "OutOfDate"), ("SWHardeningNeeded", "OutOfDate"),
            ("ConfigurationNeeded", "OutOfDateConfigurationNeeded"),
            ("ConfigurationAndSWHardeningNeeded", "OutOfDateConfigurationNeeded"),
        ].map { platform, converged in
            right(
                "qe-outofdate-on-\(platform.lowercased())", status: converged,
                "the quoting enclave is out of date on a platform that is \(platform)"
            ) {
                $0.dcap.tcbInfo.changeLevels { $0["tcbStatus"] = .string(platform) }
                $0.quote.quotingEnclave.put(UInt16(7), at: SGXReport.Layout.svn)
            }
        }
        return cases + [
            right("platform-at-former-level", status: "OutOfDate", "the first component reaches the former level only")
            {
                $0.dcap.platform.set(component: 0, to: $0.dcap.platform.components[0] - 1)
            },
            right(
                "platform-at-former-level-by-components", status: "OutOfDate",
                "the components reach the former level only, though CPUSVN has greater numbers"
            ) { $0.dcap.platform.components[0] -= 1 },
            right("advisory-while-up-to-date", "the level names an advisory though it is up to date") {
                $0.dcap.tcbInfo.changeLevels { $0["advisoryIDs"] = .array([.string(SignedDocument.advisory)]) }
            },
        ]
    }

    var policy: [ForgedCase] {
        [
            wrong("binding-other", .bindingMismatch, "AC-015", "the report data is not what was asked for") {
                $0.presentation.binding = Array(Forge.binding.prefix(31)) + [0] + .zeros(32)
            },
            wrong("binding-of-other-session", .bindingMismatch, "AC-017", "the report data is that of another session")
            {
                $0.presentation.binding = Forge.otherBinding
            },
            wrong("binding-last-byte", .bindingMismatch, "AC-015", "the last byte of the report data is another") {
                $0.presentation.binding = Array(Forge.binding.prefix(63)) + [1]
            },
        ] + (isNested ? trustDomainPolicy : enclavePolicy)
    }

    private var enclavePolicy: [ForgedCase] {
        [
            wrong("debug", .debugEnabled, "AC-005", "the enclave is a debug enclave") {
                $0.quote.body[SGXReport.Layout.attributes] |= 2
            }
        ]
    }
}
