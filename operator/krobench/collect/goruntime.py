"""What every Go program says of itself: its process, and Go's runtime."""

from krobench.collect.exposition import Series

# Unpacked, as packing would cost the program that is measured CPU time.
HEADERS = {"Accept-Encoding": "identity"}

PROCESS_SERIES = (
    Series("process_cpu_seconds_total"),
    Series("process_start_time_seconds"),
    Series("process_resident_memory_bytes"),
)
NETWORK_SERIES = (
    # Of the network namespace: a pod's own, or, without one, the whole node's.
    Series("process_network_receive_bytes_total"),
    Series("process_network_transmit_bytes_total"),
)
RUNTIME_SERIES = (
    Series("go_goroutines"),
    Series("go_memstats_heap_alloc_bytes"),
    Series("go_memstats_alloc_bytes_total"),
    Series("go_gc_duration_seconds_sum"),
    Series("go_gc_duration_seconds_count"),
    # Only of programs that ask client_golang for all of runtime/metrics, as controller-runtime
    # does.
    Series("go_gc_heap_live_bytes"),
    Series("go_cpu_classes_gc_total_cpu_seconds_total"),
)
