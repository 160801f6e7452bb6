"""What a run will do is told before it does anything."""

from reports.run.run import Run
from reports.run.suite import parse_suite
from reports.stages.outlook import most_validations, outlook


def test_fine_tunes_are_counted_as_they_will_be_run(suite_values, tmp_path):
    run = Run(parse_suite(suite_values), tmp_path, "bench run fake", str)
    text = outlook(run)

    assert most_validations(run) == 2 * 2 + 1 * 2 + 1
    assert "28 fine-tunes" in text and "7 fine-tunes" in text
    assert "minutes" not in text  # nothing is known of this machine yet
