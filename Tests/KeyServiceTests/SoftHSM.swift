import Encoding
import Foundation
import TestSupport

@testable import KeyService

/// A token of SoftHSM, a PKCS #11 module in software (Debian: softhsm2), in a folder of this test run.
enum SoftHSM {
    static let module = "/usr/lib/softhsm/libsofthsm2.so"
    static var isInstalled: Bool { FileManager.default.fileExists(atPath: module) }
    static let pin = "correct horse"
    static let label = "cloister"

    /// The module reads its settings once in each process.
    private static let folder: Result<TemporaryFolder, any Error> = Result {
        let folder = try TemporaryFolder()
        let tokens = folder.url.appending(path: "tokens")
        try FileManager.default.createDirectory(at: tokens, withIntermediateDirectories: true)
        let settings = folder.url.appending(path: "softhsm2.conf")
        try Data("directories.tokendir = \(tokens.path)\nobjectstore.backend = file\nlog.level = ERROR\n".utf8).write(
            to: settings)
        setenv("SOFTHSM2_CONF", settings.path, 1)
        let tool = Process()
        tool.executableURL = URL(filePath: "/usr/bin/softhsm2-util")
        tool.arguments = ["--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", "12345678"]
        tool.standardOutput = FileHandle.nullDevice
        try tool.run()
        tool.waitUntilExit()
        guard tool.terminationStatus == 0 else { throw Failure() }
        return folder
    }

    struct Failure: Error {}

    /// - Parameter name: of the master key in the token.
    static func masterKey(
        _ name: String, module: String = module, label: String = label, pin: String = pin
    ) throws -> MasterKeyToken {
        _ = try folder.get()
        return try MasterKeyToken(module: module, label: label, pin: Secret(Array(pin.utf8)), name: name)
    }

    /// What the token's folder holds.
    static func files() throws -> [Data] {
        let tokens = try folder.get().url.appending(path: "tokens")
        let files = FileManager.default.enumerator(at: tokens, includingPropertiesForKeys: nil)
        return try (files?.allObjects ?? []).compactMap { $0 as? URL }.filter { !$0.hasDirectoryPath }
            .map { try Data(contentsOf: $0) }
    }
}
