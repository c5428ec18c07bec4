from __future__ import annotations

from random import Random

import pytest

from shared.clients.discovery import MAX_STALENESS, ConsulDiscovery, Instance
from shared.errors import DependencyUnavailable

pytestmark = pytest.mark.services("gateway", "orders")

ONE, TWO = Instance("risk-1", "10.0.0.1", 80), Instance("risk-2", "10.0.0.2", 80)


class Catalogue:
    """A Consul whose answers, failures and clock the test decides."""

    def __init__(self, *instances: Instance) -> None:
        self.instances = list(instances)
        self.lookups = 0
        self.time = 0.0
        self.down = False

    def lookup(self, _service: str) -> list[Instance]:
        self.lookups += 1
        if self.down:
            raise ConnectionError("no agent")
        return list(self.instances)

    def discovery(self) -> ConsulDiscovery:
        return ConsulDiscovery(self.lookup, ttl=1.0, quarantine=2.0, clock=lambda: self.time)


def picks(discovery: ConsulDiscovery, times: int = 4) -> set[Instance]:
    return {discovery.pick("risk") for _ in range(times)}


def test_discovery_takes_instances_in_turn_and_asks_consul_once() -> None:
    """Load spreads over all instances without a lookup per call."""
    catalogue = Catalogue(ONE, TWO)
    assert picks(catalogue.discovery()) == {ONE, TWO}
    assert catalogue.lookups == 1


def test_discovery_forgets_a_deregistered_instance_after_its_ttl() -> None:
    """An instance that left the catalogue is not called any more."""
    catalogue = Catalogue(ONE, TWO)
    discovery = catalogue.discovery()
    picks(discovery)
    catalogue.instances = [TWO]
    catalogue.time = 1.0
    assert picks(discovery) == {TWO}


def test_discovery_knows_only_what_the_catalogue_lists(rng: Random) -> None:
    """Whatever comes and goes, no instance is picked that the last lookup did not name."""
    catalogue = Catalogue(ONE)
    discovery = catalogue.discovery()
    for _ in range(20):
        catalogue.instances = [
            Instance(f"risk-{n}", "10.0.0.9", 80 + n) for n in rng.sample(range(9), rng.randint(1, 3))
        ]
        catalogue.time += 1.0
        assert picks(discovery, 6) == set(catalogue.instances)


def test_discovery_has_no_instance_left_when_all_were_deregistered() -> None:
    """An empty catalogue means nobody to call, not those of before."""
    catalogue = Catalogue(ONE, TWO)
    discovery = catalogue.discovery()
    picks(discovery)
    catalogue.instances = []
    catalogue.time = 1.0
    with pytest.raises(DependencyUnavailable):
        discovery.pick("risk")


def test_discovery_passes_over_a_dead_instance_that_consul_still_lists() -> None:
    """A lookup that names an instance again does not make it answer."""
    catalogue = Catalogue(ONE, TWO)
    discovery = catalogue.discovery()
    picks(discovery)
    discovery.evict("risk", ONE)
    for _ in range(3):
        catalogue.time += 0.5
        assert picks(discovery) == {TWO}
    assert catalogue.lookups > 1


def test_discovery_passes_over_an_evicted_instance() -> None:
    """An instance that refused a connection is avoided although Consul still lists it."""
    discovery = Catalogue(ONE, TWO).discovery()
    picks(discovery)
    discovery.evict("risk", ONE)
    assert picks(discovery) == {TWO}


def test_discovery_looks_anew_after_an_eviction() -> None:
    """A failed connection is reason enough to ask Consul again at once."""
    catalogue = Catalogue(ONE)
    discovery = catalogue.discovery()
    picks(discovery)
    catalogue.instances = [TWO]
    discovery.evict("risk", ONE)
    assert discovery.pick_cached("risk") is None
    assert picks(discovery) == {TWO}


def test_discovery_tries_an_evicted_instance_again_after_a_while() -> None:
    """An instance that restarted on its old address gets calls again."""
    catalogue = Catalogue(ONE, TWO)
    discovery = catalogue.discovery()
    discovery.evict("risk", ONE)
    assert picks(discovery) == {TWO}
    catalogue.time = 2.0
    assert picks(discovery) == {ONE, TWO}


def test_discovery_uses_an_evicted_instance_when_there_is_no_other() -> None:
    """The only instance is tried rather than none."""
    discovery = Catalogue(ONE).discovery()
    discovery.evict("risk", ONE)
    assert picks(discovery) == {ONE}


def test_discovery_goes_on_with_what_it_knows_while_consul_is_down() -> None:
    """An outage of Consul does not stop calls between services at once, nor is it covered for ever."""
    catalogue = Catalogue(ONE)
    discovery = catalogue.discovery()
    picks(discovery)
    catalogue.down = True
    catalogue.time = 5.0
    assert picks(discovery) == {ONE}
    catalogue.time = MAX_STALENESS + 1
    with pytest.raises(DependencyUnavailable):
        discovery.pick("risk")


def test_discovery_asks_a_silent_consul_as_seldom_as_a_talking_one() -> None:
    """Calls do not each wait for an agent that does not answer."""
    catalogue = Catalogue(ONE)
    discovery = catalogue.discovery()
    picks(discovery)
    catalogue.down = True
    catalogue.time = 1.0
    assert picks(discovery, 50) == {ONE}
    assert catalogue.lookups == 2


def test_discovery_says_that_no_instance_is_healthy() -> None:
    """A service without instances is a dependency that is unavailable."""
    with pytest.raises(DependencyUnavailable) as refusal:
        Catalogue().discovery().pick("risk")
    assert refusal.value.fields["target"] == "risk"
