// The few calls of a PKCS #11 module (OASIS PKCS #11 2.40) that keep an AES-256 key in a token: the key is made there,
// never leaves it, and encrypts with GCM.
//
// Every function returns a CKR_… code, 0 for success.
#ifndef CLOISTER_PKCS11_H
#define CLOISTER_PKCS11_H

#include <stddef.h>
#include <stdint.h>

typedef struct cloister_token cloister_token;

enum {
    // Not of the standard: the module cannot be loaded, or has no function list.
    CLOISTER_PKCS11_NO_MODULE = 0x7fffffff,
    // Not of the standard: no slot holds a token of that label.
    CLOISTER_PKCS11_NO_TOKEN = 0x7ffffffe,
    // Bytes of a tag of GCM.
    CLOISTER_PKCS11_TAG = 16,
};

// Loads the module at `path`, for good, and finds the token of that label.
unsigned long cloister_token_open(const char *path, const char *label, cloister_token **token);
void cloister_token_close(cloister_token *token);

unsigned long cloister_session_open(const cloister_token *token, unsigned long *session);
void cloister_session_close(const cloister_token *token, unsigned long session);
// For all sessions of this process, as long as one is open. Being logged in already is a success.
unsigned long cloister_session_login(const cloister_token *token, unsigned long session, const uint8_t *pin,
                                     size_t pinLength);

// AES keys of the token; `*count` holds the space at `keys` before and how many were found after.
unsigned long cloister_keys(const cloister_token *token, unsigned long session, unsigned long *keys, size_t *count);
// `*length` holds the space at `label` before and how much was written after.
unsigned long cloister_key_label(const cloister_token *token, unsigned long session, unsigned long key,
                                 uint8_t *label, size_t *length);
unsigned long cloister_key_make(const cloister_token *token, unsigned long session, const uint8_t *label,
                                size_t labelLength, unsigned long *key);
unsigned long cloister_key_destroy(const cloister_token *token, unsigned long session, unsigned long key);

// `*outLength` holds the space at `out` before and how much was written after: the tag is at the end of what is sealed.
unsigned long cloister_key_seal(const cloister_token *token, unsigned long session, unsigned long key,
                                const uint8_t *nonce, size_t nonceLength, const uint8_t *context,
                                size_t contextLength, const uint8_t *in, size_t inLength, uint8_t *out,
                                size_t *outLength);
unsigned long cloister_key_unseal(const cloister_token *token, unsigned long session, unsigned long key,
                                  const uint8_t *nonce, size_t nonceLength, const uint8_t *context,
                                  size_t contextLength, const uint8_t *in, size_t inLength, uint8_t *out,
                                  size_t *outLength);

#endif
