package import Encoding

/// When the parts of a simulated vendor's world hold.
package struct Dates: Sendable {
    /// First second of every certificate.
    package var issued: Timestamp
    /// Last second of authorities' certificates, and of machines' and signers' own.
    package var authoritiesEnd: Timestamp
    package var machinesEnd: Timestamp
    /// From when until before when lists and signed documents hold.
    package var collateral: Timestamp
    package var collateralEnd: Timestamp

    /// Seconds in a day.
    package static let day: Int64 = 86_400

    /// Authorities for 20 years, machines for 7, as the vendors' are; collateral for 30 days.
    ///
    /// - Parameters:
    ///   - issued: first second of every certificate.
    ///   - collateral: first second of the collateral.
    package init(issued: Timestamp, collateral: Timestamp) {
        self.issued = issued
        authoritiesEnd = issued + 20 * 365 * Dates.day
        machinesEnd = issued + 7 * 365 * Dates.day
        self.collateral = collateral
        collateralEnd = collateral + 30 * Dates.day
    }
}
