"""Why a number is missing, in words."""

from collections.abc import Mapping

from krobench.figures.rawdata import SourceName
from krobench.figures.reasons import cel, load, profiles, samples, sources
from krobench.figures.reasons.base import QuotedReason, Reason
from krobench.figures.reasons.figures import NotEvaluated, NotGiven
from krobench.figures.reasons.sources import Exposition

SOURCE_NAMES: Mapping[SourceName, str] = {
    "kro": "kro",
    "apiserver": "the API server",
    "kubelet": "the kubelet",
    "etcd": "etcd",
    "krobench": "krobench",
}
MANAGED_KRO = (
    "kro's own figures (CPU, memory, queues, requests, restarts) are not available: the provider "
    "of this cluster runs kro elsewhere (spec.target.managed)"
)
_WORDS: Mapping[type[Reason], str] = {
    QuotedReason: "{text}",
    samples.NotSampled: "nothing was sampled of {source}",
    samples.NotExposed: "{source} does not expose {metric}",
    samples.NoSampleAtBorder: "no sample of {source} at the border of the run phase",
    samples.WentBackwards: "{metric} of {source} went backwards: it was restarted",
    samples.TooFewMeasurements: "{source} made fewer than two measurements during the run phase",
    samples.DidNotGrow: "{metric} of {source} did not grow",
    samples.HistogramEmpty: "{metric} saw nothing in this phase",
    samples.ProcessRestarted: "{process} was restarted in this phase",
    samples.PhaseTookNoTime: "the phase took no time",
    samples.PhaseTooShort: "the phase was shorter than the interval of the samples",
    samples.TooFewSamples: "fewer than {needed} samples",
    load.RunPhaseNotReached: "the run phase was never reached",
    load.NoInstanceReady: "no instance became ready",
    load.InstancesNotReady: "{missing} of {total} instances did not become ready, and what kro did "
    "for them cannot be separated from the rest",
    load.NoRgdReady: "no RGD became ready",
    load.RgdsExistedBefore: "the RGDs were there before the iteration, so their creation was not "
    "timed",
    samples.NoGarbageCollected: "no garbage was collected during the set-up",
    samples.WorkNotByKind: "kro does not expose the time of its instance workers by kind",
    samples.SharedNetwork: "it shares its node's network, so its traffic cannot be separated "
    "from that of others",
    load.NothingObserved: "nothing of this kind was observed",
    load.TooFewObservations: "it needs {needed} observations and has {had}",
    load.TimedOut: "{censored} of {total} timed out, so it exceeds all measured ones",
    load.ProbesMissing: "{seen} probes were seen and {missing} were not",
    load.TooFewProbes: "it takes {needed} probes: {seen} probes were seen and {missing} were not",
    load.ProbeFailed: "{detail}",
    load.TooFewReady: "fewer than two instances became ready",
    load.ObjectsNotListed: "{detail}",
    load.NoPeakMemory: "the kernel does not report VmHWM",
    load.NoWatchEvents: "no events were watched",
    load.TooFewShards: "fewer than two shards began",
    load.NoLeaderElection: "kro does not elect a leader (--leader-elect)",
    load.KroNotBack: "the phase that replaced kro ended before",
    load.InstancesNotReconciled: "the new kro counted reconciles of {reconciled} of {total} "
    "instances",
    load.NoChildren: "the RGD creates no children",
    load.ChildrenNotServed: "children of kind {kind} cannot be watched: the API server does not "
    "serve it",
    load.ChildrenForbidden: "children of kind {kind} cannot be watched: {detail}; grant list and "
    "watch to the load Job, for Secrets with the chart value load.watchSecrets, for other kinds "
    "with load.watchedKinds",
    load.RevisionsNotServed: "no GraphRevisions are served",
    load.RevisionsForbidden: "{detail}; grant list and watch on graphrevisions.{group}",
    sources.QueryFailed: "{detail}",
    sources.NoAnswerInTime: "no answer within {seconds:g}s",
    sources.ContainerNotNamed: "the kubelet of node {node} names no container {container} of pod "
    "{namespace}/{pod}",
    sources.NoPprof: "kro has no pprof on port {port}, and without it the garbage in its heap "
    "cannot be separated from what is in use: {detail}",
    sources.NoHeapSize: "kro's heap profile has no size of the allocated heap",
    sources.NoKroPod: "no kro pod in this cluster: its provider runs kro elsewhere",
    sources.AnswerTooLarge: "the answer has over {most_bytes} bytes: aggregate, as by sum()",
    sources.AnswerNotUnderstood: "the answer is not one of Prometheus",
    sources.NothingReturned: "it returned nothing for the time of the run phase",
    sources.SeveralSeries: "it returned {series} series: aggregate them, as by sum()",
    sources.NotARange: "its values are not those of a range",
    sources.NothingFinite: "it returned no finite number for the time of the run phase",
    profiles.PprofForbidden: "kro's pprof is forbidden: {detail}",
    profiles.PprofSilent: "kro's pprof does not answer on port {port}: {detail}. It is in kro's "
    "builds with the tag pprof only (chart value debug.pprof.enabled, image VERSION-debug); "
    "spec.target.pprofPort names another port",
    profiles.ProfilerBusy: "another client is taking a CPU profile of kro, and Go takes one at a "
    "time: {detail}",
    profiles.CpuProfileFailed: "no CPU profile of {seconds}s: {detail}",
    profiles.HeapProfileFailed: "no heap profile: {detail}",
    profiles.ProfileNotDecoded: "not a profile in pprof's format: {detail}",
    profiles.ProfileEntryMissing: "not a profile in pprof's format: it refers to an entry that it "
    "does not have",
    profiles.ProfileWithoutTypes: "not a profile in pprof's format: it has no types of values",
    profiles.ProfileValuesDiffer: "not a profile in pprof's format: a sample has {values} values, "
    "and there are {types} types of values",
    profiles.ProfileTooLarge: "the profile is larger than {most_bytes} bytes once unzipped",
    profiles.NoCpuTime: "kro used no CPU time while it was profiled",
    profiles.HeapsOfTwoProcesses: "kro restarted in the run phase: less was allocated after than "
    "before it",
    profiles.NotProfiled: "the profiled iteration failed before its run phase",
    profiles.FileTooLarge: "{bytes} bytes do not fit into a ConfigMap",
    profiles.NoRoomForFile: "the profiles of this run take {used_bytes} bytes already",
    profiles.FileNotStored: "{detail}",
    NotGiven: "it was not measured",
    NotEvaluated: "{detail}",
    cel.ExpressionFailed: "the expression failed: {reason}",
    cel.NoUndisturbedWindow: "no undisturbed window",
    cel.NoBuildTimes: "kro gave no build times of its RGD",
    cel.HeapNotRead: "the heap was not read",
    cel.NeverRestarted: "kro was not restarted: the test had ended before",
    cel.NotAllCompiled: "kro had not compiled all revisions while it was observed",
    cel.ForeignRevisions: "kro compiled {revisions} revisions of RGDs that are not the test's as "
    "well",
    cel.NoRevisionsKept: "kro kept no revisions of the test's RGDs",
}


_OF_SOURCES = {"source", "process"}
_EXPOSITIONS = {
    Exposition.KRO: "kro's /metrics",
    Exposition.API_SERVER: "the API server's /metrics",
    Exposition.KUBELET: "the kubelet's cAdvisor on node {at}",
    Exposition.ETCD: "etcd's metrics at {at}",
}
_UNTRUSTED = (
    "; set the chart's value load.kubelet.caBundle to the certificate of the authority that signed "
    "it, or load.kubelet.insecureSkipVerify=true if no authority did"
)
_GRANTS = {
    Exposition.API_SERVER: "get on the nonResourceURL /metrics",
    Exposition.KUBELET: "get on nodes/metrics (chart value load.nodeMetrics), and let kubelets "
    "authenticate and authorize by webhook",
}


def reason_line(reason: Reason) -> str:  # noqa: PLR0911 - some need more than their fields
    """Return why a number is missing."""
    match reason:
        case sources.ScrapesFailed(count=1):
            return f"a scrape failed at {reason.first_seconds:.1f}s: {reason_line(reason.last)}"
        case sources.ScrapesFailed():
            return (
                f"{reason.count} scrapes failed between {reason.first_seconds:.1f}s and "
                f"{reason.last_seconds:.1f}s, the last with: {reason_line(reason.last)}"
            )
        case sources.NotReadable():
            grant = _GRANTS.get(reason.exposition) if reason.forbidden else None
            hint = f"; grant {grant}" if grant else _UNTRUSTED if reason.untrusted else ""
            return f"{_EXPOSITIONS[reason.exposition].format(at=reason.at)}: {reason.detail}{hint}"
        case sources.InvalidFormat():
            what = _EXPOSITIONS[reason.exposition].format(at=reason.at)
            return f"{what}: invalid Prometheus text format: {reason.detail}"
        case samples.NotExposed(process=str() as process):
            whose = f"{SOURCE_NAMES[process]}'s container"
            return f"{SOURCE_NAMES[reason.source]} does not expose {reason.metric} of {whose}"
        case profiles.OtherProfile():
            return f"the profile has {', '.join(reason.has)} instead of {reason.wanted}"
        case _:
            fields = dict(reason)
            for name in _OF_SOURCES & fields.keys():
                fields[name] = SOURCE_NAMES.get(fields[name])
            return _WORDS[type(reason)].format(**fields)
