/// Rows in columns, each as wide as its widest cell; the last one is left as it is.
struct Table {
    private var rows: [[String]] = []
    private let indent: String

    init(indent: Int = 2) {
        self.indent = String(repeating: " ", count: indent)
    }

    mutating func row(_ cells: String...) { rows.append(cells) }

    var text: String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? Table.width($0[column]) : 0 }.max() ?? 0
        }
        return rows.map { row in
            var line = indent
            for (column, cell) in row.enumerated() {
                line += cell
                if column < row.count - 1 {
                    line += String(repeating: " ", count: widths[column] - Table.width(cell) + 2)
                }
            }
            return line
        }.joined(separator: "\n")
    }

    /// Characters that take a place on the screen: colour sequences do not.
    private static func width(_ text: String) -> Int {
        var width = 0
        var isEscape = false
        for character in text {
            if character == "\u{1b}" {
                isEscape = true
            } else if isEscape {
                if character == "m" { isEscape = false }
            } else {
                width += 1
            }
        }
        return width
    }
}
