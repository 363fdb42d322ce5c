import Encoding
import Evidence

// What only quotes of TDX have: the module, the TD's own TCB, attributes, and the bodies of version 5.
extension QuotedFamily {
    var trustDomain: [ForgedCase] { module + moduleLevels + tdxComponents + tdxDocuments }

    private typealias Layout = TDReport.Layout

    /// TDX modules that the TCB info does not describe.
    private var module: [ForgedCase] {
        func foreign(_ name: String, _ about: String, _ change: @escaping Change) -> ForgedCase {
            wrong(name, .tcbInconsistent, "AC-011", about, change)
        }
        return [
            foreign("module-other-signer", "MRSIGNERSEAM is not Intel's") { $0.quote.body[Layout.mrSignerSeam] = 1 },
            foreign("module-attributes", "SEAMATTRIBUTES are not zero") { $0.quote.body[Layout.seamAttributes] = 1 },
            foreign("module-debug", "SEAMATTRIBUTES say that the module is a debug module, as the identity does") {
                $0.quote.body[Layout.seamAttributes + 3] = 0x80
                $0.dcap.tcbInfo.changeModules { $0["attributes"] = "0000008000000000" }
            },
            foreign("module-unknown-version", "no identity describes the module's version") {
                $0.quote.body[Layout.teeTCBSVN + 1] = 9
            },
            foreign("module-of-other-signer-in-identity", "the identity names another signer than Intel") {
                $0.dcap.tcbInfo.changeModules { $0["mrsigner"] = .string(String(repeating: "01", count: 48)) }
            },
            foreign("without-module-identities", "the TCB info has no module identities") {
                $0.dcap.tcbInfo.members["tdxModuleIdentities"] = []
            },
            right("module-identity-lower-case", "the identity of the module is written in lower case") {
                $0.dcap.tcbInfo.changeModules { $0["id"] = .string(($0["id"]?.string ?? "").lowercased()) }
            },
            right("module-version-0", "the module is of version 0, and the platform's levels describe it") {
                $0.quote.body[Layout.teeTCBSVN + 1] = 0
                $0.dcap.tcbInfo.changeTCBs { $0.setComponent(1, of: "tdxtcbcomponents", to: 0) }
            },
            wrong(
                "module-version-0-short", .tcbNotAccepted, "AC-010", "the module is of version 0 and below every level"
            ) {
                $0.quote.body[Layout.teeTCBSVN] = 1
                $0.quote.body[Layout.teeTCBSVN + 1] = 0
                $0.dcap.tcbInfo.changeTCBs { $0.setComponent(1, of: "tdxtcbcomponents", to: 0) }
            },
        ]
    }

    /// The status of the module, and what becomes of it on platforms.
    private var moduleLevels: [ForgedCase] {
        [
            wrong(
                "module-below-every-level", .tcbNotAccepted, "AC-010", "the module is below every level of its identity"
            ) {
                $0.quote.body[Layout.teeTCBSVN] = 1
            },
            wrong("module-revoked", .tcbNotAccepted, "AC-010", "the module's level is revoked") {
                $0.dcap.tcbInfo.changeModuleLevels { $0["tcbStatus"] = "Revoked" }
            },
            right("module-outofdate", status: "OutOfDate", "the module is out of date on a platform that is not") {
                $0.quote.body[Layout.teeTCBSVN] = TDReportRecipe.moduleSVN - 2
            },
            right(
                "module-outofdate-on-configurationneeded", status: "OutOfDateConfigurationNeeded",
                "the module is out of date on a platform that needs configuration"
            ) {
                $0.quote.body[Layout.teeTCBSVN] = TDReportRecipe.moduleSVN - 2
                $0.dcap.tcbInfo.changeLevels { $0["tcbStatus"] = "ConfigurationNeeded" }
            },
            right(
                "platform-outofdate-under-current-module", status: "OutOfDate",
                "the SEAM loader is out of date under a module that is not, which some verifiers overlook"
            ) { $0.quote.body[Layout.teeTCBSVN + 2] = 2 },
            right(
                "module-components-above",
                "the levels ask for more of the first two components, which do not count for a versioned module"
            ) {
                $0.dcap.tcbInfo.changeTCBs {
                    $0.setComponent(0, of: "tdxtcbcomponents", to: 200)
                    $0.setComponent(1, of: "tdxtcbcomponents", to: 200)
                }
            },
        ]
    }

    /// The levels ask for one more of a component than the TD has.
    private var tdxComponents: [ForgedCase] {
        (2..<16).map { index in
            wrong(
                "tdx-component-\(index + 1)-short", .tcbNotAccepted, "AC-010",
                "component \(index + 1) of TDX is below every level"
            ) {
                let asked = Int64($0.quote.body[Layout.teeTCBSVN + index]) + 1
                $0.dcap.tcbInfo.changeTCBs { $0.setComponent(index, of: "tdxtcbcomponents", to: asked) }
            }
        }
    }

    private var tdxDocuments: [ForgedCase] {
        func invalid(_ name: String, _ about: String, _ change: @escaping Change) -> ForgedCase {
            wrong("tcb-info-\(name)", .collateralInvalid, "AC-012", "the TCB info \(about)", change)
        }
        return [
            invalid("without-module", "describes no module of version 0") {
                $0.dcap.tcbInfo.members["tdxModule"] = nil
            },
            invalid("without-tdx-components", "has no components of TDX") {
                $0.dcap.tcbInfo.changeTCBs { $0["tdxtcbcomponents"] = nil }
            },
            invalid("15-tdx-components", "has 15 components of TDX") {
                $0.dcap.tcbInfo.changeTCBs {
                    $0["tdxtcbcomponents"] = .array(($0["tdxtcbcomponents"]?.array ?? []).dropLast())
                }
            },
            invalid("module-without-levels", "has a module without levels") {
                $0.dcap.tcbInfo.changeModules { $0["tcbLevels"] = [] }
            },
            invalid("short-module-signer", "has a module signer of 32 bytes") {
                $0.dcap.tcbInfo.changeModules { $0["mrsigner"] = .string(String(repeating: "0", count: 64)) }
            },
            wrong("with-collateral-of-sgx", .collateralInvalid, "AC-012", "the collateral is that of an SGX platform") {
                recipe, forge in
                recipe.presentation.accompanying = .other(.dcap(try forge.quoted(.sgx3).dcap.issued().collateral))
            },
        ]
    }

    /// What policies refuse of a TD.
    var trustDomainPolicy: [ForgedCase] {
        let debug =
            [(0, "debug", "a debug TD"), (1, "debug-bit-1", "under debug by a bit without a name")]
            + [
                (4, "profiling-hgs", "profiled"), (5, "profiling-performance", "profiled"),
                (6, "profiling-telemetry", "profiled"),
            ]
        return debug.map { bit, name, words in
            wrong(name, .debugEnabled, "AC-005", "the TD is \(words)") {
                $0.quote.body[Layout.tdAttributes] |= 1 << UInt8(bit)
            }
        } + [
            wrong("sept-ve-enabled", .platformPolicy, "AC-020", "SEPT_VE_DISABLE is not set") {
                $0.quote.body[Layout.tdAttributes + 3] &= 0xef
            },
            wrong("reserved-attribute", .platformPolicy, "AC-020", "an attribute is set that has no meaning") {
                $0.quote.body[Layout.tdAttributes + 5] |= 1
            },
            wrong("reserved-xfam", .platformPolicy, "AC-020", "a feature of XFAM is on that does not exist") {
                $0.quote.body[Layout.xfam + 7] |= 0x80
            },
        ]
    }
}

// MARK: Version 5

extension QuotedFamily {
    var version5: [ForgedCase] { right + lengths + descriptors + formats + signature + policy + relaunch }

    /// Type and size of the body.
    private var descriptors: [ForgedCase] {
        let size = UInt32(TDReport.Layout.extendedByteCount)
        var cases = [UInt16(0), 1, 2, 4, 99].map { type in
            wrong("body-type-\(type)", .evidenceMalformed, "AC-018", "the body is said to be of type \(type)") {
                $0.quote.descriptor = (type, size)
            }
        }
        cases += [UInt32(0), 584, 647, .max].map { (value: UInt32) in
            wrong("body-size-\(value)", .evidenceMalformed, "AC-018", "the body is said to have \(value) bytes") {
                $0.quote.descriptor = (3, value)
            }
        }
        return cases + [
            wrong("without-descriptor", .evidenceMalformed, "AC-018", "type and size of the body are missing") {
                $0.quote.descriptor = nil
            },
            wrong("service-td", .platformPolicy, "AC-020", "a service TD is bound to the TD") {
                $0.quote.body[TDReport.Layout.mrServiceTD + 47] = 1
            },
            ForgedCase(
                name: "tdx5-td10-right", tee: .tdx, about: "nothing is wrong; the body is that of a TD 1.0", code: nil,
                abuseCase: nil, tcbStatus: "UpToDate"
            ) { try $0.quoted(.tdx5).made() },
        ]
    }

    /// TDs that were launched on a module that has been replaced since.
    private var relaunch: [ForgedCase] {
        typealias Layout = TDReport.Layout
        let old = TDReportRecipe.moduleSVN - 2
        return [
            right(
                "relaunch-advised", status: "TDRelaunchAdvised",
                "the TD was launched on a module that has been replaced"
            ) {
                $0.quote.body[Layout.teeTCBSVN] = old
            },
            right(
                "relaunch-advised-configuration-needed", status: "TDRelaunchAdvisedConfigurationNeeded",
                "the TD was launched on a module that has been replaced, on a platform that needs configuration"
            ) {
                $0.quote.body[Layout.teeTCBSVN] = old
                $0.dcap.tcbInfo.changeLevels { $0["tcbStatus"] = "ConfigurationNeeded" }
            },
            right("relaunch-would-not-help", status: "OutOfDate", "the module that runs now is out of date too") {
                $0.quote.body[Layout.teeTCBSVN] = old
                $0.quote.body[Layout.teeTCBSVN2] = old
            },
            wrong(
                "relaunch-on-unknown-module", .tcbInconsistent, "AC-011",
                "no identity describes the module that runs now"
            ) {
                $0.quote.body[Layout.teeTCBSVN] = old
                $0.quote.body[Layout.teeTCBSVN2 + 1] = 9
            },
            wrong("flipped-mrservicetd", .evidenceSignature, "AC-001", "one bit of mrservicetd is wrong") { [self] in
                let offset = bodyOffset + Layout.mrServiceTD
                $0.presentation.tamper = { $0[offset] ^= 1 }
            },
        ]
    }
}
