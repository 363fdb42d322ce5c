import CryptoExtras
import Encoding

extension TPMTestKey {
    /// An RSA key that is the same each time, as `TestKeys.fixed` makes others; RSA keys cannot be made from a name. It is
    /// public and protects nothing.
    static func fixedRSA() throws -> TPMTestKey {
        .rsassa(try _RSA.Signing.PrivateKey(derRepresentation: Base64.decode(der, .lenient) ?? []))
    }

    /// PKCS#1.
    private static let der = """
        MIIEogIBAAKCAQEAvzwQnQmNasUYY3K+Wfe0WY+o6oO3di37iOLGenP4eWWTpCZV4f9becSZvzXi5Y6X9Ob5UchalHVAEkrz
        MPtZbnOdVcS6dDHz4im9hSwpX5pauglVBK/DHtxOI8nByNsUUsT1ns+nUho/mNcO9SUfVgZu4FoCN4kTNWL5IrHNPuRSMyIY
        DResZ9ucWkv9r65bmS3YCRhKEgzcO40YhTqyHvVP2Kod3ilt3cHz2ZCzyju7je1PlQxmqWkvOxGiMeD50Z3t367nNJxmT3XA
        SWY2XfC5FamszXsfTqpzl26HCvRBjb7AlUHVLs+QziJOweh1KoZrzCqqDP7NZWQy6nhC4wIDAQABAoIBAErGl9Bv3cY0D1dD
        lL7lJrYmgGxC2MfzLvnVgrp7Alulpld3TfmyufghMeUckv4kBbMTZcXey9xlBIqil/k9LzkLKChTZnzs02pJ2/toyzzAxF0e
        LQpKF8fHaR6BU67QS2AZ99kDZW+rJ9cBsK2WuGwQ0+YSC+/fP42Oh9BTKeg+/PeU6vC2WW6hsZ+jckKylnZO7TPIzncvasEr
        dlZB93wespfi4n2fDJNd/CHjW20OYNH1YB8pznm3E+AVb57yAwc9afpS1ClIfecczvtFymsZqb/nCDLRPgnzty6dPvhLuU2s
        O6Sb/VS3M2lvUkI5w2E1qcljddCF8bL62SYIeqECgYEA9wN1zpTk6XcF+CTjqtKQVKk4NdCKOVwPa+T2jqiouIiZ3aSlbNL/
        swLEyCgZyLjiiS/kcq13u+Ih+HZW5REDxgWk+f/E9HaW6Jp92TNv9av5yEU9PixQIespzjJqIohIr2GfJW95NuqFIPDw0Nwh
        /ferlUs5DWvdmQ+1yHl7sCsCgYEAxjEc2PKPpU0R0Vl1z52X5EiYeSKyciHNOneShwwZUe/N9nFr0rRQ2SP4Hu1twSBQr8bO
        Zsd5W8NyUHNmIK72owLka9r9pLNOSQY9HIfbyF5UKFJ2s2GZHAFxz08JAxgNMiLMLXh2n0I6QIu1cNr3TMrACQB7VwUwxDMH
        8Y4pJCkCgYB0Qr6qEs6DTDAVEVfOyPiBwHviaFsGkFv5znR1xNBUuoahGaN6yvzqxnzUMHuiS9Lj+xStHRRj7BVNGnXfrth1
        1aZGvKl43nA83qopFtq1aNJR/rTKlJTKwiKVGIl342lCktITDpqgzFUIoh7WTyX4oR+zTwp1VLWiGxDWYMdkrQKBgH+QQOcK
        SJa2ok9C62c0If2XFDxzrrNzOir1p2Qwz2NDnCeRHTtDP/5i/mK5ozj42bYpmdPhdCUyCTPq8sL6mliVlfwtua/2kN7DmzXv
        4/B1dml1ml0e5nN2IpCyaDSLmIK6jvx9Wqxq7h95TNFUvnO41B13J+v8tUSzK9u4CpbxAoGAKuCVqLloRAXsmR0TJSk1uXS8
        nmnwwM1N2vkXBXxIoSWrPdUpyBT0ETG/v6EjC/faC//oaimuPIzr7RQMQMUewpA2eFEUnFVY76WOf+qBIYzzEbJkHK8g0uHB
        C3XW/XJcWKZhS6QB/gcrl0TfLXH3LKLKq7DxMcavkeU+zRWJV+E=
        """
}
