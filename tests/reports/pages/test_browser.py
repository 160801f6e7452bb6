"""The page in a real browser: every figure drawn, no error, nothing fetched, no sideways scrolling."""

import shutil
from contextlib import suppress

import pytest

from reports.report.page import report_page, write_report

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
        with suppress(playwright_error()):
            page.wait_for_selector("body[data-drawn=yes]", timeout=20_000)
        return page, wrong

    yield open_page
    for page in pages:
        page.close()


def playwright_error():
    from playwright.sync_api import Error

    return Error


def drawn(page):
    return page.evaluate(
        "Array.from(document.querySelectorAll('.plot')).filter(d => d.querySelector('.main-svg')).map(d => d.id)"
    )


@pytest.mark.parametrize("width", [1280, 400])
def test_every_figure_is_drawn_within_the_page(record, visit, width):
    page, wrong = visit(record, width)
    expected = [drawing.name for drawing in report_page(record).drawings]
    assert drawn(page) == expected
    assert wrong == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = "Array.from(document.querySelectorAll('.plot')).filter(d => d.scrollWidth > d.clientWidth).length"
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
    record["setting"]["model"] = "<script>document.title = 'taken'</script>"
    record["validation"][5]["name"] = "<img src=x onerror=\"document.title = 'taken'\">"
    page, wrong = visit(record, 1280)
    assert page.title().startswith("<script>")
    assert wrong == []


@pytest.mark.slow
def test_the_check_can_fail(record, visit, monkeypatch):
    monkeypatch.setattr("reports.pages.html.packed_plotly", lambda: "no base64 at all")
    page, wrong = visit(record, 1280)
    assert drawn(page) == []
    assert wrong
    assert page.locator(".picture svg").first.is_visible()  # the pictures stay


def test_the_answer_is_read_in_the_first_screen(record, visit):
    page, _ = visit(record, 1280)
    for place in (".answer", ".card.chosen .name", ".card.chosen dl", ".card.chosen .command"):
        box = page.locator(place).first.bounding_box()
        assert box["y"] + box["height"] <= 900


@pytest.mark.parametrize("width", [1280, 400])
def test_no_two_labels_of_the_front_overlap(record, visit, width):
    page, _ = visit(record, width)
    boxes = page.evaluate(
        "Array.from(document.querySelectorAll('#front-peak_memory_bytes .annotation-text-g'))"
        ".map(d => d.getBoundingClientRect()).map(b => [b.left, b.right, b.top, b.bottom])"
    )
    assert len(boxes) == 8
    for place, (left, right, top, bottom) in enumerate(boxes):
        for other in boxes[:place]:
            assert right <= other[0] or other[1] <= left or bottom <= other[2] or other[3] <= top


def test_a_click_on_a_point_marks_its_row(record, visit):
    page, _ = visit(record, 1280)
    point = page.locator("#front-peak_memory_bytes .scatterlayer .trace").nth(5).locator(".point").first
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert page.locator("details.table tr.marked").is_visible()


def test_a_phone_reads_tables_cell_by_cell(record, visit):
    page, _ = visit(record, 400)
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert page.get_by_text(record["command"]).is_visible()
