from unit.controller.world import record
from unit.records import some_iteration

from krobench.record.run import RunState
from krobench.report.usage import reasons_section


def reasons(unavailable: dict[str, str], *, warmup: bool = False) -> str:
    test = record(RunState.COMPLETED).tests[0]
    test.iterations = [some_iteration(warmup=warmup, unavailable=unavailable)]
    return reasons_section(test)


def hidden(metric: str, process: str) -> str:
    return f'kubelet does not expose container_{metric}{{of="{process}"}}'


def test_figures_missing_for_the_same_reason_share_a_line() -> None:
    text = reasons({f"f{n}": "nothing was sampled of etcd" for n in range(8)})
    assert "- f0, f1, f2, f3, f4, f5 and 2 others: nothing was sampled of etcd" in text


def test_warm_up_and_complete_figures_have_no_reasons() -> None:
    assert reasons({"f": "nothing was sampled of etcd"}, warmup=True) == ""
    assert reasons({}) == ""


def test_a_process_outside_of_pods_is_one_reason_for_all_its_figures() -> None:
    text = reasons(
        {
            "throttled": hidden("cpu_cfs_periods_total", "apiserver"),
            "workingSet": hidden("memory_working_set_bytes", "apiserver"),
            "read": hidden("fs_reads_bytes_total", "etcd"),
            "etcdSet": hidden("memory_working_set_bytes", "etcd"),
        }
    )
    assert text.splitlines()[2:] == [
        "- throttled, workingSet: the kubelet shows no container of the API server",
        "- read, etcdSet: the kubelet shows no container of etcd",
    ]


def test_a_container_that_is_there_only_lacks_the_figure() -> None:
    text = reasons({"throttled": hidden("cpu_cfs_periods_total", "apiserver")})
    expected = "the kubelet does not expose container_cpu_cfs_periods_total of the API server's"
    assert expected in text


def test_sources_have_their_usual_names() -> None:
    text = reasons(
        {
            "a": "kubelet made fewer than two measurements during the run phase",
            "b": "no sample of apiserver at the border of the run phase",
            "c": "apiserver does not expose apiserver_watches",
        }
    )
    assert "a: the kubelet made fewer" in text
    assert "b: no sample of the API server at" in text
    assert "c: the API server does not expose apiserver_watches" in text
