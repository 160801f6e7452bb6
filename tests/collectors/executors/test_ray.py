"""Trials on a real Ray cluster of three nodes: every trial ends once, whatever dies."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from collectors.campaign.campaign import CampaignResult, run_campaign
from collectors.executors import InlineExecutor, LocalExecutor, RayExecutor, ray_executor
from perfmodel.errors import InvalidConfigurationError, MissingExtraError, UserError
from perfmodel.traces.store import TraceStore

ray = pytest.importorskip("ray", reason="needs the extra [ray]")

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="reads process states from /proc")

PATHS = os.pathsep.join([str(Path(__file__).parents[2] / "support"), str(Path(__file__).parents[3])])
NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
# A dead node is missed after some seconds instead of some fifteen.
IMPATIENT = {"health_check_initial_delay_ms": 500, "health_check_period_ms": 500, "health_check_failure_threshold": 4}


@pytest.fixture(scope="module")
def cluster():
    """One cluster for all tests of this file: a head and two more nodes, of one core each."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", PATHS)  # the nodes' workers import what is installed there, and fake_runner
        cluster = Cluster(initialize_head=True, head_node_args={**NODE, "_system_config": IMPATIENT})
        for _ in range(2):
            cluster.add_node(wait=False, **NODE)
        cluster.wait_for_nodes()
        yield cluster
        cluster.shutdown()


@pytest.fixture
def on_ray(fakes, tmp_path, cluster):
    """Makes an executor of fake trials on the cluster."""

    def make(behaviours=None, *, workers=1, timeout_s=900.0, **more):
        settings = {"threads": 1, "campaign": "test", "address": cluster.address, **more}
        runner = partial(fakes.FakeRunner, tmp_path, behaviours or {})
        return RayExecutor(runner, workers=workers, timeout_s=timeout_s, **settings)

    return make


def by_seed(traces):
    return {trace.asked.seed: trace for trace in traces}


def ray_nodes(cluster):
    return cluster.global_state.node_table()


def test_a_worker_lives_through_many_trials_and_auto_takes_every_node(fakes, on_ray, tmp_path):
    trials = [fakes.asked(seed) for seed in range(9)]
    traces = by_seed(on_ray(dict.fromkeys(range(9), 0.3), workers="auto").run(trials))
    assert sorted(traces) == list(range(9))
    assert all(trace.ok and trace.measured.held_out_loss == seed for seed, trace in traces.items())
    assert Counter(fakes.notes(tmp_path, "start")) == dict.fromkeys(range(9), 1)
    assert len(fakes.processes(tmp_path)) == 3
    assert max(trace.measured.accuracy_examples for trace in traces.values()) >= 3  # the runner's own count
    assert fakes.wait_for(lambda: not any(fakes.is_running(each) for each in fakes.processes(tmp_path)), 5)
    assert not ray.is_initialized()


@pytest.mark.parametrize(
    ("misfortune", "reason"),
    [
        ("killed_later", "the worker died: "),
        ("forgotten", "ValueError: a bug in the runner"),
    ],
)
def test_a_lost_worker_is_one_failed_trial_and_the_others_go_on(fakes, on_ray, tmp_path, misfortune, reason):
    traces = by_seed(on_ray({1: misfortune}).run([fakes.asked(seed) for seed in range(3)]))
    assert {seed: trace.measured.status for seed, trace in traces.items()} == {0: "ok", 1: "failed", 2: "ok"}
    assert traces[1].measured.reason.startswith(reason)
    assert (traces[1].ran_on.campaign, traces[1].ran_on.threads) == ("test", 1)
    assert traces[1].ran_on.cores > 0
    assert fakes.notes(tmp_path, "start") == [0, 1, 2]
    assert len(fakes.processes(tmp_path)) == 2


def test_a_trial_that_takes_too_long_is_a_timeout_and_its_worker_is_gone(fakes, on_ray, tmp_path):
    began = {}
    traces = {}
    for trace in on_ray({1: 600.0}, timeout_s=2.0).run([fakes.asked(seed) for seed in range(3)]):
        traces[trace.asked.seed] = trace
        began[trace.asked.seed] = time.monotonic()
    assert (traces[1].measured.status, traces[1].measured.reason) == ("timeout", "no result after 2 s")
    assert began[1] - began[0] == pytest.approx(2.0, abs=0.5)  # from its own start, not from the worker's
    assert traces[2].ok
    assert fakes.notes(tmp_path, "end") == [0, 2]
    assert fakes.wait_for(lambda: not any(fakes.is_running(each) for each in fakes.processes(tmp_path)), 5)


def test_a_refusal_ends_the_campaign_and_leaves_no_worker(fakes, on_ray, tmp_path):
    traces = on_ray({1: "refused"}).run([fakes.asked(seed) for seed in range(3)])
    assert next(traces).asked.seed == 0
    with pytest.raises(InvalidConfigurationError, match="choose one of these"):
        next(traces)
    assert fakes.wait_for(lambda: not any(fakes.is_running(each) for each in fakes.processes(tmp_path)), 5)


def test_a_campaign_survives_the_death_of_a_node(fakes, on_ray, cluster, tmp_path):
    """Each planned trial ends in the store once; only what ran on the dead node was started again."""
    trials = [fakes.asked(seed) for seed in range(12)]
    victim = next(iter(cluster.worker_nodes))
    cut_off = []

    def kill_node():
        fakes.wait_for(lambda: len(fakes.notes(tmp_path, "end")) >= 3)
        cut_off.extend(set(fakes.notes(tmp_path, "start")) - set(fakes.notes(tmp_path, "end")))
        for processes in victim.all_processes.values():
            for each in processes:
                each.process.kill()

    killer = threading.Thread(target=kill_node)
    killer.start()
    with TraceStore.writer(tmp_path / "traces.sqlite") as store:
        executor = on_ray(dict.fromkeys(range(12), 1.0), workers="auto")
        assert run_campaign(trials, store, executor) == CampaignResult(ran=12, skipped=0)
        stored = [trace.asked.seed for trace in store]
        assert all(trace.ok for trace in store)
    killer.join()
    assert sorted(stored) == list(range(12))
    started = Counter(fakes.notes(tmp_path, "start"))
    assert set(started) == set(range(12))
    twice = [seed for seed, times in started.items() if times == 2]
    assert len(twice) == 1
    assert max(started.values()) == 2
    assert len([node for node in ray_nodes(cluster) if node["Alive"]]) == 2


def test_a_node_that_joins_is_used(fakes, on_ray, cluster, tmp_path):
    before = sum(node["Alive"] for node in ray_nodes(cluster))
    (tmp_path / "wanted").write_text(str(before + 1))
    executor = on_ray({0: 0.1, **dict.fromkeys(range(1, 8), "waiting_for_company")}, workers="auto")
    traces = executor.run([fakes.asked(seed) for seed in range(8)])
    first = next(traces)
    cluster.add_node(**NODE)
    seeds = [first.asked.seed, *(trace.asked.seed for trace in traces)]
    assert sorted(seeds) == list(range(8))
    assert len(fakes.processes(tmp_path)) == before + 1


def test_a_share_that_no_node_holds_is_refused(fakes, on_ray):
    with pytest.raises(UserError, match=r"each worker takes 1 cores and 0\.5 GPUs, and no node"):
        list(on_ray(gpu_share=0.5).run([fakes.asked(0)]))


@pytest.mark.parametrize("address", ["127.0.0.1:9", "garbage"])
def test_an_address_where_no_cluster_answers_is_refused_at_once(fakes, on_ray, address):
    began = time.monotonic()
    with pytest.raises(UserError, match=f"no Ray cluster can be used at {address}.*ray start --head"):
        list(on_ray(address=address).run([fakes.asked(0)]))
    assert time.monotonic() - began < 12


def test_what_this_process_had_joined_is_used_and_left_as_it_is(fakes, on_ray, cluster):
    ray.init(address=cluster.address, log_to_driver=False)
    try:
        [trace] = on_ray(address="nowhere:1").run([fakes.asked(0)])
        assert trace.ok
        assert ray.is_initialized()
    finally:
        ray.shutdown()


@pytest.mark.parametrize(
    ("threads", "share", "expected"),
    [(2, 0.0, 8), (2, 1.0, 3), (2, 0.5, 6), (2, 0.4, 6), (8, 0.25, 2), (2, 2.0, 1), (1, 0.1, 16)],
)
def test_what_a_cluster_holds(monkeypatch, threads, share, expected):
    node = {"Alive": True, "Resources": {"CPU": 8.0, "GPU": 2.0}}
    dead = {"Alive": False, "Resources": {"CPU": 80.0, "GPU": 80.0}}
    other = {"Alive": True, "Resources": {"CPU": 8.0, "GPU": 1.0}}
    monkeypatch.setattr(ray, "nodes", lambda: [node, dead, other])
    assert ray_executor._Share(threads, share).fits() == expected


def test_nothing_to_do_joins_nothing(on_ray):
    assert list(on_ray(address="nowhere:1").run([])) == []


def test_without_ray_the_extra_is_named(fakes, on_ray, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"perfmodel\[ray\]"):
        list(on_ray().run([fakes.asked(0)]))


@pytest.mark.slow
def test_every_executor_measures_the_same_also_in_a_replaced_worker(fakes, make_asked, cluster):
    """The first trial of either worker kills it, so that what is compared comes from replacements."""
    from collectors.trial.trial import TrialRunner

    kinds = [(4, 0.0), (16, 0.0), (4, 0.0), (8, 0.3), (16, 0.3), (4, 0.3)]
    trials = [make_asked(bits=bits, rate=rate, seed=seed) for seed, (bits, rate) in enumerate(kinds)]
    make = partial(fakes.FragileRunner, (0, 1))
    settings = {"workers": 2, "threads": 1, "timeout_s": 300.0, "campaign": "same"}
    here = by_seed(InlineExecutor(TrialRunner(1, "same")).run(trials))
    local = by_seed(LocalExecutor(make, **settings).run(trials))
    on_ray = by_seed(RayExecutor(make, address=cluster.address, **settings).run(trials))
    assert len({trace.measured.held_out_loss for trace in here.values()}) == len(trials)
    for found in (local, on_ray):
        assert set(found) == set(here)
        assert [found[seed].measured.status for seed in here] == ["failed"] * 2 + ["ok"] * 4
        for seed in range(2, len(trials)):
            expected = pytest.approx(here[seed].measured.curve_losses, abs=1e-4)
            assert found[seed].measured.curve_losses == expected


DRIVER = """
import signal
import sys
from functools import partial
from pathlib import Path

from collectors.executors import RayExecutor
from fake_runner import FakeRunner, asked

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored where the tests run in the background
    make = partial(FakeRunner, Path(sys.argv[1]), {0: "killed_later", 1: 600.0, 2: 600.0})
    executor = RayExecutor(make, workers="auto", threads=1, timeout_s=900, campaign="")
    list(executor.run([asked(0), asked(1), asked(2)]))
"""


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="two trials at once need two cores")
@pytest.mark.slow
def test_an_interrupt_leaves_nothing_of_a_quiet_cluster_of_our_own(fakes, tmp_path):
    """A worker dies first, of which Ray would print a page."""
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    with subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": PATHS, "RAY_ADDRESS": "nowhere:1"},
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as driver:
        assert fakes.wait_for(lambda: len(fakes.notes(tmp_path, "start")) == 3, 60)
        family = descendants(driver.pid)
        assert len(fakes.processes(tmp_path) & family) == 2
        os.killpg(driver.pid, signal.SIGINT)  # as a terminal does
        said, warned = driver.communicate()
    assert said == ""
    assert warned.rstrip().endswith("KeyboardInterrupt")
    assert fakes.wait_for(lambda: not any(fakes.is_running(process) for process in family), 10)


def descendants(process):
    """Returns the ids of all processes below one."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = {process}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {process}
