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
    }

    private struct Family {
        var kind: String
        var help: String
        var values: [String: Double] = [:]
        var histograms: [String: Histogram] = [:]
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
            var family = families[name.description] ?? Family(kind: "histogram", help: help.description)
            guard family.histograms[key] != nil || family.histograms.count < Metrics.maximumSeries else { return }
            var histogram =
                family.histograms[key] ?? Histogram(counts: Array(repeating: 0, count: Metrics.bounds.count + 1))
            let bucket = Metrics.bounds.firstIndex { seconds <= $0 } ?? Metrics.bounds.count
            histogram.counts[bucket] += 1
            histogram.sum += seconds
            family.histograms[key] = histogram
            families[name.description] = family
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
            var family = families[name.description] ?? Family(kind: kind.description, help: help.description)
            guard family.values[key] != nil || family.values.count < Metrics.maximumSeries else { return }
            change(&family.values[key, default: 0])
            families[name.description] = family
        }
    }

    private static func key(_ labels: KeyValuePairs<StaticString, LogValue>) -> String {
        labels.map { "\($0.key)=\"\($0.value.description.replacing("\"", with: ""))\"" }.joined(separator: ",")
    }
}
