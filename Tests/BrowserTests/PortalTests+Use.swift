import Encoding
import Foundation
import TestSupport
import Testing

/// What people with other screens, languages and tools meet, and what only a browser can compute.
extension PortalTests {
    @Test(arguments: ["en", "de"])
    func `at 320 pixels nothing scrolls sideways, in each language`(language: String) async throws {
        try await WebDriver.run { browser in
            try await browser.open(try stack.portal)
            try await browser.wait(for: ".pill.verified")
            try await browser.run(
                "const s = document.getElementById('language'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))",
                .string(language))
            try await browser.wait("the language", until: "document.documentElement.lang === '\(language)'")
            for view in ["sign-in", "trust"] {
                try await browser.setWidth(320)
                try await browser.click("[data-view=\(view)]")
                let width = try await browser.run("return document.documentElement.scrollWidth").integer ?? 0
                #expect(width <= 320, "\(view)")
                try await browser.screenshot("narrow-\(view)-\(language)")
            }
        }
    }

    @Test func `the keyboard reaches everything, the skip link first, and every control has a name`() async throws {
        try await WebDriver.run { browser in
            try await browser.open(try stack.portal)
            try await browser.wait(for: ".pill.verified")
            let tab = "\u{E004}"
            try await browser.press(tab)
            #expect(try await browser.run("return document.activeElement.className") == "skip")
            var seen: Set<String> = []
            for _ in 0..<40 {
                try await browser.press(tab)
                let name = try await browser.run(
                    "const e = document.activeElement; return e.tagName + ' ' + (e.name ?? '') + ' ' + (e.dataset?.view ?? '') + ' ' + e.className"
                ).string
                guard let name, seen.insert(name).inserted else { break }
            }
            for wanted in ["INPUT user", "INPUT password", "SELECT", "SUMMARY", "A  sign-in", "A  trust"] {
                #expect(seen.contains { $0.hasPrefix(wanted) || $0.contains(wanted) }, "\(wanted) in \(seen)")
            }
            let nameless = try await browser.command("Accessibility.getFullAXTree")["nodes"]?.array?.filter { node in
                let role = node["role"]?["value"]?.string ?? ""
                guard node["ignored"]?.bool != true,
                    ["button", "link", "textbox", "combobox", "checkbox", "slider"].contains(role)
                else { return false }
                return (node["name"]?["value"]?.string ?? "").isEmpty
            }
            #expect(nameless?.count == 0, "\(nameless ?? [])")
        }
    }

    @Test func `X-Wing: the combiner gives the published secret with this browser's ML-KEM-768 and X25519`()
        async throws
    {
        try await WebDriver.run { browser in
            try await browser.open(try stack.portal)
            try await browser.wait(for: ".pill.verified")
            let secret = try await browser.runAsync(
                """
                const bytes = (hex) => Uint8Array.from(hex.match(/../g), (two) => parseInt(two, 16));
                const { combine, canXWing } = await import('./channel/xwing.js');
                if (!(await canXWing())) return 'cannot';
                const [seed, publicKey, ciphertext] = args.map(bytes);
                const subtle = crypto.subtle;
                const mlkem = await subtle.importKey('raw-seed', seed.slice(0, 64), { name: 'ML-KEM-768' }, false, ['decapsulateBits']);
                const mlkemSecret = new Uint8Array(await subtle.decapsulateBits({ name: 'ML-KEM-768' }, mlkem, ciphertext.slice(0, 1088)));
                const b64 = (part) => btoa(String.fromCharCode(...part)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
                const own = await subtle.importKey('jwk', { kty: 'OKP', crv: 'X25519', x: b64(publicKey.slice(1184)), d: b64(seed.slice(64)) }, { name: 'X25519' }, false, ['deriveBits']);
                const theirs = await subtle.importKey('raw', ciphertext.slice(1088), { name: 'X25519' }, false, []);
                const x25519Secret = new Uint8Array(await subtle.deriveBits({ name: 'X25519', public: theirs }, own, 256));
                const shared = combine(mlkemSecret, x25519Secret, ciphertext.slice(1088), publicKey.slice(1184));
                return [...shared].map((one) => one.toString(16).padStart(2, '0')).join('');
                """, .string(XWingVector.expandedSeed), .string(XWingVector.publicKey), .string(XWingVector.ciphertext))
            #expect(secret.string == XWingVector.secret)
        }
    }

    @Test func `where the browser has no ML-KEM, the page seals with P-256 and the platform opens it`() async throws {
        try await WebDriver.run { browser in
            try await browser.command(
                "Page.addScriptToEvaluateOnNewDocument",
                [
                    "source":
                        "delete SubtleCrypto.prototype.encapsulateBits; delete SubtleCrypto.prototype.encapsulateKey;"
                ])
            try await browser.open(try stack.portal)
            try await browser.wait(for: ".pill.verified")
            try await browser.type("nobody", into: "section [name=user]")
            try await browser.type("not the right one", into: "section [name=password]")
            try await browser.click("section form button.primary")
            try await browser.wait(for: ".form-message .notice.bad")
            // The refusal came out of the sealed answer: the unit opened the request.
            #expect(try await browser.text(".form-message").contains("login-invalid"))
        }
    }
}
