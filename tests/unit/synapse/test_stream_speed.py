"""How fast S3 copies, learnt from parts that took long."""

from storage_core.synapse.stream_speed import StreamSpeed


def test_the_first_measurement_replaces_what_was_assumed_and_later_ones_move_it():
    speed = StreamSpeed()
    speed.learn(2_000_000_000, 40)
    assert 50e6 == speed.bytes_per_second
    for _ in range(100):
        speed.learn(2_000_000_000, 10)
    assert 199e6 < speed.bytes_per_second <= 200e6


def test_a_part_that_took_no_time_is_no_division_by_nothing():
    speed = StreamSpeed()
    speed.learn(10, 0)
    assert speed.bytes_per_second > 0
