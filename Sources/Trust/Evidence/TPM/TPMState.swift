import Encoding

/// What quotes prove about a platform: only registers that they cover, and events that these registers confirm.
public struct TPMState: Sendable {
    public let quotes: [TPMQuote]
    public let pcrs: PCRValues
    /// Events of registers whose quoted value is the log's replay, in their order; empty without such a log.
    public let events: [TCGEvent]

    /// Claims of this project's own: the compatible API has none for bare TPMs.
    var claims: [String: JSON] {
        var banks: [String: [String: JSON]] = [:]
        for (register, value) in pcrs {
            banks[register.bank.name, default: [:]][String(register.index)] = .string(Hex.encode(value))
        }
        var claims: [String: JSON] = [
            "x-cloister-tpm-pcrs": .object(banks.mapValues(JSON.object)),
            "x-cloister-tpm-confirmed-events": .integer(Int64(events.count)),
        ]
        guard let quote = quotes.first else { return claims }
        claims["x-cloister-tpm-nonce"] = .string(Hex.encode(quote.extraData))
        claims["x-cloister-tpm-firmware-version"] = .string(Hex.encode(quote.firmwareVersionBytes))
        claims["x-cloister-tpm-clock"] = [
            "milliseconds": Int64(exactly: quote.clock.milliseconds).map(JSON.integer) ?? .null,
            "resets": .integer(Int64(quote.clock.resetCount)), "restarts": .integer(Int64(quote.clock.restartCount)),
            "safe": .bool(quote.clock.isSafe),
        ]
        return claims
    }
}

extension TPMQuote {
    fileprivate var firmwareVersionBytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendBigEndian(firmwareVersion)
        return bytes
    }
}
