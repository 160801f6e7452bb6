"""The Markdown says what the page says."""

from reports.pages.markdown import markdown
from reports.report.page import report_page


def text_of(record):
    return markdown(report_page(record))


def test_counts_and_the_command(record):
    text = text_of(record)
    assert "- **Traces learnt from**: 51 from smollm2-v1b + 4 of its own" in text
    assert "- **Real runs to check it**: 8, 1 failed" in text
    assert record["command"] in text


def test_figures_are_linked(record):
    assert "](figures/front-peak_memory_bytes.svg)" in text_of(record)


def test_tables_are_rectangular(record):
    blocks = [block for block in text_of(record).split("\n\n") if block.startswith("|")]
    assert len(blocks) == 8
    for block in blocks:
        assert len({line.replace("\\|", "").count("|") for line in block.splitlines()}) == 1


def test_grouped_columns_are_spelt_out(record):
    assert "| Held-out loss (nats per answer token): predicted |" in text_of(record)


def test_markup_is_escaped(record):
    record["validation"][0]["name"] = "a|b <i>*x*</i>"
    assert "a\\|b &lt;i>\\*x\\*&lt;/i>" in text_of(record)


def test_what_is_not_known_has_a_reason(bare_record):
    text = text_of(bare_record)
    assert "held\\_out\\_loss has 0 repeated runs" in text
    assert "None" not in text
