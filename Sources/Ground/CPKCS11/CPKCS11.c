#include "CPKCS11.h"

#include <dlfcn.h>
#include <p11-kit-1/p11-kit/pkcs11.h>
#include <stdlib.h>
#include <string.h>

struct cloister_token {
    CK_FUNCTION_LIST *calls;
    CK_SLOT_ID slot;
};

// Labels of tokens are 32 bytes, padded with blanks.
static int has_label(const CK_TOKEN_INFO *info, const char *label) {
    size_t length = strlen(label), space = sizeof info->label;
    if (length > space || memcmp(info->label, label, length) != 0) return 0;
    for (size_t i = length; i < space; i++)
        if (info->label[i] != ' ') return 0;
    return 1;
}

static CK_RV find_slot(CK_FUNCTION_LIST *calls, const char *label, CK_SLOT_ID *slot) {
    CK_SLOT_ID slots[256];
    CK_ULONG count = sizeof slots / sizeof *slots;
    CK_RV result = calls->C_GetSlotList(CK_TRUE, slots, &count);
    if (result != CKR_OK) return result;
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;
        if (calls->C_GetTokenInfo(slots[i], &info) == CKR_OK && has_label(&info, label)) {
            *slot = slots[i];
            return CKR_OK;
        }
    }
    return CLOISTER_PKCS11_NO_TOKEN;
}

unsigned long cloister_token_open(const char *path, const char *label, cloister_token **token) {
    // Never unloaded: modules keep threads and thread-local state.
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (module == NULL) return CLOISTER_PKCS11_NO_MODULE;
    CK_C_GetFunctionList list = (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList");
    CK_FUNCTION_LIST *calls = NULL;
    if (list == NULL || list(&calls) != CKR_OK || calls == NULL) return CLOISTER_PKCS11_NO_MODULE;
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    CK_RV result = calls->C_Initialize(&arguments);
    if (result != CKR_OK && result != CKR_CRYPTOKI_ALREADY_INITIALIZED) return result;
    CK_SLOT_ID slot = 0;
    result = find_slot(calls, label, &slot);
    if (result != CKR_OK) return result;
    cloister_token *made = malloc(sizeof *made);
    if (made == NULL) return CKR_HOST_MEMORY;
    made->calls = calls;
    made->slot = slot;
    *token = made;
    return CKR_OK;
}

void cloister_token_close(cloister_token *token) { free(token); }

unsigned long cloister_session_open(const cloister_token *token, unsigned long *session) {
    return token->calls->C_OpenSession(token->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, session);
}

void cloister_session_close(const cloister_token *token, unsigned long session) {
    token->calls->C_CloseSession(session);
}

unsigned long cloister_session_login(const cloister_token *token, unsigned long session, const uint8_t *pin,
                                     size_t pinLength) {
    CK_RV result = token->calls->C_Login(session, CKU_USER, (CK_UTF8CHAR *)pin, pinLength);
    return result == CKR_USER_ALREADY_LOGGED_IN ? CKR_OK : result;
}

unsigned long cloister_keys(const cloister_token *token, unsigned long session, unsigned long *keys, size_t *count) {
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_TOKEN, &yes, sizeof yes}};
    CK_RV result = token->calls->C_FindObjectsInit(session, template, 3);
    if (result != CKR_OK) return result;
    CK_ULONG found = 0;
    result = token->calls->C_FindObjects(session, keys, *count, &found);
    token->calls->C_FindObjectsFinal(session);
    *count = found;
    return result;
}

unsigned long cloister_key_label(const cloister_token *token, unsigned long session, unsigned long key,
                                 uint8_t *label, size_t *length) {
    CK_ATTRIBUTE attribute = {CKA_LABEL, label, *length};
    CK_RV result = token->calls->C_GetAttributeValue(session, key, &attribute, 1);
    *length = result == CKR_OK ? attribute.ulValueLen : 0;
    return result;
}

unsigned long cloister_key_make(const cloister_token *token, unsigned long session, const uint8_t *label,
                                size_t labelLength, unsigned long *key) {
    CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL, 0};
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ULONG length = 32;
    CK_ATTRIBUTE template[] = {
        {CKA_TOKEN, &yes, sizeof yes},        {CKA_PRIVATE, &yes, sizeof yes},
        {CKA_SENSITIVE, &yes, sizeof yes},    {CKA_EXTRACTABLE, &no, sizeof no},
        {CKA_ENCRYPT, &yes, sizeof yes},      {CKA_DECRYPT, &yes, sizeof yes},
        {CKA_VALUE_LEN, &length, sizeof length}, {CKA_LABEL, (void *)label, labelLength}};
    return token->calls->C_GenerateKey(session, &mechanism, template, sizeof template / sizeof *template, key);
}

unsigned long cloister_key_destroy(const cloister_token *token, unsigned long session, unsigned long key) {
    return token->calls->C_DestroyObject(session, key);
}

static CK_GCM_PARAMS gcm(const uint8_t *nonce, size_t nonceLength, const uint8_t *context, size_t contextLength) {
    CK_GCM_PARAMS parameters = {
        (uint8_t *)nonce, nonceLength, nonceLength * 8, (uint8_t *)context, contextLength, CLOISTER_PKCS11_TAG * 8};
    return parameters;
}

unsigned long cloister_key_seal(const cloister_token *token, unsigned long session, unsigned long key,
                                const uint8_t *nonce, size_t nonceLength, const uint8_t *context,
                                size_t contextLength, const uint8_t *in, size_t inLength, uint8_t *out,
                                size_t *outLength) {
    CK_GCM_PARAMS parameters = gcm(nonce, nonceLength, context, contextLength);
    CK_MECHANISM mechanism = {CKM_AES_GCM, &parameters, sizeof parameters};
    CK_RV result = token->calls->C_EncryptInit(session, &mechanism, key);
    if (result != CKR_OK) return result;
    CK_ULONG length = *outLength;
    result = token->calls->C_Encrypt(session, (CK_BYTE *)in, inLength, out, &length);
    *outLength = result == CKR_OK ? length : 0;
    return result;
}

unsigned long cloister_key_unseal(const cloister_token *token, unsigned long session, unsigned long key,
                                  const uint8_t *nonce, size_t nonceLength, const uint8_t *context,
                                  size_t contextLength, const uint8_t *in, size_t inLength, uint8_t *out,
                                  size_t *outLength) {
    CK_GCM_PARAMS parameters = gcm(nonce, nonceLength, context, contextLength);
    CK_MECHANISM mechanism = {CKM_AES_GCM, &parameters, sizeof parameters};
    CK_RV result = token->calls->C_DecryptInit(session, &mechanism, key);
    if (result != CKR_OK) return result;
    CK_ULONG length = *outLength;
    result = token->calls->C_Decrypt(session, (CK_BYTE *)in, inLength, out, &length);
    *outLength = result == CKR_OK ? length : 0;
    return result;
}
