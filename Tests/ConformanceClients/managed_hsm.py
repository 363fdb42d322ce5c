"""Microsoft's own key client against our key service in the flavour of a managed HSM.

Arguments: CA file, file with the administrator's token, the cloister and the key-service executable, state folder of a
running installation. A second key service runs with the installation's configuration, in another flavour.
Prints one JSON object with what was checked; any failure is an exception.
"""
import base64
import datetime
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time

from azure.core.exceptions import HttpResponseError
from azure.keyvault.administration import KeyVaultAccessControlClient
from azure.keyvault.keys import (
    JsonWebKey, KeyClient, KeyReleasePolicy, KeyRotationLifetimeAction, KeyRotationPolicy, KeyRotationPolicyAction)
from azure.keyvault.keys.crypto import CryptographyClient, EncryptionAlgorithm as E, SignatureAlgorithm as S
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from client_support import Authority, Credential, check, checked, unb64

ca, token_file, cloister, key_service, state = sys.argv[1:]
with open(token_file) as file:
    credential = Credential(file.read().strip())
keywords = dict(verify_challenge_resource=False, connection_verify=ca)


def refused(call, *arguments, **keywords):
    try:
        call(*arguments, **keywords)
    except HttpResponseError as error:
        return error
    raise AssertionError(f"{call} was not refused")


def serve(folder):
    """Starts the key service of the installation's hospital again, as a managed HSM with a state of its own."""
    ready = folder + "/ready"
    process = subprocess.Popen(
        [key_service, "--config", state + "/hospital/config/key-service.yaml", "--set", "listen.port=0", "--set",
         "ready=" + ready, "--set", f"state={folder}/hsm", "--set", "flavour=managed-hsm"], stdout=subprocess.DEVNULL)
    while not os.path.exists(ready):
        assert process.poll() is None, "the key service does not start"
        time.sleep(0.05)
    with open(ready) as file:
        return process, "https://localhost:" + file.read().strip()


def management(client):
    for size in (2048, 3072, 4096):
        made = client.create_rsa_key(f"rsa{size}", size=size, hardware_protected=True)
        check(f"RSA-HSM {size}", made.key_type.value == "RSA-HSM" and len(made.key.n) == size // 8)
    for curve in ("P-256", "P-384", "P-521", "P-256K"):
        made = client.create_ec_key("ec-" + curve, curve=curve, hardware_protected=True)
        check(f"EC-HSM {curve}", made.key_type.value == "EC-HSM" and made.key.crv == curve)
    for size in (128, 192, 256):
        made = client.create_oct_key(f"oct{size}", size=size, hardware_protected=True)
        check(f"oct-HSM {size}", made.key_type.value == "oct-HSM" and made.key.k is None)
    check("a software type becomes the HSM's", client.create_rsa_key("soft").key_type.value == "RSA-HSM")
    check("keys are listed", {"rsa2048", "ec-P-521", "oct256"} <= {k.name for k in client.list_properties_of_keys()})
    client.begin_delete_key("soft").wait()
    check("a deleted key is kept", client.get_deleted_key("soft").recovery_id is not None)
    client.begin_recover_deleted_key("soft").wait()
    backup = client.backup_key("soft")
    error = refused(client.restore_key_backup, backup)
    check("recovered, and not restored over itself", error.status_code == 409)


def rotation(client):
    made = client.create_oct_key("rotated", size=256, hardware_protected=True)
    rotated = client.rotate_key("rotated")
    check("rotate", rotated.id != made.id and rotated.key_type.value == "oct-HSM" and rotated.properties.version)
    check("two versions", len(list(client.list_properties_of_key_versions("rotated"))) == 2)
    action = KeyRotationPolicyAction
    policy = client.update_key_rotation_policy("rotated", KeyRotationPolicy(), expires_in="P90D", lifetime_actions=[
        KeyRotationLifetimeAction(action.rotate, time_after_create="P30D")])
    check("rotation policy", policy.expires_in == "P90D")
    error = refused(client.update_key_rotation_policy, "rotated", KeyRotationPolicy(), lifetime_actions=[
        KeyRotationLifetimeAction(action.notify, time_before_expiry="P10D")])
    check("an HSM notifies nobody", error.status_code == 400)


def use(client):
    first, second = client.get_random_bytes(32), client.get_random_bytes(32)
    check("random bytes", len(first) == len(second) == 32 and first != second)
    check("one random byte", len(client.get_random_bytes(1)) == 1)
    digest = hashlib.sha384(b"text").digest()
    for name, algorithm in (("rsa3072", S.ps384), ("ec-P-384", S.es384)):
        crypto = CryptographyClient(client.get_key(name), credential, **keywords)
        signed = crypto.sign(algorithm, digest)
        check(f"{algorithm.value} there, verified here", crypto.verify(algorithm, digest, signed.signature).is_valid)
    crypto = CryptographyClient(client.get_key("oct256"), credential, **keywords)
    sealed = crypto.encrypt(E.a256_gcm, b"a plain text", additional_authenticated_data=b"aad")
    opened = crypto.decrypt(E.a256_gcm, sealed.ciphertext, iv=sealed.iv, authentication_tag=sealed.tag,
                            additional_authenticated_data=b"aad")
    check("A256GCM", opened.plaintext == b"a plain text")
    error = refused(client.get_key_attestation, "rsa2048")
    check("key attestation is refused with its reason", (
        error.status_code == 501 and "hardware security module" in error.message))


def release(client, authority):
    policy = {"version": "1.0", "anyOf": [{"authority": authority.url + "/", "allOf": [
        {"claim": "secure", "equals": "true"}]}]}
    exportable = dict(exportable=True, release_policy=KeyReleasePolicy(json.dumps(policy).encode()))
    secret = hashlib.sha256(b"an oct key").digest()
    made = {
        "release-rsa": client.create_rsa_key("release-rsa", size=2048, hardware_protected=True, **exportable),
        "release-ec": client.create_ec_key("release-ec", curve="P-384", hardware_protected=True, **exportable),
        "release-oct": client.import_key("release-oct", JsonWebKey(
            kty="oct-HSM", k=secret, key_ops=["encrypt", "decrypt"]), hardware_protected=True, **exportable)}
    read = json.loads(bytes(made["release-rsa"].properties.release_policy.encoded_policy))
    check("version 1.0 is read back as 1.0.0", read["version"] == "1.0.0")
    for name, key in made.items():
        for enc in ("CKM_RSA_AES_KEY_WRAP", "RSA_AES_KEY_WRAP_256", "RSA_AES_KEY_WRAP_384"):
            released = client.release_key(name, authority.token(), algorithm=enc, nonce="n").value
            material = authority.unwrap(released, enc)
            if name == "release-oct":
                same = material == secret
            else:
                public = serialization.load_der_private_key(material, None).public_key().public_numbers()
                same = getattr(public, "n" if key.key.n else "x") == int.from_bytes(key.key.n or key.key.x, "big")
            check(f"{name} by {enc} is the key", same)
    header = json.loads(unb64(released.split(".")[0]))
    leaf = x509.load_der_x509_certificate(base64.b64decode(header["x5c"][0]))
    digest = base64.urlsafe_b64encode(leaf.fingerprint(hashes.SHA256())).rstrip(b"=").decode()
    check("the header is an HSM's", set(header) == {"alg", "kid", "x5c", "x5t#S256"} and (
        header["kid"] == header["x5t#S256"] == digest and len(header["x5c"]) == 3))
    first = made["release-oct"].properties.version
    client.rotate_key("release-oct")
    newest = client.release_key("release-oct", authority.token(), algorithm="RSA_AES_KEY_WRAP_256").value
    former = client.release_key("release-oct", authority.token(), version=first, algorithm="RSA_AES_KEY_WRAP_256").value
    check("former versions are released, too", authority.unwrap(former, "RSA_AES_KEY_WRAP_256") == secret
          and len(authority.unwrap(newest, "RSA_AES_KEY_WRAP_256")) == 32
          and authority.unwrap(newest, "RSA_AES_KEY_WRAP_256") != secret)
    error = refused(client.release_key, "release-ec", authority.token(secure=False))
    check("another claim gets nothing", error.status_code == 403)
    error = refused(client.release_key, "oct256", authority.token())
    check("a key that is not exportable stays", error.status_code == 403)


def quota(client, authority):
    client.update_key_properties("release-ec", tags={"cloister-releases-in-all": "1"})
    client.release_key("release-ec", authority.token())
    error = refused(client.release_key, "release-ec", authority.token())
    check("AC-073 a used-up quota", error.status_code == 403 and (
        error.response.headers["Cloister-Refusal"] == "release-quota"))


def holder(folder, name):
    """Somebody who keeps a share of the security domain: files with key and certificate."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = datetime.datetime.now(datetime.timezone.utc)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=2))
        .sign(key, hashes.SHA256()))
    paths = f"{folder}/{name}.key", f"{folder}/{name}.pem"
    with open(paths[0], "wb") as file:
        file.write(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    with open(paths[1], "wb") as file:
        file.write(certificate.public_bytes(serialization.Encoding.PEM))
    return paths


def run(*arguments):
    return json.loads(subprocess.run(
        [cloister, *arguments, "--json"], check=True, stdout=subprocess.PIPE).stdout)


def domain(folder, holders):
    """The installation's own service has the holders that `up` named."""
    out = folder + "/shares"
    exported = run("security-domain", "export", *[certificate for _, certificate in holders], "--required", "2",
                   "--out", out, "--state", state)
    opened = [run("security-domain", "open", share["file"], "--key", key, "--out", share["file"] + ".open")
              for share, (key, _) in zip(exported["shares"], holders)]
    check("holders of the security domain", [o["domain"] for o in opened] == [exported["domain"]] * 2)
    generations = run("master-key", "rotate", "--state", state)["generations"]
    check("the master key is rotated", run("master-key", "show", "--state", state)["generations"][-1] == generations[-1])


def main():
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(folder)
        holders = [holder(folder, name) for name in ("first", "second")]
        run("up", "--state", state, "--detach", "--trust-authority", authority.url, "--trust-authority-ca",
            authority.ca, "--domain-holder", holders[0][1], "--domain-holder", holders[1][1])
        domain(folder, holders)
        process, url = serve(folder)
        try:
            client = KeyClient(url, credential, **keywords)
            management(client)
            rotation(client)
            use(client)
            release(client, authority)
            quota(client, authority)
            roles = KeyVaultAccessControlClient(url, credential, **keywords)
            names = [item.role_name for item in roles.list_role_definitions("/")]
            check("roles are built in", "Managed HSM Crypto Service Release User" in names)
            error = refused(client.get_key, "none")
            check("404 KeyNotFound", error.status_code == 404 and error.error.code == "KeyNotFound")
        finally:
            process.terminate()
            process.wait(20)
    print(json.dumps({"checked": checked}))


main()
