import Encoding

// What genuine evidence can be distrusted by, beside its certificates and TCB status.
extension Appraisal {
    mutating func mark(_ report: SNPReport, product: SNPProduct) {
        // A platform that masks its chip id cannot be told from another.
        let chip = report.chipID.prefix(product.chipIDBytes)
        if !report.masksChipID, !chip.isZero { marks.append(EvidenceMark(.chip, hex: chip)) }
        if let family = EvidenceMark(.family, named: product.rawValue) { marks.append(family) }
        marks.append(EvidenceMark(.tcb, hex: report.reportedTCB(product).bytes(product: product)))
        marks.append(EvidenceMark(.measurement, hex: report.measurement))
    }

    mutating func mark(_ body: DCAPQuote.Body, _ platform: PCKExtension) {
        marks.append(EvidenceMark(.chip, hex: platform.ppid))
        marks.append(EvidenceMark(.family, hex: platform.fmspc))
        switch body {
        case .sgx(let report): marks.append(EvidenceMark(.measurement, hex: report.mrEnclave))
        case .td(let report): marks.append(EvidenceMark(.measurement, hex: report.mrTD))
        }
    }
}
