/// What evidence says of the program that it is about.
package struct AttestedProgram: Sendable {
    /// MRENCLAVE (32 bytes), or the launch measurement of a guest (48).
    package var measurement: [UInt8]
    /// What whoever started it chose: CONFIGID, HOST_DATA, MRCONFIGID; 32 bytes.
    package var hostData: [UInt8]
    /// What it chose itself: 64 bytes.
    package var reportData: [UInt8]

    package init(measurement: [UInt8], hostData: [UInt8], reportData: [UInt8]) {
        self.measurement = measurement
        self.hostData = hostData
        self.reportData = reportData
    }
}
