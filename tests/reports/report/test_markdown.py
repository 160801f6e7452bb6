"""The Markdown summary says what the page says."""

from reports.report.markdown import markdown


def test_counts_and_findings(record):
    text = markdown(record, [])
    assert "- **Traces learnt from**: 51 from smollm2-v1b + 4 collected" in text
    assert "- **Validated by real runs**: 8 runs" in text
    assert "## A predicted front of 14 configurations, and real runs of 7 configurations" in text
    assert "## 6 of 7 real runs fell inside the predicted interval of the held-out loss" in text
    assert "## nsga2 reached 1.175 times the hypervolume of random search (1 seed)" in text
    assert record["command"] in text


def test_figures_are_linked(record):
    assert "![front](figures/front.svg)" in markdown(record, [("front", "figures/front.svg")])


def test_tables_are_rectangular(record):
    blocks = [block for block in markdown(record, []).split("\n\n") if block.startswith("|")]
    assert len(blocks) == 7
    for block in blocks:
        assert len({line.replace("\\|", "").count("|") for line in block.splitlines()}) == 1


def test_grouped_columns_are_spelt_out(record):
    assert "| Held-out loss (nats per answer token): predicted |" in markdown(record, [])


def test_markup_is_escaped(record):
    record["validation"][0]["name"] = "a|b <i>*x*</i>"
    assert "a\\|b &lt;i>\\*x\\*&lt;/i>" in markdown(record, [])


def test_what_is_not_known_has_a_reason(bare_record):
    text = markdown(bare_record, [])
    assert "## Which axes matter: not known\n\nheld\\_out\\_loss has 0 repeated runs" in text
    assert "None" not in text


def test_no_claim_without_support(record):
    record["hypervolume"]["searchers"] = {
        "random": record["hypervolume"]["searchers"]["nsga2"],
        "nsga2": record["hypervolume"]["searchers"]["random"],
    }
    for entry in record["scores"]:
        entry["error_ratio_to_constant"]["high"] = 1.2
    text = markdown(record, [])
    assert "## No searcher beat random search (1 seed)" in text
    assert "## No surrogate clearly beats the constant" in text


def test_intervals_carry_the_records_level(record):
    record["interval_levels"] = {"predicted": 0.8, "scores": 0.5}
    text = markdown(record, [])
    assert "Brackets hold 80\u00a0% intervals; n counts real runs." in text
    assert "Brackets hold 50\u00a0% intervals over configurations; R²" in text
