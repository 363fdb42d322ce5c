import Synchronization

/// Counters, gauges and histograms of one service, rendered in the Prometheus text format.
///
/// Label values come from static strings and identifiers (the same rule as for logs), and each metric keeps at most
/// `maximumSeries` combinations, so that no caller can grow it.
package final class Metrics: Sendable {
    package static let maximumSeries = 256

    private struct Histogram {
        var counts: [UInt64]
        var sum: Double = 0

        mutating func add(_ seconds: Double, _ bucket: Int) {
            counts[bucket] += 1
            sum += seconds
        }
    }

    private struct Family {
        var kind: String
        var help: String
        var values: [String: Double] = [:]
        var histograms: [String: Histogram] = [:]

        // In place: a copy of all series with each call would cost more than the rest of it.
        mutating func change(_ key: String, _ change: (inout Double) -> Void) {
            guard values.count < Metrics.maximumSeries || values[key] != nil else { return }
            change(&values[key, default: 0])
        }

        mutating func add(seconds: Double, to key: String) {
            guard histograms.count < Metrics.maximumSeries || histograms[key] != nil else { return }
            let bucket = Metrics.bounds.firstIndex { seconds <= $0 } ?? Metrics.bounds.count
            histograms[key, default: Histogram(counts: Array(repeating: 0, count: Metrics.bounds.count + 1))]
                .add(seconds, bucket)
        }
    }

    private static let bounds: [Double] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30]
    private let families = Mutex<[String: Family]>([:])

    package init() {}

    /// Adds to a counter. By convention the name ends in `_total`.
    package func count(
        _ name: StaticString, _ help: StaticString, _ labels: KeyValuePairs<StaticString, LogValue> = [:],
        by amount: Double = 1
    ) {
        update(name, kind: "counter", help, labels) { $0 += amount }
    }

    /// Sets a gauge.
    package func set(
        _ name: StaticString, _ help: StaticString, _ labels: KeyValuePairs<StaticString, LogValue> = [:],
        to value: Double
    ) {
        update(name, kind: "gauge", help, labels) { $0 = value }
    }

    /// Records a duration in seconds.
    package func observe(
        _ name: StaticString, _ help: StaticString, _ labels: KeyValuePairs<StaticString, LogValue> = [:],
        seconds: Double
    ) {
        let key = Metrics.key(labels)
        families.withLock { families in
            families[name.description, default: Family(kind: "histogram", help: help.description)]
                .add(seconds: seconds, to: key)
        }
    }

    /// The text of `/metrics`.
    package func render() -> String {
        let families = families.withLock { $0 }
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            text += "# HELP \(name) \(family.help)\n# TYPE \(name) \(family.kind)\n"
            for (labels, value) in family.values.sorted(by: { $0.key < $1.key }) {
                text += "\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(value)\n"
            }
            for (labels, histogram) in family.histograms.sorted(by: { $0.key < $1.key }) {
                var total: UInt64 = 0
                let prefix = labels.isEmpty ? "" : labels + ","
                for (index, count) in histogram.counts.enumerated() {
                    total += count
                    let bound = index < Metrics.bounds.count ? String(Metrics.bounds[index]) : "+Inf"
                    text += "\(name)_bucket{\(prefix)le=\"\(bound)\"} \(total)\n"
                }
                let suffix = labels.isEmpty ? "" : "{\(labels)}"
                text += "\(name)_sum\(suffix) \(histogram.sum)\n\(name)_count\(suffix) \(total)\n"
            }
        }
        return text
    }

    private func update(
        _ name: StaticString, kind: StaticString, _ help: StaticString,
        _ labels: KeyValuePairs<StaticString, LogValue>, _ change: (inout Double) -> Void
    ) {
        let key = Metrics.key(labels)
        families.withLock { families in
            families[name.description, default: Family(kind: kind.description, help: help.description)]
                .change(key, change)
        }
    }

    private static func key(_ labels: KeyValuePairs<StaticString, LogValue>) -> String {
        var text = ""
        for (name, value) in labels {
            if !text.isEmpty { text += "," }
            text += name.description
            text += "=\""
            let isPlain = !value.description.utf8.contains(UInt8(ascii: "\""))
            text += isPlain ? value.description : value.description.replacing("\"", with: "")
            text += "\""
        }
        return text
    }
}
