import Encoding

/// A patient who does not exist, with a family name that nothing else contains: whoever searches logs and databases for
/// it finds it nowhere.
struct SyntheticPatient: Sendable {
    let family: String
    private let given: String

    init(_ randomness: Randomness = .system) {
        let consonants = Array("bdfgklmnprstvz")
        let vowels = Array("aeiou")
        var name = ""
        for pair in randomness.bytes(12).enumerated() {
            name.append(
                pair.offset.isMultiple(of: 2) ? consonants[Int(pair.element) % 14] : vowels[Int(pair.element) % 5])
        }
        family = name.prefix(1).uppercased() + name.dropFirst()
        given = ["Ada", "Emil", "Ines", "Jonas", "Mira", "Tomas"][Int(randomness.bytes(1)[0]) % 6]
    }

    var json: JSON {
        [
            "family": .string(family), "given": .string(given), "birthDate": "1970-01-01", "sex": "unknown",
            "address": "1 Example Street", "conditions": "none known", "admissionDate": "2026-01-01",
        ]
    }
}
