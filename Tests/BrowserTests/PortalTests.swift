import Encoding
import Foundation
import TestSupport
import Testing

/// The portal of a running installation, in a real browser.
@Suite(
    .serialized, .withPortalStack, .enabled(if: WebDriver.isAvailable, "needs Debian's chromium and chromium-driver"),
    .enabled(if: ProjectFolders.onnxRuntime != nil, "make test fetches ONNX Runtime"))
struct PortalTests {
    var stack: PortalStack { get throws { try #require(PortalStack.current) } }

    /// Opens the portal with a listener for violations of its security policy.
    private func open(_ browser: WebDriver) async throws {
        try await browser.command(
            "Page.addScriptToEvaluateOnNewDocument",
            [
                "source": """
                globalThis.violations = [];
                addEventListener('securitypolicyviolation', (event) => violations.push(`${event.violatedDirective} ${event.blockedURI}`));
                """
            ])
        try await browser.open(try stack.portal)
    }

    private func openVerified(_ browser: WebDriver) async throws {
        try await open(browser)
        try await browser.wait(for: ".pill.verified")
    }

    /// Signs in; the first time by opening the account with the enrolment secret.
    private func signIn(_ browser: WebDriver) async throws {
        let clerk = try stack.clerk
        var form = "section.card > form"
        if await clerk.hasAccount {
            try await browser.type(clerk.password, into: "\(form) [name=password]")
        } else {
            form = ".first-time"
            try await browser.click("\(form) summary")
            try await browser.type(try stack.enrolmentSecret(), into: "\(form) [name=enrolment]")
            try await browser.type(clerk.password, into: "\(form) [name=newPassword]")
        }
        try await browser.type(clerk.user, into: "\(form) [name=user]")
        try await browser.click("\(form) button.primary")
        try await browser.wait(for: "[name=family]")
        await clerk.opened()
    }

    private func enterPatient(_ browser: WebDriver, family: String, given: String = "Ada") async throws {
        try await browser.type(family, into: "[name=family]")
        try await browser.type(given, into: "[name=given]")
        try await browser.setDate("1980-02-03", in: "[name=birthDate]")
    }

    @Test func `a clerk signs up, enters a patient, uploads a slice and sees result and passport`() async throws {
        try await WebDriver.run { browser in
            _ = try await browser.log("performance")
            try await openVerified(browser)
            try await browser.screenshot("sign-in")
            try await signIn(browser)

            // Required fields say so, each beside itself and tied to it.
            try await browser.click("main form button.primary")
            #expect(try await browser.count("[aria-invalid=true]") == 3)
            let tied = try await browser.run(
                "const field = document.activeElement; return field.getAttribute('aria-describedby').split(' ').some((id) => document.getElementById(id)?.innerText.length > 0)"
            )
            #expect(tied == true, "the focus is in the first wrong field, and its message is tied to it")

            let family = "Kanarienvogel\(Hex.encode(Randomness.system.bytes(4)))"
            try await enterPatient(browser, family: family)
            try await browser.type("Penicillin", into: "[name=allergies]")
            try await browser.screenshot("intake")
            try await browser.click("main form button.primary")
            try await browser.wait(for: ".receipt")
            try await browser.click(".receipt button.primary")
            try await browser.wait(for: "input[type=file]")
            try await browser.type(
                ProjectFolders.samples.appending(path: "brain-head-256.dcm").path, into: "input[type=file]")
            try await browser.wait(for: ".file")
            try await browser.screenshot("imaging")
            try await browser.click("main form button.primary")
            try await browser.wait(
                "the result", until: "document.querySelector('.job.done button, .job.failed')", seconds: 180)
            #expect(try await browser.count(".job.failed") == 0)
            try await browser.click(".job.done button")
            try await browser.wait(
                "the passport", until: "document.querySelector('.hop') || document.querySelector('section .notice.bad')"
            )
            #expect(try await browser.text("h1").contains(family))
            #expect(try await browser.count(".hop") >= 2)
            #expect(try await browser.count(".checks .failed") == 0)
            #expect(try await browser.count(".checks .passed") >= 8)
            #expect(try await browser.text("main").contains("Not a diagnosis."))
            let volumes = try await browser.text(".numbers")
            for tissue in ["Cerebrospinal fluid", "Grey matter", "White matter"] { #expect(volumes.contains(tissue)) }
            let painted = try await browser.run(
                "const c = document.querySelector('canvas.overlay'); const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n"
            )
            #expect((painted.integer ?? 0) > 5_000, "labels are painted over the image")
            try await browser.screenshot("result")
            try await browser.setColours("dark")
            try await browser.screenshot("result-dark")

            try await browser.click("[data-view=trust]")
            try await browser.wait(for: ".tree")
            try await browser.wait(
                "what this browser verified, and what it was told",
                until: "document.querySelectorAll('.node.browser').length === 7"
                    + " && document.querySelectorAll('.node.stated').length === 2")
            try await browser.screenshot("who-can-see-what-dark")
            try await browser.setColours("light")
            try await browser.screenshot("who-can-see-what")

            try await requireQuiet(browser, canary: family)
        }
    }

    /// Nothing left the page in the clear, nothing before verification, and no policy was violated.
    private func requireQuiet(_ browser: WebDriver, canary: String) async throws {
        #expect(try await browser.run("return violations") == .array([]))
        #expect(try await browser.run("return document.cookie") == "")
        #expect(try await browser.run("return location.href").string?.contains("?") == false)
        let problems = try await browser.log("browser").compactMap { $0["message"]?.string }
        #expect(problems.filter { !$0.contains("favicon") } == [])

        let requests = try await browser.log("performance").filter {
            $0["method"]?.string == "Network.requestWillBeSent"
        }
        .compactMap { $0["params"]?["request"] }
        #expect(!requests.isEmpty)
        var isAppraised = false
        for request in requests {
            let url = request["url"]?.string ?? ""
            let headers = request["headers"]?.object ?? [:]
            #expect(
                !url.contains(canary) && !"\(headers)".contains(canary)
                    && !(request["postData"]?.string ?? "").contains(canary))
            for name in headers.keys { #expect(!["cookie", "authorization"].contains(name.lowercased()), "\(url)") }
            guard request["method"]?.string == "POST" else { continue }
            if url.contains("/attest/") {
                isAppraised = true
            } else {
                // AC-135: the only other thing that leaves is sealed, to a key by its name, after the appraisal.
                #expect(isAppraised, "\(url) was sent before the unit was verified")
                #expect(url.hasPrefix(try stack.platform + "/channel/"))
                #expect(headers.first { $0.key.lowercased() == "content-type" }?.value == "message/ohttp-req")
            }
        }
    }

    @Test func `the banner about the simulated root is there on every view and cannot be dismissed`() async throws {
        try await WebDriver.run { browser in
            try await openVerified(browser)
            for view in ["sign-in", "trust"] {
                try await browser.click("[data-view=\(view)]")
                let seen = try await browser.run(
                    "const b = document.querySelector('.simulated'); const r = b?.getBoundingClientRect(); return Boolean(r && r.width > 200 && r.height > 10 && b.querySelectorAll('button, a, summary').length === 0)"
                )
                #expect(seen == true)
            }
            try await browser.press("\u{E00C}")
            #expect(try await browser.count(".simulated") == 1)
        }
    }

    @Test func `AC-136 markup in a patient's fields stays text everywhere`() async throws {
        try await WebDriver.run { browser in
            try await openVerified(browser)
            try await signIn(browser)
            let markup = "<img src=x onerror=\"globalThis.injected=1\"><script>globalThis.injected=2</script>"
            try await enterPatient(browser, family: markup, given: "{{7*7}}'\"--><svg onload=globalThis.injected=3>")
            try await browser.type("javascript:globalThis.injected=4", into: "[name=address]")
            try await browser.click("main form button.primary")
            try await browser.wait(for: ".receipt")
            try await browser.click(".receipt button.primary")
            try await browser.wait(for: "[name=patient] option")
            let options = try await browser.run(
                "return [...document.querySelectorAll('[name=patient] option')].map((one) => one.textContent)")
            #expect(options.strings?.contains { $0.hasPrefix(markup) } == true)
            #expect(try await browser.count("#portal img, #portal script, main svg[onload]") == 0)
            #expect(try await browser.run("return globalThis.injected === undefined") == true)
            #expect(try await browser.run("return violations") == .array([]))
        }
    }

    @Test func `a wrong password is refused inside the sealed answer, and nothing of it stays in the page`()
        async throws
    {
        try await WebDriver.run { browser in
            try await openVerified(browser)
            try await browser.type("nobody", into: "section [name=user]")
            try await browser.type("not the right one", into: "section [name=password]")
            try await browser.click("section form button.primary")
            try await browser.wait(for: ".form-message .notice.bad")
            #expect(try await browser.text(".form-message").contains("login-invalid"))
            #expect(
                try await browser.run(
                    "return JSON.stringify([{ ...localStorage }, { ...sessionStorage }]).includes('nobody')") == false)
        }
    }

    @Test func `a picture that is no DICOM file is named before anything is sent`() async throws {
        try await WebDriver.run { browser in
            try await openVerified(browser)
            try await signIn(browser)
            try await enterPatient(browser, family: "Bild")
            try await browser.click("main form button.primary")
            try await browser.wait(for: ".receipt")
            try await browser.click(".receipt button.primary")
            try await browser.wait(for: "input[type=file]")
            let folder = try TemporaryFolder()
            let picture = folder.url.appending(path: "picture.dcm")
            try Data([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] + [UInt8](repeating: 0, count: 400)).write(
                to: picture)
            try await browser.type(picture.path, into: "input[type=file]")
            try await browser.wait(for: ".chosen .notice.bad")
            // Not a picture either, but no DICOM file: the platform unit says so, and the clerk can go on.
            // Of another name: choosing the same one again is no change to the browser.
            let noise = folder.url.appending(path: "noise.dcm")
            try Data([UInt8](repeating: 7, count: 4_000)).write(to: noise)
            try await browser.type(noise.path, into: "input[type=file]")
            try await browser.wait(for: ".chosen .notice.warn")
            try await browser.click("main form button.primary")
            try await browser.wait(for: ".upload .notice.bad")
            #expect(try await browser.text(".upload").contains("image-invalid"))
        }
    }

    @Test func `AC-135 when the unit cannot be verified, the forms say why and nothing is sealed`() async throws {
        try await WebDriver.run { browser in
            try await openVerified(browser)
            // This browser has seen a newer policy than the one that is served now.
            try await browser.run(
                """
                const memory = JSON.parse(localStorage.getItem('cloister-portal-memory/1'));
                for (const name of Object.keys(memory.sequences)) memory.sequences[name] += 5;
                localStorage.setItem('cloister-portal-memory/1', JSON.stringify(memory));
                """)
            _ = try await browser.log("performance")
            try await browser.reload()
            try await browser.wait(for: ".pill.refused")
            #expect(try await browser.text("[role=alert]").contains("endorsement-invalid"))
            #expect(try await browser.count("main button.primary:not([disabled])") == 0)
            #expect(try await browser.text("main .reason") != "")
            try await browser.screenshot("refused")
            let sent = try await browser.log("performance").filter {
                $0["method"]?.string == "Network.requestWillBeSent"
            }
            .compactMap { $0["params"]?["request"]?["method"]?.string }
            #expect(!sent.contains("POST"))
        }
    }

    @Test func `a changed pin interrupts before any service is asked, and can be accepted only on purpose`()
        async throws
    {
        try await WebDriver.run { browser in
            try await openVerified(browser)
            try await browser.run(
                """
                const memory = JSON.parse(localStorage.getItem('cloister-portal-memory/1'));
                memory.pins.party = 'A'.repeat(43);
                localStorage.setItem('cloister-portal-memory/1', JSON.stringify(memory));
                """)
            _ = try await browser.log("performance")
            try await browser.reload()
            try await browser.wait(for: ".changes")
            #expect(try await browser.text(".changes").contains(String(repeating: "A", count: 43)))
            let asked = try await browser.log("performance").filter {
                $0["method"]?.string == "Network.requestWillBeSent"
            }
            .compactMap { $0["params"]?["request"]?["url"]?.string }.filter { !$0.hasPrefix((try? stack.portal) ?? "") }
            #expect(asked == [])
            try await browser.screenshot("changed")
            try await browser.click(".danger")
            try await browser.wait(for: ".pill.verified")
            try await browser.reload()
            try await browser.wait(for: ".pill.verified")
        }
    }

    @Test func `AC-134 a module with one changed byte does not start the page`() async throws {
        let folder = try TemporaryFolder()
        let copy = folder.url.appending(path: "portal")
        try FileManager.default.copyItem(at: try stack.state.appending(path: "portal"), to: copy)
        let module = copy.appending(path: "trust/snp.js")
        var text = String(decoding: try Data(contentsOf: module), as: UTF8.self)
        text = text.replacingOccurrences(of: "'debug-enabled'", with: "'debug-enableD'")
        try Data(text.utf8).write(to: module)
        let ready = folder.url.appending(path: "ready")
        let log = folder.url.appending(path: "log")
        let keys = try stack.state.appending(path: "hospital/keys")
        let host = try PortalStack.start(
            [
                "portal", "serve", copy.path, "--certificate", keys.appending(path: "portal.tls.pem").path, "--key",
                keys.appending(path: "portal.tls-key.pem").path, "--ready", ready.path,
            ], log: log)
        do {
            try await requireNoStart("https://localhost:\(try await port(in: ready))")
            await host.stop()
        } catch {
            await host.stop()
            throw error
        }
    }

    /// The port that a server wrote once it listens.
    private func port(in file: URL) async throws -> Int {
        let limit = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < limit {
            let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
            if let port = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) { return port }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw PortalStack.Failure(description: "the static host did not start")
    }

    private func requireNoStart(_ address: String) async throws {
        try await WebDriver.run { browser in
            _ = try await browser.log("browser")
            try await browser.open(address)
            try await browser.wait("the end of loading", until: "document.readyState === 'complete'")
            var said: [String] = []
            let limit = ContinuousClock.now + .seconds(20)
            while !said.contains(where: { $0.contains("integrity") }), ContinuousClock.now < limit {
                said += try await browser.log("browser").compactMap { $0["message"]?.string }
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(said.contains { $0.contains("integrity") && $0.contains("snp.js") })
            #expect(try await browser.count("header, main:not(.stopped), form") == 0)
        }
    }
}
