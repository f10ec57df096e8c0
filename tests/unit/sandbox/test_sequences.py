"""Ids are plausible, reproducible and nobody else's."""

from sandbox.synapse.entities import ROOT_ID
from sandbox.synapse.sequences import Sequences


def test_no_entity_is_ever_given_the_id_of_the_root():
    sequences = Sequences(seed=0)
    assert ROOT_ID not in {f"syn{sequences.number('entity')}" for _ in range(10_000)}


def test_the_same_seed_gives_the_same_uuids():
    assert Sequences(seed=7).uuid() == Sequences(seed=7).uuid() != Sequences(seed=8).uuid()
