"""The page in a real browser: it opens from a file, without network, and everything on it works."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait
from unit.records import some_line, some_run, some_test
from unit.report.scales import scale_run

from krobench.analysis.comparison.estimates import condense
from krobench.analysis.history import History
from krobench.analysis.profiling.pprof import Profile, Stack, ValueType
from krobench.api.common import ErrorInfo
from krobench.api.status import Verdict
from krobench.cli.charts import drawing
from krobench.figures.rawdata import ObjectRecord
from krobench.record.run import RunRecord
from krobench.record.store import read_objects, read_run_record, read_series
from krobench.report.history import render as history_text
from krobench.report.html.charts.base import Drawing
from krobench.report.html.history import render as render_history
from krobench.report.html.run import Raw, render

HERE = Path(__file__).parent
STORED = HERE.parent / "unit" / "record" / "data" / "run-v1-2026-11.json"
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--window-size=1000,900",
)
MOST_BYTES = 1_500_000
LIVE = "return document.querySelectorAll('.chart.live').length"

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER),
    reason="no browser: install Debian's packages chromium and chromium-driver",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for option in (*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    yield driver
    driver.quit()


def stored() -> tuple[RunRecord, Raw]:
    config_map = json.loads(STORED.read_text())
    stacks = (Stack(("leaf", "root"), (600,)), Stack(("other", "root"), (400,)))
    profile = Profile((ValueType("cpu", "nanoseconds"),), stacks)
    lines = read_objects([config_map]), read_series([config_map])
    return read_run_record(config_map), Raw(*lines, {"web-app": profile})


def failed() -> tuple[RunRecord, Raw]:
    why = ErrorInfo(reason="KroNotFound", message="there is no kro")
    return some_run(some_test(), verdict=Verdict.ERROR, error=why, warnings=["one"]), Raw()


def history(library: Drawing | None) -> str:
    run, _ = stored()
    later = run.model_copy(update={"id": "later", "start_time": "2026-11-30T00:00:00Z"})
    found = History([condense(run), condense(later)])
    return render_history(
        "default/nightly",
        [run, later],
        found,
        lambda: history_text([run, later], found.changes(), {}),
        library,
    )


PAGES: dict[str, Callable[[Drawing | None], str]] = {
    "benchmark": lambda library: render(*stored(), library),
    "scale": lambda library: render(scale_run(), Raw(), library),
    "failed": lambda library: render(*failed(), library),
    "history": history,
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    directory = tmp_path_factory.mktemp("pages")
    found = {}
    with drawing() as library:
        for name, make in PAGES.items():
            found[name] = directory / f"{name}.html"
            found[name].write_text(make(library))
    return found


def opened(browser: webdriver.Chrome, page: Path) -> None:
    browser.get_log("browser")
    browser.get(page.as_uri())


def is_live(chart: WebElement, _: webdriver.Chrome) -> bool:
    return "live" in (chart.get_attribute("class") or "")


def live(browser: webdriver.Chrome, title: str) -> WebElement:
    """Return a chart once it is interactive."""
    chart = browser.find_element(By.XPATH, f"//figure[h3='{title}']/div[@data-zoom or @tabindex]")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", chart)
    WebDriverWait(browser, 20, poll_frequency=0.05).until(partial(is_live, chart))
    return chart


def all_live(browser: webdriver.Chrome) -> int:
    """Scroll through the page until every chart is interactive; returns how many there are."""
    charts = browser.find_elements(By.CSS_SELECTOR, ".chart")
    for chart in charts:
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", chart)
        WebDriverWait(browser, 20, poll_frequency=0.05).until(partial(is_live, chart))
    return len(charts)


@pytest.mark.parametrize("name", PAGES)
def test_it_opens_without_network_and_without_an_error(
    browser: webdriver.Chrome, pages: dict[str, Path], name: str
) -> None:
    assert pages[name].stat().st_size <= MOST_BYTES
    opened(browser, pages[name])
    assert browser.find_element(By.TAG_NAME, "h1").is_displayed()
    charts = all_live(browser)
    assert browser.execute_script(LIVE) == charts
    assert (charts > 0) is (name != "failed")
    assert browser.get_log("browser") == []
    loaded = browser.execute_script("return performance.getEntriesByType('resource').length")
    assert loaded == 0


def test_details_unfold_tables_are_saved_and_points_explain_themselves(
    browser: webdriver.Chrome, pages: dict[str, Path]
) -> None:
    opened(browser, pages["benchmark"])
    fold = browser.find_element(By.CSS_SELECTOR, "#instances details")
    table = fold.find_element(By.TAG_NAME, "table")
    assert not table.is_displayed()
    fold.find_element(By.TAG_NAME, "summary").click()
    assert table.is_displayed()
    browser.execute_script(
        "window.saved = []; const make = URL.createObjectURL; URL.createObjectURL = (blob) => "
        "{ blob.text().then((text) => window.saved.push(text)); return make.call(URL, blob); }; "
        "HTMLAnchorElement.prototype.click = () => {};"
    )
    fold.find_element(By.CSS_SELECTOR, ".tools button").click()
    WebDriverWait(browser, 5).until(lambda driver: driver.execute_script("return saved.length"))
    assert "web-app" in browser.execute_script("return saved[0]")
    bar = live(browser, "The life of an instance").find_element(By.CSS_SELECTOR, ".mark-rect path")
    ActionChains(browser).move_to_element(bar).perform()
    shown = (By.CSS_SELECTOR, "#vg-tooltip-element.visible")
    WebDriverWait(browser, 5).until(lambda driver: driver.find_elements(*shown))


def test_a_chart_zooms(browser: webdriver.Chrome, pages: dict[str, Path]) -> None:
    opened(browser, pages["benchmark"])
    chart = live(browser, "Time until ready over the run")
    before = chart.find_element(By.CSS_SELECTOR, ".role-axis-label").text
    browser.execute_script(
        "const at = arguments[0].querySelector('svg').getBoundingClientRect(); "
        "const clientX = at.x + at.width / 2, clientY = at.y + at.height / 2; "
        "document.elementFromPoint(clientX, clientY).dispatchEvent(new WheelEvent('wheel', "
        "{deltaY: -400, shiftKey: true, bubbles: true, cancelable: true, clientX, clientY}))",
        chart,
    )
    label = (By.CSS_SELECTOR, ".chart[data-zoom] .role-axis-label")
    WebDriverWait(browser, 5).until(lambda driver: driver.find_element(*label).text != before)


def test_the_theme_follows_the_system_and_the_button(
    browser: webdriver.Chrome, pages: dict[str, Path]
) -> None:
    def background() -> Any:
        return browser.execute_script("return getComputedStyle(document.body).backgroundColor")

    opened(browser, pages["benchmark"])
    light = background()
    browser.find_element(By.ID, "theme").click()
    dark = background()
    assert dark != light
    browser.find_element(By.ID, "theme").click()
    assert background() == light
    feature = {"name": "prefers-color-scheme", "value": "dark"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    try:
        opened(browser, pages["benchmark"])
        assert background() == dark
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_it_fits_a_phone_and_reads_without_scripts_and_on_paper(
    browser: webdriver.Chrome, pages: dict[str, Path]
) -> None:
    phone = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(pages["benchmark"].as_uri())
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
        widths = "return [document.documentElement.scrollWidth, innerWidth]"
        width, room = browser.execute_script(widths)
        assert width <= room
        undrawn = "return document.querySelectorAll('figure:not(:has(svg))').length"
        assert browser.execute_script(undrawn) == 0
        assert browser.execute_script(LIVE) == 0
        shown = (
            "return [...document.querySelectorAll('details table')].map(t => t.checkVisibility())"
        )
        assert not any(browser.execute_script(shown))
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        assert all(browser.execute_script(shown))
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.fixture(scope="session")
def axe() -> str:
    """The checker of accessibility, in the version that package-lock.json has the hash of."""
    lock = HERE / "package-lock.json"
    version = json.loads(lock.read_text())["packages"]["node_modules/axe-core"]["version"]
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = root / "krobench" / f"axe-core-{version}"
    script = cache / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        if shutil.which("npm") is None:
            pytest.skip("no npm, which installs axe-core: install Node.js with npm")
        cache.mkdir(parents=True, exist_ok=True)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(HERE / file, cache / file)
        subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=cache,
            check=True,
            capture_output=True,
            timeout=120,
        )
    return script.read_text()


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_that_keeps_anybody_out(
    browser: webdriver.Chrome, pages: dict[str, Path], axe: str, name: str
) -> None:
    opened(browser, pages[name])
    if name == "scale":
        all_live(browser)
    browser.execute_script("document.querySelectorAll('details').forEach(f => { f.open = true; })")
    browser.execute_script(axe)
    find = (
        "const done = arguments[arguments.length - 1]; "
        "axe.run({exclude: ['svg *']}, {preload: false, "
        "resultTypes: ['violations'], ...arguments[0]}).then(found => done(found.violations))"
    )
    found = browser.execute_async_script(find, {})
    browser.find_element(By.ID, "theme").click()
    colours = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
    found += browser.execute_async_script(find, colours)
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found] == []


def test_a_hundred_thousand_instances_are_shown_within_five_seconds(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    lines: list[ObjectRecord] = [
        some_line(
            phase=0,
            name=f"i{index}",
            sent_seconds=index * 0.01,
            acknowledged_seconds=index * 0.01 + 0.01,
            ready_seconds=index * 0.01 + 0.5 + index % 997 / 100,
        )
        for index in range(100_000)
    ]
    page = tmp_path / "large.html"
    with drawing() as library:
        page.write_text(render(some_run(some_test()), Raw(lines), library))
    assert page.stat().st_size <= MOST_BYTES
    began = time.monotonic()
    opened(browser, page)
    assert all_live(browser) >= 3
    assert time.monotonic() - began <= 5.0
