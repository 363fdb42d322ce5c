"""Microsoft's own administration client against both trust models of our attestation service.

Arguments: URLs of the AAD and of the isolated instance, CA file, file with the administrator's token, key and
certificate of the isolated instance's first policy signer. Prints one JSON object with what was checked; any failure is
an exception.
"""
import base64
import datetime
import hashlib
import json
import sys
import time

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.security.attestation import (
    AttestationAdministrationClient, AttestationType, CertificateModification, PolicyModification)
from azure.security.attestation import AttestationPolicyToken
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

aad, isolated, ca, token_file, key_file, certificate_file = sys.argv[1:]
checked = []


def check(name, holds):
    assert holds, name
    checked.append(name)


def refused(name, status, call):
    try:
        call()
    except HttpResponseError as error:
        assert error.status_code == status, (name, error.status_code, error.message)
        checked.append(name)
        return error
    raise AssertionError(name)


class Credential:
    def __init__(self, token):
        self.token = token

    def get_token(self, *scopes, **kwargs):
        return AccessToken(self.token, int(time.time()) + 3600)


def read(path):
    with open(path) as file:
        return file.read()


def signer(name):
    """A new RSA key with a self-signed certificate that may issue certificates, both in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=False)
        .sign(key, hashes.SHA256()))
    return (
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode(),
        certificate.public_bytes(serialization.Encoding.PEM).decode())


def thumbprint(pem):
    return x509.load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA1()).hex().upper()


administrator = Credential(read(token_file).strip())
DENY = "version= 1.0;authorizationrules{=> deny();};issuancerules{};"
PERMIT = "version= 1.0;authorizationrules{=> permit();};issuancerules{};"
first_key, first = read(key_file), read(certificate_file)

with AttestationAdministrationClient(aad, administrator, connection_verify=ca) as client:
    for kind in [AttestationType.SGX_ENCLAVE, "SevSnpVm"]:
        default, token = client.get_policy(kind)
        check(f"{kind}: a default policy", default.startswith("version= 1.0;"))
        check(f"{kind}: issuer of the result", token.issuer == aad)
        result, _ = client.set_policy(kind, PERMIT)
        check(f"{kind}: updated", result.policy_resolution == PolicyModification.UPDATED)
        expected = AttestationPolicyToken(PERMIT)
        digest = hashlib.sha256(expected.to_jwt_string().encode()).digest()
        check(f"{kind}: hash of the policy token", result.policy_token_hash == digest)
        check(f"{kind}: reads back", client.get_policy(kind)[0] == PERMIT)
        key, certificate = signer("somebody")
        result, _ = client.set_policy(kind, DENY, signing_key=key, signing_certificate=certificate)
        check(f"{kind}: signed by anybody", result.policy_signer.certificates[0].strip() == certificate.strip())
        check(f"{kind}: signed reads back", client.get_policy(kind)[0] == DENY)
        result, _ = client.reset_policy(kind)
        check(f"{kind}: removed", result.policy_resolution == PolicyModification.REMOVED)
        check(f"{kind}: default again", client.get_policy(kind)[0] == default)
    error = refused("a broken policy", 400, lambda: client.set_policy(AttestationType.SGX_ENCLAVE, "version= 1.0;;"))
    check("its code", error.error.code == "PolicyParsingError")
    check("no policy certificates", client.get_policy_management_certificates()[0] == [])
    key, certificate = signer("somebody")
    refused("no certificate can be added", 400, lambda: client.add_policy_management_certificate(
        certificate, signing_key=key, signing_certificate=certificate))

with AttestationAdministrationClient(aad, Credential("not a token of this service"), connection_verify=ca) as client:
    error = refused("a stranger may not read", 401, lambda: client.get_policy(AttestationType.SGX_ENCLAVE))
    check("unauthorized", error.error.code == "Unauthorized")

with AttestationAdministrationClient(isolated, administrator, connection_verify=ca) as client:
    kind = AttestationType.SGX_ENCLAVE
    chains, _ = client.get_policy_management_certificates()
    check("the first signer", [chain[0].strip() for chain in chains] == [first.strip()])
    default, _ = client.get_policy(kind)
    second_key, second = signer("second")
    refused("isolated: unsigned", 400, lambda: client.set_policy(kind, DENY))
    refused("isolated: unsigned reset", 400, lambda: client.reset_policy(kind))
    refused("isolated: signed by anybody", 400, lambda: client.set_policy(
        kind, DENY, signing_key=second_key, signing_certificate=second))
    result, _ = client.set_policy(kind, DENY, signing_key=first_key, signing_certificate=first)
    check("isolated: updated", result.policy_resolution == PolicyModification.UPDATED)
    check("isolated: signer", result.policy_signer.certificates[0].strip() == first.strip())
    check("isolated: reads back", client.get_policy(kind)[0] == DENY)
    result, _ = client.add_policy_management_certificate(
        second, signing_key=first_key, signing_certificate=first)
    check("added", result.certificate_resolution == CertificateModification.IS_PRESENT)
    check("thumbprint", result.certificate_thumbprint == thumbprint(second))
    chains, _ = client.get_policy_management_certificates()
    check("two signers", sorted(chain[0].strip() for chain in chains) == sorted([first.strip(), second.strip()]))
    client.set_policy(kind, PERMIT, signing_key=second_key, signing_certificate=second)
    check("the second signs", client.get_policy(kind)[0] == PERMIT)
    result, _ = client.remove_policy_management_certificate(
        second, signing_key=first_key, signing_certificate=first)
    check("removed", result.certificate_resolution == CertificateModification.IS_ABSENT)
    refused("the last stays", 400, lambda: client.remove_policy_management_certificate(
        first, signing_key=first_key, signing_certificate=first))
    result, _ = client.reset_policy(kind, signing_key=first_key, signing_certificate=first)
    check("isolated: reset", result.policy_resolution == PolicyModification.REMOVED)
    check("isolated: default again", client.get_policy(kind)[0] == default)

print(json.dumps({"checked": checked}))
