// The few operations of OpenSSL's libcrypto that the key service needs and the Swift library does not offer: signatures
// over digests that somebody else computed, RSA-OAEP with SHA-384, RSAES-PKCS1-v1_5, AES key wrap with padding, and the
// curve secp256k1.
//
// Keys are DER: PKCS#8 for private ones; where a public key is enough, SubjectPublicKeyInfo or PKCS#8. `hash` is 1 for
// SHA-1, 256, 384 or 512 for SHA-2, 0 for none. Functions return 1, or 0 for any failure; `*outLength` holds the space
// at `out` before and what was written after.
#ifndef CLOISTER_OPENSSL_H
#define CLOISTER_OPENSSL_H

#include <stddef.h>
#include <stdint.h>

int cloister_rsa_sign(const uint8_t *key, size_t keyLength, int hash, int isPSS, const uint8_t *digest,
                      size_t digestLength, uint8_t *out, size_t *outLength);
int cloister_rsa_verify(const uint8_t *key, size_t keyLength, int hash, int isPSS, const uint8_t *digest,
                        size_t digestLength, const uint8_t *signature, size_t signatureLength);

// OAEP with an empty label and MGF1 over the same hash; without a hash PKCS #1 v1.5.
int cloister_rsa_encrypt(const uint8_t *key, size_t keyLength, int hash, const uint8_t *in, size_t inLength,
                         uint8_t *out, size_t *outLength);
int cloister_rsa_decrypt(const uint8_t *key, size_t keyLength, int hash, const uint8_t *in, size_t inLength,
                         uint8_t *out, size_t *outLength);

// Signatures are r and s, each of `coordinate` bytes.
int cloister_ec_sign(const uint8_t *key, size_t keyLength, size_t coordinate, const uint8_t *digest,
                     size_t digestLength, uint8_t *out);
int cloister_ec_verify(const uint8_t *key, size_t keyLength, size_t coordinate, const uint8_t *digest,
                       size_t digestLength, const uint8_t *signature);

// The public point x and y (64 bytes) of a private number of secp256k1 (32 bytes); 0 when it is not one.
int cloister_secp256k1_point(const uint8_t *number, uint8_t *out);

// AES key wrap with padding (RFC 5649); `out` has space for `inLength` + 15 bytes.
int cloister_aes_wrap_padded(const uint8_t *key, size_t keyLength, const uint8_t *in, size_t inLength, uint8_t *out,
                             size_t *outLength);

#endif
