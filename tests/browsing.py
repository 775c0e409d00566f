"""Following links and sending forms in the tests' browser, however long the answer takes."""

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.wait import WebDriverWait

PAGE_SECONDS_MAX = 20


def follow(browser: webdriver.Chrome, element: WebElement) -> None:
    """Click, and wait until the next page has taken this one's place, whole."""
    here = browser.find_element(By.TAG_NAME, "html")
    element.click()
    wait = WebDriverWait(browser, PAGE_SECONDS_MAX, poll_frequency=0.05)
    wait.until(staleness_of(here))
    wait.until(lambda b: b.execute_script("return document.readyState") == "complete")


def follow_link(browser: webdriver.Chrome, text: str) -> None:
    """Follow the first link that has *text* in it."""
    follow(browser, browser.find_element(By.PARTIAL_LINK_TEXT, text))


def log_in(browser: webdriver.Chrome, address: str, login: str, password: str) -> None:
    """Type a login and a password on the portal at *address*, and send them."""
    browser.get(address + "/my/login")
    for name, value in (("login", login), ("password", password)):
        field = browser.find_element(By.ID, name)
        field.clear()
        field.send_keys(value)
    follow(browser, browser.find_element(By.CSS_SELECTOR, "form button"))


def log_out(browser: webdriver.Chrome) -> None:
    """Press the button."""
    follow(browser, browser.find_element(By.XPATH, "//button[.='Log out']"))


def seen(browser: webdriver.Chrome) -> str:
    """Give the text that a reader sees."""
    return browser.find_element(By.TAG_NAME, "main").text


def complaints(browser: webdriver.Chrome) -> list[str]:
    """Give what the browser warned of since it was asked last; that a page is a refusal is no complaint."""
    return [
        entry["message"]
        for entry in browser.get_log("browser")
        if entry["level"] != "INFO"
        and "the server responded with a status of" not in entry["message"]
    ]
