import Encoding
import FoundationEssentials
import ServiceKit

/// Files as the commands use them: whole, private, and with errors that name the file to the person who typed it.
enum Files {
    static let maximumBytes = 64 << 20

    static func absolute(_ path: String) -> String {
        let joined = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
        var parts: [Substring] = []
        for part in joined.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    static func isFolder(_ path: String) -> Bool {
        var isFolder = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder
    }

    static func read(_ path: String, maximumBytes: Int = Files.maximumBytes) throws(CommandFailure) -> [UInt8] {
        do throws(AtomicFile.Failure) { return try AtomicFile.read(path, maximumBytes: maximumBytes) } catch {
            throw CommandFailure("\(path) cannot be read (\(error))")
        }
    }

    /// A file that the user named; that it is not there is wrong usage.
    static func readArgument(_ path: String, maximumBytes: Int = Files.maximumBytes) throws(CommandFailure) -> [UInt8] {
        guard exists(path) else { throw .usage("there is no file \(path)") }
        do throws(AtomicFile.Failure) { return try AtomicFile.read(path, maximumBytes: maximumBytes) } catch {
            throw .usage("\(path) cannot be read (\(error))")
        }
    }

    static func text(_ path: String) throws(CommandFailure) -> String {
        String(decoding: try read(path, maximumBytes: 1 << 20), as: UTF8.self)
    }

    /// The first line, without the line feed: tokens and ports.
    static func line(_ path: String) throws(CommandFailure) -> String {
        String(try text(path).prefix { !$0.isNewline })
    }

    static func json(_ path: String) throws(CommandFailure) -> JSON {
        let bytes = try read(path, maximumBytes: 1 << 20)
        do throws(JSON.ParseError) { return try JSON.parse(bytes) } catch {
            throw CommandFailure("\(path) is not JSON: \(error)")
        }
    }

    /// Writes atomically; mode 0600 unless said otherwise.
    static func write(_ bytes: some Sequence<UInt8>, to path: String, mode: UInt32 = 0o600) throws(CommandFailure) {
        do throws(AtomicFile.Failure) { try AtomicFile.write(Array(bytes), to: path, mode: mode) } catch {
            throw CommandFailure("\(path) cannot be written (\(error))")
        }
    }

    /// Writes only when the content differs, so that unchanged files keep their times. True when it wrote.
    @discardableResult
    static func update(_ bytes: some Sequence<UInt8>, to path: String, mode: UInt32 = 0o600) throws(CommandFailure)
        -> Bool
    {
        let bytes = Array(bytes)
        if exists(path), (try? read(path)) == bytes { return false }
        try write(bytes, to: path, mode: mode)
        return true
    }

    /// Why the system refused, in words.
    private static func reason(_ error: any Error) -> String {
        switch (error as? CocoaError)?.code {
        case .fileNoSuchFile, .fileReadNoSuchFile: "there is no such file or folder"
        case .fileReadNoPermission, .fileWriteNoPermission: "permission is missing"
        case .fileWriteOutOfSpace: "the disk is full"
        case .fileWriteVolumeReadOnly: "the disk is read-only"
        case .fileWriteFileExists: "a file of that name is in the way"
        default: "the system refused (\(type(of: error)))"
        }
    }

    static func makeFolder(_ path: String) throws(CommandFailure) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw CommandFailure("the folder \(path) cannot be made: \(reason(error))")
        }
    }

    static func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }

    static func list(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    static func name(of path: String) -> String { String(path.split(separator: "/").last ?? "") }

    static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }
}
