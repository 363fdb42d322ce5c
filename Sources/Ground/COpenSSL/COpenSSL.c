#include "COpenSSL.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/modes.h>
#include <openssl/obj_mac.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

static EVP_PKEY *parse(const uint8_t *bytes, size_t length, int type) {
    if (length > 65536) return NULL;
    const unsigned char *start = bytes;
    // A private key begins with its version, a public one with its algorithm; to try both takes milliseconds.
    size_t first = length > 1 && (bytes[1] & 0x80) ? 2 + (size_t)(bytes[1] & 0x7f) : 2;
    if (first >= length) return NULL;
    EVP_PKEY *key = bytes[first] == 0x02 ? d2i_AutoPrivateKey(NULL, &start, (long)length)
                                         : d2i_PUBKEY(NULL, &start, (long)length);
    if (key != NULL && (start != bytes + length || EVP_PKEY_get_base_id(key) != type)) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return key;
}

static const EVP_MD *digest_of(int hash) {
    switch (hash) {
    case 1: return EVP_sha1();
    case 256: return EVP_sha256();
    case 384: return EVP_sha384();
    case 512: return EVP_sha512();
    default: return NULL;
    }
}

// Frees what an operation used. Its reasons are not for callers, and must not wait in the thread's queue for others.
static int finish(int done, EVP_PKEY_CTX *context, EVP_PKEY *key) {
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return done == 1;
}

static int set_signature(EVP_PKEY_CTX *context, int hash, int isPSS) {
    const EVP_MD *digest = digest_of(hash);
    if (EVP_PKEY_CTX_set_rsa_padding(context, isPSS ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) != 1) return 0;
    if (digest == NULL) return !isPSS;
    if (EVP_PKEY_CTX_set_signature_md(context, digest) != 1) return 0;
    return !isPSS || EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

int cloister_rsa_sign(const uint8_t *keyBytes, size_t keyLength, int hash, int isPSS, const uint8_t *digest,
                      size_t digestLength, uint8_t *out, size_t *outLength) {
    EVP_PKEY *key = parse(keyBytes, keyLength, EVP_PKEY_RSA);
    EVP_PKEY_CTX *context = key == NULL ? NULL : EVP_PKEY_CTX_new(key, NULL);
    int done = context != NULL && EVP_PKEY_sign_init(context) == 1 && set_signature(context, hash, isPSS)
        && EVP_PKEY_sign(context, out, outLength, digest, digestLength) == 1;
    return finish(done, context, key);
}

int cloister_rsa_verify(const uint8_t *keyBytes, size_t keyLength, int hash, int isPSS, const uint8_t *digest,
                        size_t digestLength, const uint8_t *signature, size_t signatureLength) {
    EVP_PKEY *key = parse(keyBytes, keyLength, EVP_PKEY_RSA);
    EVP_PKEY_CTX *context = key == NULL ? NULL : EVP_PKEY_CTX_new(key, NULL);
    int done = context != NULL && EVP_PKEY_verify_init(context) == 1 && set_signature(context, hash, isPSS)
        && EVP_PKEY_verify(context, signature, signatureLength, digest, digestLength) == 1;
    return finish(done, context, key);
}

static int set_encryption(EVP_PKEY_CTX *context, int hash) {
    const EVP_MD *digest = digest_of(hash);
    if (digest == NULL) return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1
        && EVP_PKEY_CTX_set_rsa_oaep_md(context, digest) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest) == 1;
}

int cloister_rsa_encrypt(const uint8_t *keyBytes, size_t keyLength, int hash, const uint8_t *in, size_t inLength,
                         uint8_t *out, size_t *outLength) {
    EVP_PKEY *key = parse(keyBytes, keyLength, EVP_PKEY_RSA);
    EVP_PKEY_CTX *context = key == NULL ? NULL : EVP_PKEY_CTX_new(key, NULL);
    int done = context != NULL && EVP_PKEY_encrypt_init(context) == 1 && set_encryption(context, hash)
        && EVP_PKEY_encrypt(context, out, outLength, in, inLength) == 1;
    return finish(done, context, key);
}

int cloister_rsa_decrypt(const uint8_t *keyBytes, size_t keyLength, int hash, const uint8_t *in, size_t inLength,
                         uint8_t *out, size_t *outLength) {
    EVP_PKEY *key = parse(keyBytes, keyLength, EVP_PKEY_RSA);
    EVP_PKEY_CTX *context = key == NULL ? NULL : EVP_PKEY_CTX_new(key, NULL);
    int done = context != NULL && EVP_PKEY_decrypt_init(context) == 1 && set_encryption(context, hash)
        && EVP_PKEY_decrypt(context, out, outLength, in, inLength) == 1;
    return finish(done, context, key);
}

int cloister_ec_sign(const uint8_t *keyBytes, size_t keyLength, size_t coordinate, const uint8_t *digest,
                     size_t digestLength, uint8_t *out) {
    EVP_PKEY *key = parse(keyBytes, keyLength, EVP_PKEY_EC);
    EVP_PKEY_CTX *context = key == NULL ? NULL : EVP_PKEY_CTX_new(key, NULL);
    uint8_t der[160];
    size_t length = sizeof der;
    const unsigned char *start = der;
    ECDSA_SIG *signature = NULL;
    int done = context != NULL && EVP_PKEY_sign_init(context) == 1
        && EVP_PKEY_sign(context, der, &length, digest, digestLength) == 1
        && (signature = d2i_ECDSA_SIG(NULL, &start, (long)length)) != NULL
        && BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, (int)coordinate) == (int)coordinate
        && BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + coordinate, (int)coordinate) == (int)coordinate;
    ECDSA_SIG_free(signature);
    return finish(done, context, key);
}

int cloister_ec_verify(const uint8_t *keyBytes, size_t keyLength, size_t coordinate, const uint8_t *digest,
                       size_t digestLength, const uint8_t *raw) {
    EVP_PKEY *key = parse(keyBytes, keyLength, EVP_PKEY_EC);
    EVP_PKEY_CTX *context = key == NULL ? NULL : EVP_PKEY_CTX_new(key, NULL);
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, (int)coordinate, NULL);
    BIGNUM *s = BN_bin2bn(raw + coordinate, (int)coordinate, NULL);
    unsigned char *der = NULL;
    int length = 0;
    int done = 0;
    if (signature != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(signature, r, s) == 1) {
        r = s = NULL;  // The signature owns them now.
        length = i2d_ECDSA_SIG(signature, &der);
        done = context != NULL && length > 0 && EVP_PKEY_verify_init(context) == 1
            && EVP_PKEY_verify(context, der, (size_t)length, digest, digestLength) == 1;
    }
    OPENSSL_free(der);
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(signature);
    return finish(done, context, key);
}

int cloister_secp256k1_point(const uint8_t *number, uint8_t *out) {
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_secp256k1);
    BN_CTX *context = BN_CTX_secure_new();
    BIGNUM *secret = BN_secure_new();
    EC_POINT *point = group == NULL ? NULL : EC_POINT_new(group);
    uint8_t octets[65];
    int done = 0;
    if (point != NULL && context != NULL && secret != NULL && BN_bin2bn(number, 32, secret) != NULL) {
        BN_set_flags(secret, BN_FLG_CONSTTIME);
        done = !BN_is_zero(secret) && BN_cmp(secret, EC_GROUP_get0_order(group)) < 0
            && EC_POINT_mul(group, point, secret, NULL, NULL, context) == 1
            && EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, octets, sizeof octets, context)
                == sizeof octets;
    }
    for (size_t index = 0; done && index < 64; index++) out[index] = octets[index + 1];
    EC_POINT_free(point);
    BN_clear_free(secret);
    BN_CTX_free(context);
    EC_GROUP_free(group);
    ERR_clear_error();
    return done;
}

typedef struct {
    EVP_CIPHER_CTX *cipher;
    int failed;
} BlockCipher;

static void encrypt_block(const unsigned char in[16], unsigned char out[16], const void *key) {
    BlockCipher *block = (BlockCipher *)key;
    int length = 0;
    if (EVP_EncryptUpdate(block->cipher, out, &length, in, 16) != 1 || length != 16) block->failed = 1;
}

int cloister_aes_wrap_padded(const uint8_t *key, size_t keyLength, const uint8_t *in, size_t inLength, uint8_t *out,
                             size_t *outLength) {
    // OpenSSL's own wrapping ciphers do not use the processor's AES instructions, these do: two to three times as fast.
    const EVP_CIPHER *cipher = keyLength == 16 ? EVP_aes_128_ecb()
        : keyLength == 24                      ? EVP_aes_192_ecb()
        : keyLength == 32                      ? EVP_aes_256_ecb()
                                               : NULL;
    BlockCipher block = {EVP_CIPHER_CTX_new(), 0};
    size_t length = 0;
    if (cipher != NULL && block.cipher != NULL && inLength > 0 && inLength <= INT32_MAX - 16
        && *outLength >= (inLength + 7) / 8 * 8 + 8
        && EVP_EncryptInit_ex(block.cipher, cipher, NULL, key, NULL) == 1
        && EVP_CIPHER_CTX_set_padding(block.cipher, 0) == 1) {
        length = CRYPTO_128_wrap_pad(&block, NULL, out, in, inLength, encrypt_block);
        *outLength = length;
    }
    EVP_CIPHER_CTX_free(block.cipher);
    ERR_clear_error();
    return length > 0 && !block.failed;
}
