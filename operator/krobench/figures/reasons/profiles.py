"""Why there is no profile of kro."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from krobench.figures.reasons.base import QuotedReason, Reason, quoted


class PprofForbidden(Reason):
    """The load Job must not reach kro's pprof."""

    code: Literal["PprofForbidden"] = "PprofForbidden"
    detail: str


class PprofSilent(Reason):
    """kro's pprof does not answer: only some builds of kro have it."""

    code: Literal["PprofSilent"] = "PprofSilent"
    port: int
    detail: str


class ProfilerBusy(Reason):
    """Another client is taking a CPU profile, and Go takes one at a time."""

    code: Literal["ProfilerBusy"] = "ProfilerBusy"
    detail: str


class CpuProfileFailed(Reason):
    """kro gave no CPU profile."""

    code: Literal["CpuProfileFailed"] = "CpuProfileFailed"
    seconds: int
    """How long it would have taken."""
    detail: str


class HeapProfileFailed(Reason):
    """kro gave no heap profile."""

    code: Literal["HeapProfileFailed"] = "HeapProfileFailed"
    detail: str


class ProfileNotDecoded(Reason):
    """What kro gave is not a profile in pprof's format."""

    code: Literal["ProfileNotDecoded"] = "ProfileNotDecoded"
    detail: str
    """The decoder's own words."""


class ProfileEntryMissing(Reason):
    """A profile refers to a string, function or location that it does not have."""

    code: Literal["ProfileEntryMissing"] = "ProfileEntryMissing"


class ProfileWithoutTypes(Reason):
    """A profile declares no types of values."""

    code: Literal["ProfileWithoutTypes"] = "ProfileWithoutTypes"


class ProfileValuesDiffer(Reason):
    """A sample has more or fewer values than the profile has types."""

    code: Literal["ProfileValuesDiffer"] = "ProfileValuesDiffer"
    values: int
    types: int


class ProfileTooLarge(Reason):
    """A profile is too large once it is unzipped."""

    code: Literal["ProfileTooLarge"] = "ProfileTooLarge"
    most_bytes: int


class OtherProfile(Reason):
    """What kro gave is another profile than the wanted one."""

    code: Literal["OtherProfile"] = "OtherProfile"
    has: list[str]
    """The types of its values, as type/unit."""
    wanted: str


class NoCpuTime(Reason):
    """kro used no CPU time while it was profiled."""

    code: Literal["NoCpuTime"] = "NoCpuTime"


class HeapsOfTwoProcesses(Reason):
    """kro restarted in the run phase: less was allocated after than before it."""

    code: Literal["HeapsOfTwoProcesses"] = "HeapsOfTwoProcesses"


class NotProfiled(Reason):
    """The profiled iteration failed before its run phase."""

    code: Literal["NotProfiled"] = "NotProfiled"


class FileTooLarge(Reason):
    """A raw profile does not fit into a ConfigMap."""

    code: Literal["FileTooLarge"] = "FileTooLarge"
    bytes: int


class NoRoomForFile(Reason):
    """The raw profiles of the run take all the room that there is for them."""

    code: Literal["NoRoomForFile"] = "NoRoomForFile"
    used_bytes: int


class FileNotStored(Reason):
    """A raw profile was not stored."""

    code: Literal["FileNotStored"] = "FileNotStored"
    detail: str


PprofReason = PprofForbidden | PprofSilent | ProfilerBusy | CpuProfileFailed | HeapProfileFailed
"""Why kro gave no profile."""
DecodingReason = (
    ProfileNotDecoded
    | ProfileEntryMissing
    | ProfileWithoutTypes
    | ProfileValuesDiffer
    | ProfileTooLarge
    | OtherProfile
    | NoCpuTime
    | HeapsOfTwoProcesses
)
"""Why a profile gives no breakdown."""
FileReason = FileTooLarge | NoRoomForFile | FileNotStored
"""Why a raw profile was not stored."""
AnyProfileReason = Annotated[
    Annotated[
        PprofReason | DecodingReason | NotProfiled | FileReason | QuotedReason,
        Field(discriminator="code"),
    ],
    BeforeValidator(quoted),
]
