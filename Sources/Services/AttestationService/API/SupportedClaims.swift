/// What tokens may carry, for `claims_supported` of the discovery document (attestation API reference, section 9).
enum SupportedClaims {
    static let names: [String] =
        general + sgx.map { "x-ms-sgx-" + $0 } + snp.map { "x-ms-sevsnpvm-" + $0 } + tdx.map { "tdx_" + $0 }
        + guest.map { "x-ms-azurevm-" + $0 }

    private static let general = [
        "exp", "iat", "iss", "jti", "nbf", "nonce", "cnf", "rp_data", "aas-ehd", "maa-attestationcollateral", "maa-ehd",
        "is-debuggable", "product-id", "sgx-mrenclave", "sgx-mrsigner", "svn", "tee", "attester_tcb_status", "dbgstat",
        "eat_profile", "intuse", "secureboot", "x-cloister-grade", "x-cloister-revocable", "x-cloister-tcb-status",
        "x-cloister-valid-until", "x-ms-attestation-type", "x-ms-compliance-status", "x-ms-inittime",
        "x-ms-isolation-tee", "x-ms-policy",
        "x-ms-policy-hash", "x-ms-policy-signer", "x-ms-runtime", "x-ms-ver",
    ]
    private static let sgx = [
        "collateral", "config-id", "config-svn", "ehd", "is-debuggable", "isv-extended-product-id", "isv-family-id",
        "mrenclave", "mrsigner", "product-id", "report-data", "svn",
    ]
    private static let snp = [
        "authorkeydigest", "bootloader-svn", "chip-family", "chipid", "ciphertext-hiding-dram-enabled", "cxl-allowed",
        "familyId", "guestsvn", "hostdata", "idkeydigest", "imageId", "is-debuggable", "launchmeasurement",
        "mem-aes256-xts-required", "microcode-svn", "migration-allowed", "page-swap-disabled", "rapl-disabled",
        "reportdata", "reportid", "singlesocket", "smt-allowed", "snpfw-svn", "tee-svn", "vmpl",
    ]
    private static let tdx = [
        "mrconfigid", "mrowner", "mrownerconfig", "mrseam", "mrsignerseam", "mrtd", "report_data", "rtmr0", "rtmr1",
        "rtmr2", "rtmr3", "seam_attributes", "seamsvn", "td_attributes", "td_attributes_debug",
        "td_attributes_hgs_plus_prof", "td_attributes_icssd", "td_attributes_key_locker", "td_attributes_migratable",
        "td_attributes_perf_prof", "td_attributes_perfmon", "td_attributes_pmt_prof", "td_attributes_protection_keys",
        "td_attributes_septve_disable", "tee_tcb_svn", "xfam", "xfam_cet_s", "xfam_cet_u",
    ]
    private static let guest = [
        "attestation-protocol-ver", "attested-pcrs", "bootdebug-enabled", "dbvalidated", "dbxvalidated",
        "debuggersdisabled", "default-securebootkeysvalidated", "elam-enabled", "flightsigning-enabled", "hvci-policy",
        "hypervisordebug-enabled", "is-windows", "kerneldebug-enabled", "osbuild", "osdistro", "ostype",
        "osversion-major", "osversion-minor", "signingdisabled", "testsigning-enabled", "vmid",
    ]
}
