"""The page in a real browser: every figure drawn, no error, nothing fetched, no sideways scrolling."""

import shutil

import pytest

from reports.figures.all import drawings
from reports.report.render import write_report

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium or google-chrome on the path")


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, tmp_path):
    """Returns a function that opens a record's page and returns it with what went wrong."""
    pages = []

    def open_page(record, width):
        path = write_report(record, tmp_path)
        page = browser.new_page(viewport={"width": width, "height": 900})
        pages.append(page)
        wrong = []
        page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: wrong.append(request.url) if request.url != path.as_uri() else None)
        page.goto(path.as_uri())
        page.wait_for_load_state("networkidle")
        return page, wrong

    yield open_page
    for page in pages:
        page.close()


def drawn(page):
    return page.evaluate(
        "Array.from(document.querySelectorAll('.plotly-graph-div')).filter(d => d.querySelector('.main-svg')).map(d => d.id)"
    )


@pytest.mark.parametrize("width", [1280, 400])
def test_every_figure_is_drawn_within_the_page(record, visit, width):
    page, wrong = visit(record, width)
    expected = [drawing.name for section in drawings(record).values() for drawing in section]
    assert drawn(page) == expected
    assert wrong == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = (
        "Array.from(document.querySelectorAll('.plotly-graph-div')).filter(d => d.scrollWidth > d.clientWidth).length"
    )
    assert page.evaluate(boxes) == 0


@pytest.mark.parametrize("width", [1280, 400])
def test_a_bare_record(bare_record, visit, width):
    page, wrong = visit(bare_record, width)
    assert len(drawn(page)) == 4
    assert wrong == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_browser_holds_the_front(record, visit):
    page, _ = visit(record, 1280)
    values = page.evaluate(
        "document.getElementById('front-peak_memory_bytes').data.find(trace => trace.meta === 'predicted').y"
    )
    assert values == [entry["predicted"]["held_out_loss"]["value"] for entry in record["front"]]
    assert page.locator("#front-peak_memory_bytes .scatterlayer .trace").count() == 8


def test_a_name_runs_no_script(record, visit):
    record["name"] = "<script>document.title = 'taken'</script>"
    record["validation"][5]["name"] = "<img src=x onerror=\"document.title = 'taken'\">"
    page, wrong = visit(record, 1280)
    assert page.title().startswith("<script>")
    assert wrong == []


def test_the_check_can_fail(record, visit, monkeypatch):
    monkeypatch.setattr("reports.report.render.embedded", lambda drawing: "<script>missing(1)</script>")
    page, wrong = visit(record, 1280)
    assert drawn(page) == []
    assert wrong


def test_long_tables_scroll_by_themselves(record, visit):
    page, _ = visit(record, 400)
    assert page.evaluate("Array.from(document.querySelectorAll('.scroll')).some(d => d.scrollWidth > d.clientWidth)")
    page.locator("summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert page.get_by_text(record["command"]).is_visible()
