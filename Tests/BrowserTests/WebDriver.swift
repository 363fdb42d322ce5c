import Encoding
import Foundation
import TestSupport

/// A browser that a test drives, over the WebDriver protocol (W3C) of Debian's chromedriver, without a library.
final class WebDriver: Sendable {
    /// Where Debian puts the driver, and the browser that it starts.
    static let driver = URL(filePath: "/usr/bin/chromedriver")
    static let isAvailable =
        FileManager.default.isExecutableFile(atPath: driver.path)
        && FileManager.default.isExecutableFile(atPath: "/usr/bin/chromium")

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    private let process: SpawnedProcess
    private let port: Int
    private let session: String
    private let profile: TemporaryFolder

    /// Starts a browser with an empty profile, and closes it after `body`.
    static func run<Result: Sendable>(
        width: Int = 1280, height: Int = 900, _ body: @Sendable (WebDriver) async throws -> Result
    ) async throws -> Result {
        let browser = try await WebDriver(width: width, height: height)
        do {
            let result = try await body(browser)
            await browser.close()
            return result
        } catch {
            await browser.close()
            throw error
        }
    }

    private init(width: Int, height: Int) async throws {
        profile = try TemporaryFolder()
        let log = profile.url.appending(path: "driver.log")
        process = try SpawnedProcess.start(WebDriver.driver, ["--port=0"], log: log)
        do {
            port = try await WebDriver.port(in: log)
            // The installation's authority is not in the browser's store. What the portal proves does not rest on TLS.
            let options: JSON = [
                "acceptInsecureCerts": true, "goog:loggingPrefs": ["browser": "ALL", "performance": "ALL"],
                "goog:chromeOptions": [
                    "args": [
                        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=en-GB",
                        .string("--window-size=\(width),\(height)"),
                        .string("--user-data-dir=\(profile.url.appending(path: "profile").path)"),
                    ]
                ],
            ]
            let answer = try await WebDriver.send(
                port, "POST", "/session", ["capabilities": ["alwaysMatch": options]])
            guard let id = answer["sessionId"]?.string else { throw Failure(description: "no session: \(answer)") }
            session = id
        } catch {
            await process.stop()
            throw error
        }
    }

    private func close() async {
        _ = try? await call("DELETE", "")
        await process.stop()
    }

    /// The driver says on its output which free port it took.
    private static func port(in log: URL) async throws -> Int {
        let limit = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < limit {
            let text = String(decoding: (try? Data(contentsOf: log)) ?? Data(), as: UTF8.self)
            if let match = text.firstMatch(of: /successfully on port (\d+)/), let port = Int(match.1) {
                return port
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw Failure(description: "chromedriver did not start")
    }

    // MARK: The protocol

    @discardableResult
    private func call(_ method: String, _ path: String, _ body: JSON? = nil) async throws -> JSON {
        try await WebDriver.send(port, method, "/session/\(session)\(path)", body)
    }

    private static func send(_ port: Int, _ method: String, _ path: String, _ body: JSON?) async throws -> JSON {
        let data = try await LoopbackHTTP.send(port: port, method: method, path: path, body: body?.canonical ?? [])
        let value = try JSON.parse(data, maximumDepth: 64)["value"] ?? .null
        if let error = value["error"]?.string {
            throw Failure(description: "\(error): \((value["message"]?.string ?? "").prefix(400))")
        }
        return value
    }

    // MARK: What tests do

    func open(_ url: String) async throws {
        try await call("POST", "/url", ["url": .string(url)])
    }

    func reload() async throws { try await call("POST", "/refresh", [:]) }

    /// Runs a function body in the page, through the debugger and so untouched by the page's own policy.
    @discardableResult
    func run(_ script: String, _ arguments: JSON...) async throws -> JSON {
        try await call("POST", "/execute/sync", ["script": .string(script), "args": .array(arguments)])
    }

    /// Runs the body of an `async` function and waits for its value.
    @discardableResult
    func runAsync(_ script: String, _ arguments: JSON...) async throws -> JSON {
        let wrapped = """
            const done = arguments[arguments.length - 1];
            (async (...args) => { \(script) })(...Array.from(arguments).slice(0, -1)).then((value) => done({ value }), (error) => done({ error: String(error) }));
            """
        let answer = try await call("POST", "/execute/async", ["script": .string(wrapped), "args": .array(arguments)])
        if let error = answer["error"]?.string { throw Failure(description: error) }
        return answer["value"] ?? .null
    }

    /// Asks until an expression is true.
    func wait(_ what: String, until expression: String, seconds: Int = 60) async throws {
        let limit = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < limit {
            if try await run("return Boolean(\(expression))").bool == true { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        let text = try await run("return document.body.innerText").string ?? ""
        throw Failure(description: "waited in vain for \(what); the page says: \(text.suffix(1_500))")
    }

    func wait(for selector: String, seconds: Int = 60) async throws {
        try await wait(selector, until: "document.querySelector(\(WebDriver.quoted(selector)))", seconds: seconds)
    }

    private func element(_ selector: String) async throws -> String {
        let found = try await call(
            "POST", "/element", ["using": "css selector", "value": .string(selector)])
        guard let id = found.object?.values.first?.string else { throw Failure(description: "no \(selector)") }
        return id
    }

    func click(_ selector: String) async throws {
        try await call("POST", "/element/\(try await element(selector))/click", [:])
    }

    /// Types as a person does; for a file input the text is a path.
    func type(_ text: String, into selector: String) async throws {
        try await call("POST", "/element/\(try await element(selector))/value", ["text": .string(text)])
    }

    /// A date control takes its keys in the order of the browser's language, so its value is set.
    func setDate(_ date: String, in selector: String) async throws {
        try await run(
            """
            const field = document.querySelector(arguments[0]);
            field.value = arguments[1];
            field.dispatchEvent(new Event('input', { bubbles: true }));
            """, .string(selector), .string(date))
    }

    /// Presses keys on whatever has the focus.
    func press(_ keys: String...) async throws {
        let actions = keys.flatMap { key -> [JSON] in
            [["type": "keyDown", "value": .string(key)], ["type": "keyUp", "value": .string(key)]]
        }
        try await call(
            "POST", "/actions", ["actions": [["type": "key", "id": "keyboard", "actions": .array(actions)]]])
    }

    func text(_ selector: String) async throws -> String {
        try await run("return document.querySelector(arguments[0])?.innerText ?? ''", .string(selector)).string ?? ""
    }

    func count(_ selector: String) async throws -> Int {
        Int(try await run("return document.querySelectorAll(arguments[0]).length", .string(selector)).integer ?? 0)
    }

    /// A command of the Chrome DevTools protocol.
    @discardableResult
    func command(_ name: String, _ parameters: JSON = [:]) async throws -> JSON {
        try await call("POST", "/goog/cdp/execute", ["cmd": .string(name), "params": parameters])
    }

    /// What the browser logged since the last call, one JSON object each; `performance` holds every network event.
    func log(_ kind: String) async throws -> [JSON] {
        let entries = try await call("POST", "/se/log", ["type": .string(kind)])
        return (entries.array ?? []).compactMap { entry in
            guard kind == "performance" else { return entry }
            return entry["message"]?.string.flatMap { try? JSON.parse($0, maximumDepth: 64) }?["message"]
        }
    }

    func setWidth(_ width: Int, height: Int = 900) async throws {
        try await command(
            "Emulation.setDeviceMetricsOverride",
            [
                "width": .integer(Int64(width)), "height": .integer(Int64(height)), "deviceScaleFactor": 1,
                "mobile": false,
            ])
    }

    func setColours(_ scheme: String) async throws {
        try await command(
            "Emulation.setEmulatedMedia", ["features": [["name": "prefers-color-scheme", "value": .string(scheme)]]])
    }

    /// Saves the whole page as an artefact, whatever its height.
    func screenshot(_ name: String) async throws {
        let size = try await run(
            "return [innerWidth, Math.min(6000, Math.max(600, document.documentElement.scrollHeight))]")
        guard let width = size.array?.first?.integer, let height = size.array?.last?.integer else { return }
        try await setWidth(Int(width), height: Int(height))
        let image = try await call("GET", "/screenshot")
        try await command("Emulation.clearDeviceMetricsOverride")
        guard let data = image.string.flatMap({ Data(base64Encoded: $0) }) else {
            throw Failure(description: "no screenshot")
        }
        try FileManager.default.createDirectory(at: Artefacts.folder, withIntermediateDirectories: true)
        try data.write(to: Artefacts.folder.appending(path: "portal-\(name).png"))
    }

    private static func quoted(_ text: String) -> String {
        String(decoding: JSON.string(text).canonical, as: UTF8.self)
    }
}

/// Where tests leave what people look at.
enum Artefacts {
    static let folder: URL = {
        if let path = ProcessInfo.processInfo.environment["CLOISTER_ARTEFACTS"] { return URL(filePath: path) }
        return ProjectFolders.root.appending(path: "Artefacts")
    }()
}
