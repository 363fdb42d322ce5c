import Encoding

/// The claims of an NVIDIA report: names of our own, since the compatible API has none. Bytes are hex.
enum NVIDIAClaims {
    static func of(_ report: NVIDIAReport, _ endorsement: NVIDIAEndorsement) -> [String: JSON] {
        var measurements: [String: JSON] = [:]
        for measurement in report.measurements {
            measurements[String(measurement.index)] = .string(Hex.encode(measurement.value))
        }
        var claims: [String: JSON] = [
            "x-cloister-nvidia-device": .string(endorsement.path.leaf.subjectCommonName),
            "x-cloister-nvidia-certificate-serial": .string(Hex.encode(endorsement.path.leaf.serial)),
            "x-cloister-nvidia-nonce": .string(Hex.encode(report.nonce)),
            "x-cloister-nvidia-measurements": .object(measurements),
        ]
        for (name, value) in [
            ("driver-version", report.text(.driverVersion)), ("vbios-version", report.vbiosVersion),
            ("project", report.text(.project)), ("project-sku", report.text(.projectSKU)),
            ("chip-sku", report.text(.chipSKU)), ("firmware-id", report.field(.firmwareID).map { Hex.encode($0) }),
        ] {
            if let value { claims["x-cloister-nvidia-\(name)"] = .string(value) }
        }
        return claims
    }
}
