"""Technical words carry their explanation, each once a section."""

from reports.figures.print import figure_files
from reports.pages.glossary import Terms, glossary
from reports.pages.html import html
from reports.report.page import report_page


def test_every_word_of_the_concepts_has_a_sentence():
    words = glossary()

    assert {"rank", "front", "hypervolume", "seed noise"} <= set(words)
    assert all(text.endswith((".", ")")) and "](" not in text for text in words.values())


def test_a_word_is_marked_once_a_section_and_text_stays_text():
    terms = Terms({"rank": "a number", "seed noise": "what seeds do"})
    first = terms.marked("<b> ranks of a rank, seed noise", "one")

    assert first.count('class="term"') == 2
    assert "&lt;b&gt;" in first and 'data-tip="a number"' in first
    assert 'class="term"' not in terms.marked("rank", "one")
    assert 'class="term"' in terms.marked("rank", "two")
    assert Terms({}).marked("rank") == "rank"


def test_no_technical_word_stands_on_the_page_without_its_explanation(record):
    page = report_page(record)
    shown = html(page, figure_files(page.drawings))
    for section in page.sections:
        if section.folded:
            continue
        start = shown.index(f'id="section-{section.identifier}"')
        part = shown[start : shown.index("</section>", start)]
        text = " ".join((section.title, *section.sentences, *section.notes)).lower()
        for word in ("hypervolume", "front", "pruning", "rank correlation", "reference"):
            if f" {word} " in f" {text} " and word in glossary():
                assert f'aria-label="{word}' in part.lower(), (section.identifier, word)
