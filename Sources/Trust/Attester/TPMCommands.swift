import Encoding

/// The commands of a TPM 2.0 that evidence needs.
///
/// - Source: TCG TPM 2.0 Library, part 3: TPM2_NV_ReadPublic, TPM2_NV_Read, TPM2_PCR_Read, TPM2_Quote.
struct TPMCommands: Sendable {
    private enum Code: UInt32 {
        case nvRead = 0x14e
        case quote = 0x158
        case nvReadPublic = 0x169
        case pcrRead = 0x17e
    }

    /// SHA-256, of registers and of signatures.
    private static let sha256: UInt16 = 0x000b
    private static let rsaSSA: UInt16 = 0x0014
    private static let owner: UInt32 = 0x4000_0001
    /// Most bytes that one TPM2_NV_Read gives everywhere.
    private static let chunk = 1_024
    /// Non-volatile areas of any length of interest are shorter.
    private static let maximumArea = 16_384
    private static let registers = 24

    private let device: TPMDevice

    init(_ device: TPMDevice) {
        self.device = device
    }

    /// The whole content of a non-volatile area, read with the owner's empty password.
    func nonVolatile(_ index: UInt32) throws(Refusal) -> [UInt8] {
        let size = try length(of: index)
        var content: [UInt8] = []
        while content.count < size {
            var body: [UInt8] = []
            body.appendBigEndian(Self.owner)
            body.appendBigEndian(index)
            body += Self.emptyPassword
            body.appendBigEndian(UInt16(min(Self.chunk, size - content.count)))
            body.appendBigEndian(UInt16(content.count))
            var answer = try send(.nvRead, body, hasSession: true)
            let part = try Self.sized(&answer, "area")
            guard !part.isEmpty else { throw Refusal(.notReady, "the TPM gives no more of a non-volatile area") }
            content += part
        }
        return Array(content.prefix(size))
    }

    /// Values of the SHA-256 registers, from 0 to 23.
    func registers() throws(Refusal) -> [[UInt8]] {
        var values = [[UInt8]](repeating: [], count: Self.registers)
        // A response has eight digests at most; what is left is asked for again.
        for _ in 0..<Self.registers {
            let missing = values.indices.filter { values[$0].isEmpty }
            guard !missing.isEmpty else { return values }
            var answer = try send(.pcrRead, Self.selection(missing), hasSession: false)
            _ = try answer.bigEndian(UInt32.self, "PCR update counter")
            let given = try Self.selected(&answer)
            let count = try answer.bigEndian(UInt32.self, "number of digests")
            guard count == given.count, !given.isEmpty, given.allSatisfy(missing.contains) else { break }
            for index in given { values[index] = Array(try Self.sized(&answer, "digest")) }
        }
        throw Refusal(.notReady, "the TPM does not give the values of its SHA-256 registers")
    }

    /// TPMS_ATTEST over all registers and `nonce`, and its RSASSA signature by a key that lies in the TPM.
    func quote(by key: UInt32, nonce: [UInt8]) throws(Refusal) -> (message: [UInt8], signature: [UInt8]) {
        var body: [UInt8] = []
        body.appendBigEndian(key)
        body += Self.emptyPassword
        body.appendBigEndian(UInt16(nonce.count))
        body += nonce
        body.appendBigEndian(Self.rsaSSA)
        body.appendBigEndian(Self.sha256)
        body += Self.selection(Array(0..<Self.registers))
        var answer = try send(.quote, body, hasSession: true)
        let message = Array(try Self.sized(&answer, "quote"))
        guard try answer.bigEndian(UInt16.self, "signature scheme") == Self.rsaSSA,
            try answer.bigEndian(UInt16.self, "signature hash") == Self.sha256
        else { throw Refusal(.notReady, "the TPM's attestation key does not sign with RSASSA and SHA-256") }
        return (message, Array(try Self.sized(&answer, "signature")))
    }

    private func length(of index: UInt32) throws(Refusal) -> Int {
        var body: [UInt8] = []
        body.appendBigEndian(index)
        var answer = try send(.nvReadPublic, body, hasSession: false)
        // TPMS_NV_PUBLIC: index, hash, attributes, policy, length of the data.
        _ = try answer.bigEndian(UInt16.self, "size of the public area")
        _ = try answer.take(10, "public area")
        _ = try Self.sized(&answer, "policy")
        let size = Int(try answer.bigEndian(UInt16.self, "length of the area"))
        guard size <= Self.maximumArea else { throw Refusal(.notReady, "the non-volatile area is too long") }
        return size
    }
}

// MARK: Messages

extension TPMCommands {
    /// One authorisation: the password session, without a password.
    private static let emptyPassword: [UInt8] = [0, 0, 0, 9, 0x40, 0, 0, 9, 0, 0, 0, 0, 0]

    /// The parameters of a response that succeeded.
    private func send(_ code: Code, _ body: [UInt8], hasSession: Bool) throws(Refusal) -> ByteReader {
        var command: [UInt8] = []
        command.appendBigEndian(UInt16(hasSession ? 0x8002 : 0x8001))
        command.appendBigEndian(UInt32(10 + body.count))
        command.appendBigEndian(code.rawValue)
        let response: [UInt8]
        do throws(SystemError) { response = try device.transmit(command + body) } catch {
            throw Refusal(.notReady, "the TPM does not answer (\(error))")
        }
        var reader = ByteReader(response, refusing: .notReady)
        _ = try reader.bigEndian(UInt16.self, "response tag")
        let size = try reader.bigEndian(UInt32.self, "response size")
        let status = try reader.bigEndian(UInt32.self, "response code")
        guard status == 0, Int(size) == response.count else {
            throw Refusal(.notReady, "the TPM refused a command (0x\(String(status, radix: 16)))")
        }
        if hasSession { _ = try reader.bigEndian(UInt32.self, "parameter size") }
        return reader
    }

    /// TPML_PCR_SELECTION with one bank, SHA-256.
    private static func selection(_ registers: [Int]) -> [UInt8] {
        var bits: [UInt8] = [0, 0, 0]
        for register in registers { bits[register / 8] |= 1 << UInt8(register % 8) }
        var list: [UInt8] = [0, 0, 0, 1]
        list.appendBigEndian(sha256)
        return list + [3] + bits
    }

    /// The registers of the SHA-256 bank in a TPML_PCR_SELECTION.
    private static func selected(_ reader: inout ByteReader) throws(Refusal) -> [Int] {
        guard try reader.bigEndian(UInt32.self, "number of banks") == 1,
            try reader.bigEndian(UInt16.self, "bank") == sha256
        else { return [] }
        let bits = Array(try reader.take(Int(try reader.uint8("selection size")), "selection"))
        return (0..<min(24, bits.count * 8)).filter { bits[$0 / 8] & 1 << UInt8($0 % 8) != 0 }
    }

    private static func sized(_ reader: inout ByteReader, _ field: StaticString) throws(Refusal) -> ArraySlice<UInt8> {
        let count = try reader.bigEndian(UInt16.self, "length")
        return try reader.take(Int(count), field)
    }
}
