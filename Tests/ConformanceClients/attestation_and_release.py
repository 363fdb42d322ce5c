"""Microsoft's own clients against our services: attestation, discovery, keys and secure key release.

Arguments: attestation URL, key-service URL, CA file, file with the administrator's token, the cloister executable,
state folder. Prints one JSON object with what was checked; any failure is an exception.
"""
import base64
import hashlib
import json
import subprocess
import sys
import tempfile

from azure.core.exceptions import HttpResponseError
from azure.keyvault.keys import KeyClient, KeyReleasePolicy
from azure.security.attestation import AttestationClient
from client_support import Credential, b64, check, checked, unb64
from cryptography import x509
from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key

attestation, keys, ca, token_file, cloister, state = sys.argv[1:]


def quote(runtime):
    """An SGX quote about the cloister executable over these bytes."""
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/runtime", "wb") as file:
            file.write(runtime)
        subprocess.run(
            [cloister, "evidence", "--state", state, "--tee", "sgx", "--format", "raw", "--runtime-data",
             folder + "/runtime", "--output", folder + "/quote"], check=True)
        with open(folder + "/quote", "rb") as file:
            return file.read()


with open(cloister, "rb") as file:
    measurement = hashlib.file_digest(file, "sha256").hexdigest()

# Attestation: the SDK fetches the signing certificates and validates the token itself.
client = AttestationClient(attestation, Credential("-"), connection_verify=ca)
metadata = client.get_open_id_metadata()
check("discovery names the issuer", metadata["issuer"] == attestation and metadata["jwks_uri"] == attestation + "/certs")
signers = client.get_signing_certificates()
check("signing certificates are listed", len(signers) >= 1)

binary = b"opaque runtime data"
result, token = client.attest_sgx_enclave(quote(binary), runtime_data=binary)
check("token signed by a listed key", token.key_id in [signer.key_id for signer in signers])
check("issuer", result.issuer == attestation)
check("measurement is the executable's SHA-256", result.mr_enclave == measurement)
check("not debuggable, product 1", result.is_debuggable is False and result.product_id == 1)
check("runtime data comes back", result.enclave_held_data == binary)
check("verifier type", result.verifier_type == "sgx")

wrapping = rsa.generate_private_key(public_exponent=65537, key_size=2048)
numbers = wrapping.public_key().public_numbers()
runtime = json.dumps({"keys": [{
    "kty": "RSA", "kid": "wrapping", "use": "enc", "e": b64(numbers.e.to_bytes(3, "big")),
    "n": b64(numbers.n.to_bytes(256, "big"))}]}).encode()
evidence = quote(runtime)
result, token = client.attest_sgx_enclave(evidence, runtime_json=runtime)
check("JSON runtime claims come back", result.runtime_claims == json.loads(runtime))

try:
    client.attest_sgx_enclave(evidence, runtime_data=b"something else")
    raise AssertionError("evidence over other runtime data was accepted")
except HttpResponseError as error:
    check("other runtime data is refused", error.status_code == 400)
try:
    client.attest_sgx_enclave(
        evidence, runtime_json=runtime, draft_policy="version= 1.0;authorizationrules{=> deny();};issuancerules{};")
    raise AssertionError("a denying draft policy was ignored")
except HttpResponseError as error:
    check("a denying draft policy is obeyed", error.status_code == 400)
result, _ = client.attest_sgx_enclave(
    evidence, runtime_json=runtime,
    draft_policy='version= 1.0;authorizationrules{=> permit();};'
                 'issuancerules{c:[type=="x-ms-sgx-mrenclave"] => issue(type="custom-name", value=c.value);};')
check("a draft policy's own claim", result.policy_claims.get("custom-name") == measurement)

# Keys: a key that only this measurement gets, released to the key in the token.
with open(token_file) as file:
    administrator = Credential(file.read().strip())
vault = KeyClient(keys, administrator, verify_challenge_resource=False, connection_verify=ca)
policy = {"version": "1.0.0", "anyOf": [{"authority": attestation, "allOf": [
    {"claim": "x-ms-sgx-mrenclave", "equals": measurement}, {"claim": "x-ms-sgx-is-debuggable", "equals": "false"}]}]}
name = "conformance-" + hashlib.sha256(evidence).hexdigest()[:8]
made = vault.create_rsa_key(
    name, size=2048, hardware_protected=True, exportable=True,
    release_policy=KeyReleasePolicy(json.dumps(policy).encode()))
check("a key with a release policy", made.properties.exportable is True and made.key_type.value == "RSA-HSM")
check("its policy reads back", json.loads(made.properties.release_policy.encoded_policy) == policy)

jwt = token.to_jwt_string()
released = vault.release_key(name, jwt, nonce="a nonce of ours")
header, payload, signature = released.value.split(".")
chain = [x509.load_der_x509_certificate(base64.b64decode(entry)) for entry in json.loads(unb64(header))["x5c"]]
chain[0].public_key().verify(unb64(signature), (header + "." + payload).encode(), padding.PKCS1v15(), hashes.SHA256())
for certificate, issuer in zip(chain, chain[1:]):
    certificate.verify_directly_issued_by(issuer)
check("the release is signed by a chain", len(chain) >= 2)
body = json.loads(unb64(payload))
check("nonce comes back", body["request"]["nonce"] == "a nonce of ours")
wrapped = unb64(json.loads(unb64(body["response"]["key"]["key"]["key_hsm"]))["ciphertext"])
kek = wrapping.decrypt(wrapped[:256], padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))
private = load_der_private_key(keywrap.aes_key_unwrap_with_padding(kek, wrapped[256:]), None)
check("the released key is the key", private.public_key().public_numbers().n == int.from_bytes(made.key.n, "big"))

other = {"version": "1.0.0", "anyOf": [{"authority": attestation, "allOf": [
    {"claim": "x-ms-sgx-mrenclave", "equals": "00" * 32}]}]}
vault.update_key_properties(name, release_policy=KeyReleasePolicy(json.dumps(other).encode()))
try:
    vault.release_key(name, jwt)
    raise AssertionError("the key was released to another measurement")
except HttpResponseError as error:
    check("another measurement gets nothing", error.status_code == 403)

print(json.dumps({"checked": checked}))
