"""Reading profiles in pprof's format: gzipped protobuf, as Go's runtime writes it.

The format is ``profile.proto`` of https://github.com/google/pprof. Only the fields that a breakdown
needs are declared; the others are skipped. The ``protobuf`` package builds the message classes from
the descriptor below, so there is no generated module. It is imported when the first profile is
read, because few load Jobs take any.
"""

import gzip
import io
import zlib
from dataclasses import dataclass
from functools import cache
from typing import Any

from krobench.figures.reasons.profiles import (
    DecodingReason,
    ProfileEntryMissing,
    ProfileNotDecoded,
    ProfileTooLarge,
    ProfileValuesDiffer,
    ProfileWithoutTypes,
)

_MAX_BYTES = 64 << 20
_PACKAGE = "krobench.pprof"
_SCHEMA = {
    "ValueType": "type:int64=1 unit:int64=2",
    "Sample": "location_id:uint64*=1 value:int64*=2",
    "Line": "function_id:uint64=1",
    "Location": "id:uint64=1 line:Line*=4",
    "Function": "id:uint64=1 name:int64=2",
    "Profile": "sample_type:ValueType*=1 sample:Sample*=2 location:Location*=4 "
    "function:Function*=5 string_table:string*=6",
}
"""The fields of each message as name:type=number; * stands for repeated."""


class ProfileError(ValueError):
    """The data is not a valid profile."""

    def __init__(self, reason: DecodingReason) -> None:
        super().__init__(repr(reason))
        self.reason = reason


@dataclass(frozen=True)
class ValueType:
    """What a column of values holds, such as ``cpu`` in ``nanoseconds``."""

    type: str
    unit: str


@dataclass(frozen=True)
class Stack:
    """A sample: functions from the leaf to the root, and a value for each column."""

    functions: tuple[str, ...]
    values: tuple[int, ...]


@dataclass(frozen=True)
class Profile:
    """A decoded profile."""

    value_types: tuple[ValueType, ...]
    stacks: tuple[Stack, ...]


def decode(data: bytes) -> Profile:
    """Decode a profile, gzipped or not.

    Raises:
        ProfileError: if it is not one.
    """
    from google.protobuf.message import DecodeError

    message = _profile_class()()
    plain = _unzipped(data)
    try:
        message.ParseFromString(plain)
        return _profile(message)
    except DecodeError as error:
        raise ProfileError(ProfileNotDecoded(detail=str(error))) from error
    except (IndexError, KeyError) as error:
        raise ProfileError(ProfileEntryMissing()) from error


def _unzipped(data: bytes) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            plain = file.read(_MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ProfileError(ProfileNotDecoded(detail=str(error))) from error
    if len(plain) > _MAX_BYTES:
        raise ProfileError(ProfileTooLarge(most_bytes=_MAX_BYTES))
    return plain


@cache
def _profile_class() -> Any:
    from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message_factory import GetMessageClass

    file = FileDescriptorProto(name="pprof.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _SCHEMA.items():
        message = file.message_type.add(name=name)
        for field in fields.split():
            declared, number = field.split("=")
            field_name, kind = declared.rstrip("*").split(":")
            label = "LABEL_REPEATED" if declared.endswith("*") else "LABEL_OPTIONAL"
            made = message.field.add(
                name=field_name, number=int(number), label=getattr(FieldDescriptorProto, label)
            )
            if kind in _SCHEMA:
                made.type = FieldDescriptorProto.TYPE_MESSAGE
                made.type_name = f".{_PACKAGE}.{kind}"
            else:
                made.type = getattr(FieldDescriptorProto, f"TYPE_{kind.upper()}")
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Profile"))


def _profile(message: Any) -> Profile:
    strings = list(message.string_table)
    types = [ValueType(strings[each.type], strings[each.unit]) for each in message.sample_type]
    if not types:
        raise ProfileError(ProfileWithoutTypes())
    names = {function.id: strings[function.name] for function in message.function}
    # Where calls were inlined, a location has several functions, the innermost first.
    frames = {
        location.id: tuple(names[line.function_id] for line in location.line)
        for location in message.location
    }
    stacks = []
    for sample in message.sample:
        if len(sample.value) != len(types):
            raise ProfileError(ProfileValuesDiffer(values=len(sample.value), types=len(types)))
        functions = tuple(name for location in sample.location_id for name in frames[location])
        stacks.append(Stack(functions, tuple(sample.value)))
    return Profile(tuple(types), tuple(stacks))
