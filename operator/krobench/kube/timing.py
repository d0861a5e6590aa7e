"""How long things may take, and how often krobench looks: every constant of time in one place.

An object that waits, polls or gives up is given a :class:`Timing` when it is made, so a test can
give it a quicker one.
"""

from dataclasses import dataclass

from krobench.api.specs.scaletest import STEADY_SECONDS


@dataclass(frozen=True)
class Timing:
    """Seconds, unless a name says otherwise."""

    # The lease that keeps two loads apart.
    lease_duration: float = 30.0
    """A lease that was not renewed for this long is free."""
    lease_wait: float = 40.0
    """Wait this long for another load to end: a holder that died is known by then."""
    lease_renewal: float = 5.0
    """Pause between two renewals."""
    lease_poll: float = 1.0
    """Pause between two looks at a lease that another load holds."""

    # The lease that keeps two operators apart. Renewals are a fixed cost on the server that is
    # measured, also while nothing runs; an operator that is away for a minute costs a run nothing.
    leader_duration: float = 45.0
    """Another operator acts if the Lease was not renewed for this long."""
    leader_deadline: float = 30.0
    """An operator that could not renew for this long stops acting: well before another begins."""
    leader_renewal: float = 15.0
    """Pause between two renewals."""
    leader_retry: float = 5.0
    """Pause after a request for the Lease that failed."""

    # The operator.
    start_retry: float = 5.0
    """Pause after a first look at the cluster that failed."""

    # kro.
    kro_returns: float = 60.0
    """Wait this long for a kro pod to run again, for example after it was killed."""
    kro_leads: float = 20.0
    """Wait this long for a new pod to lead. A lease of kro lasts 15 s by default."""
    kro_poll: float = 1.0
    """Pause between two looks for a kro that is away or does not lead yet."""
    rollout_poll: float = 0.15
    """Pause between two looks at a rollout of kro."""
    rollout_failing: float = 15.0
    """A rollout fails if a container fails for this long: an image pull may work later."""
    restart_poll: float = 0.1
    """Pause between two looks after kro's pod was deleted: restarts are measured."""
    restart_timeout: float = 120.0
    """A new pod must lead within this time."""
    replacement_poll: float = 0.25
    """Pause between two looks at the pods, the Lease and the metrics of a kro that is replaced: its
    times are known no better."""
    replacement_unseen: float = 60.0
    """Once kro leads again, it must reconcile a further instance within this time."""
    monitor_interval: float = 3.0
    """Pause between two looks at kro's pods during a load. A container is back within a second or
    two, but its pod counts the restart, so no restart is missed."""

    # The run.
    progress_interval: float = 3.0
    """Pause between two updates of the progress in the results ConfigMap."""
    results_stored: float = 900.0
    """Results are written again for this long: an API server may be away for ten minutes."""
    last_publish: float = 10.0
    """Time to store the results of a run that is stopped, before its pod is killed."""
    last_archive: float = 4.0
    """Of that, time to store them in the administrator's store, if there is one."""
    permission_review: float = 1.0
    """Pause before a permission is reviewed again, while the API server may still be starting."""
    shortest_iteration: float = 1.0
    """No iteration starts with less than this left of the budget."""

    steady_window: float = STEADY_SECONDS
    """A soak ends early only if kro was steady for this long, however often it is sampled."""

    # Tests of CEL expressions.
    cel_poll: float = 0.04
    """Pause between two readings of kro's counters while they settle."""
    cel_echo_allowance: float = 0.3
    """Added to the time after which kro looks at an RGD again."""
    cel_restart_poll: float = 0.1
    """Pause between two readings after a restart of kro."""
    cel_restart: float = 120.0
    """kro must have compiled and reconciled everything within this time after a restart."""
    cel_profile: float = 10.0
    """Length of a CPU profile if the spec does not give one."""

    # The command line.
    status_poll: float = 2.0
    """Pause between two looks at a run for which ``krobench run`` waits."""
    resource_deleted: float = 300.0
    """A resource that is replaced must be deleted within this time, with its run's objects."""

    # The load.
    new_kind_pause: float = 2.1
    """Pause after a kind is established. An API server answers a create request for a kind that was
    established less than two seconds ago only after sleeping for two seconds, so that in a cluster
    of several servers the others learn of the kind. Without the pause, the sleep would be
    attributed to kro."""
    kind_appears: float = 10.0
    """The CRD of an RGD that is ready must appear within this time."""
    kind_poll: float = 0.1
    """Pause between two looks for that CRD."""
    rejection_grace: float = 3.0
    """An RGD must stay rejected for this long: kro builds a graph again after a failure, and may
    succeed once a kind that it needs appears."""
    same_error: float = 30.0
    """A load ends if no instance becomes ready for this long and all of them report one error."""
    same_error_poll: float = 1.0
    """Pause between two looks at that."""
    probe_interval: float = 0.5
    """Pause between two writes of the probe of the watch's lag."""
    probe_last_event: float = 0.5
    """Time for the event of the probe's last write to arrive."""
    expression_ready: float = 30.0
    """An RGD with an expression, its instance, or a change must be ready within this time."""
    shards_lead: float = 0.5
    """The start of a sharded load is announced this long before: a watch event and the set-up of
    tasks must fit in."""

    ballast_poll: float = 1.0
    """Pause between two looks at which CRDs of the ballast are served."""
    ballast_served: float = 60.0
    """Another CRD of the ballast must be served, or gone, within this time."""
    ballast_pause: float = 40.0
    """Pause after the ballast has changed. Kubernetes' controllers look for new kinds every 30 s,
    and begin to watch each."""

    # Cleanup.
    cleanup_first_poll: float = 0.03
    """Pause before the first look at what is being deleted; each further pause is twice as long."""
    cleanup_poll: float = 0.25
    """Longest pause between two looks at what is being deleted."""
    probes_deleted: float = 10.0
    """Probes and the shards' ConfigMaps must be deleted within this time."""
    rgds_deleted: float = 60.0
    """RGDs must be deleted within this time."""
    crds_deleted: float = 60.0
    """CRDs must be deleted within this time."""
    prerequisites_deleted: float = 60.0
    """Prerequisites must be deleted within this time."""
    namespaces_deleted: float = 90.0
    """Namespaces must be deleted within this time, with all that is in them."""
    forced_deletion: float = 15.0
    """Objects without their finalizers must be deleted within this time."""

    # Sharded loads.
    workers_arrive: float = 120.0
    """The pods of all shards must start within this time."""
    workers_prepare: float = 30.0
    """A worker must prepare an iteration within this time."""
    workers_deliver: float = 30.0
    """A worker must deliver its results within this time after an iteration's deadline."""
    worker_silence: float = 20.0
    """A worker that sends nothing for this long is lost; it sends every few seconds."""
    worker_interval: float = 3.0
    """Pause between two messages of a worker."""
    coordinator_arrives: float = 600.0
    """A worker waits this long for the first message of the coordinator."""
    coordinator_silence: float = 60.0
    """A worker gives up if the coordinator sends nothing for this long."""
    coordinator_interval: float = 5.0
    """Pause between two messages of the coordinator."""
    coordinator_poll: float = 1.0
    """Pause between two checks for lost workers."""
