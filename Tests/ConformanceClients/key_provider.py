"""Drives the sidecar's gRPC form with grpcio, and learns its messages by reflection.

Arguments: port, path of a wrapping key (without -info.json).
"""
import base64
import hashlib
import json
import sys

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

port, key_path = sys.argv[1:]
channel = grpc.insecure_channel(f"127.0.0.1:{port}")
database = ProtoReflectionDescriptorDatabase(channel)
assert "key_provider.KeyProviderService" in database.get_services(), database.get_services()
service = DescriptorPool(database).FindServiceByName("key_provider.KeyProviderService")
assert [m.name for m in service.methods] == [
    "WrapKey", "UnWrapKey", "GetReport", "GetAttestationData", "SayHello"], service.methods


def call(name, *values):
    method = service.FindMethodByName(name)
    Input, Output = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    fields = [f.name for f in method.input_type.fields]
    stub = channel.unary_unary(
        f"/{service.full_name}/{name}", request_serializer=Input.SerializeToString,
        response_deserializer=Output.FromString)
    reply = stub(Input(**dict(zip(fields, values))), timeout=60)
    return [getattr(reply, f.name) for f in method.output_type.fields]


def refused(name, value, code):
    try:
        call(name, value)
    except grpc.RpcError as error:
        assert error.code() == code, (name, error)
        assert "ERROR: Please refer to the documentation" in error.details(), error.details()
    else:
        raise AssertionError(f"{name} was not refused")


assert call("SayHello", "you") == ["Hello you"]

report = bytes.fromhex(call("GetReport", "00ff")[0])
assert len(report) == 1184
assert report[0x50:0x90] == hashlib.sha256(b"00ff").digest() + bytes(32)

tcb, certificates, evidence, _ = call("GetAttestationData", base64.b64encode(b"{}").decode())
assert len(tcb) == 16
assert base64.b64decode(certificates).count(b"BEGIN CERTIFICATE") == 3
assert base64.b64decode(evidence)[0x50:0x70] == hashlib.sha256(b"{}").digest()

secret = b'{"symkeyopts":{"symkey":"of a layer"}}'
agent = {"attestation-agent": [base64.b64encode(f"SKR:{key_path}".encode()).decode()]}
wrapped = json.loads(call("WrapKey", json.dumps({
    "op": "keywrap",
    "keywrapparams": {"ec": {"Parameters": agent, "Dc": {}}, "optsdata": base64.b64encode(secret).decode()},
}).encode())[0])
assert wrapped["keyunwrapresults"] == {"optsdata": None}
annotation = json.loads(base64.b64decode(wrapped["keywrapresults"]["annotation"]))
assert annotation["wrap_type"] == "rsa_3072" and "iv" not in annotation, annotation

agent = {"attestation-agent": [base64.b64encode(b"skr").decode()]}


def unwrap(annotation):
    return json.dumps({
        "op": "keyunwrap",
        "keyunwrapparams": {
            "dc": {"Parameters": agent}, "annotation": base64.b64encode(json.dumps(annotation).encode()).decode()},
    }).encode()


opened = json.loads(call("UnWrapKey", unwrap(annotation))[0])
assert opened["keywrapresults"] == {"annotation": None}
assert base64.b64decode(opened["keyunwrapresults"]["optsdata"]) == secret

refused("UnWrapKey", unwrap({**annotation, "kid": "../other"}), grpc.StatusCode.INVALID_ARGUMENT)
refused("UnWrapKey", unwrap({**annotation, "kid": "none"}), grpc.StatusCode.FAILED_PRECONDITION)
refused("UnWrapKey", b"{}", grpc.StatusCode.INVALID_ARGUMENT)
refused("WrapKey", b"no json", grpc.StatusCode.INVALID_ARGUMENT)
refused("GetAttestationData", "%", grpc.StatusCode.INVALID_ARGUMENT)
print("done")
