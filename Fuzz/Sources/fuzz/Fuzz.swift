import CFuzzer
import Encoding
import Foundation

/// Fuzzers of every parser of evidence, in one program; `Scripts/fuzz` builds and runs it.
///
///     fuzz list                          the parsers' names
///     fuzz seeds FOLDER                  write what the corpora begin with
///     fuzz growth [PARSER…]              how time grows with the length of the worst inputs
///     fuzz PARSER [libFuzzer's arguments]
@main
enum Fuzz {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        do {
            switch arguments.first {
            case "list": for (name, _) in HostileParsers.all { print(name) }
            case "seeds" where arguments.count == 2: try writeSeeds(URL(filePath: arguments[2]))
            case "growth": exit(try Growth.measure(Set(arguments.dropFirst())) ? 0 : 1)
            case let name?: exit(try fuzz(name))
            case nil: fail("usage: fuzz list | seeds FOLDER | growth [PARSER…] | PARSER [libFuzzer's arguments]")
            }
        } catch { fail("\(error)") }
    }

    /// Runs libFuzzer. It starts itself again with its own arguments to merge corpora, so that the parser's name must
    /// stay among them: in a form that libFuzzer ignores.
    private static func fuzz(_ argument: String) throws -> CInt {
        let name = argument.hasPrefix(flag) ? String(argument.dropFirst(flag.count)) : argument
        guard let parser = HostileParsers.named(name) else { fail("there is no parser \(name); see: fuzz list") }
        target = Target(parser: parser, world: try HostileWorld(sampling: 64))
        CommandLine.unsafeArgv[1] = strdup(flag + name)
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        return LLVMFuzzerRunDriver(&count, &arguments, fuzzOne)
    }

    private static let flag = "--parser="

    private static func writeSeeds(_ folder: URL) throws {
        let world = try HostileWorld(sampling: 1)
        for (parser, _) in HostileParsers.all {
            let folder = folder.appending(path: parser)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            for (name, bytes) in try world.seeds(parser) {
                try Data(bytes).write(to: folder.appending(path: "seed-\(name)"))
            }
        }
    }

    private static func fail(_ text: String) -> Never {
        FileHandle.standardError.write(Data("\(text)\n".utf8))
        exit(2)
    }
}

/// What libFuzzer's call, which has no argument for it, works on; set once before the first call.
private struct Target {
    let parser: HostileParsers.Parser
    let world: HostileWorld
}
nonisolated(unsafe) private var target: Target?

/// libFuzzer calls this for every input, on one thread.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let target else { return 0 }
    let input = Array(UnsafeBufferPointer(start: data, count: count))
    if let fault = target.parser(input, target.world) { fatalError(fault) }
    return 0
}
