#!/usr/bin/env python3
"""The report in a real browser: headless Chromium, over its debugging pipe.

At the width of a desktop and of a phone, in light and in dark, with and without JavaScript: nothing
runs out of the page, nothing is cut off or covers something else, every text has contrast, no error
reaches the console, nothing asks for the network, and the copy buttons copy. With
POSTERN_SCREENSHOTS=DIR there are pictures of all that, for people to look at. With
POSTERN_MERMAID=mermaid.min.js the real Mermaid parses the sources of all pictures.
"""
import base64
import glob
import json
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

CONFGEN = os.environ["POSTERN_CONFGEN"]
SOURCE = os.environ["POSTERN_SOURCE"]
SCREENSHOTS = os.environ.get("POSTERN_SCREENSHOTS")
PATIENCE = 60  # seconds
EXAMPLES = ["dms-relay", "proxy-gate", "app-relay"]
failures = 0
checks = 0


def check(good, *what):
    global failures, checks
    checks += 1
    if not good:
        failures += 1
        print("FAILED:", *what)


class Browser:
    """Chromium's debugging protocol over descriptors 3 and 4: messages that end with a NUL."""

    def __init__(self, program, profile):
        to_read, self.output = os.pipe()
        self.input, to_write = os.pipe()
        # the child has them as 3 and 4; a shell puts them there
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{to_read} 4>&{to_write}', "bash", program,
             "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe",
             "--user-data-dir=" + profile, "about:blank"],
            pass_fds=(to_read, to_write), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.rest, self.number, self.session, self.events = b"", 0, None, []

    def read(self):
        end = time.monotonic() + PATIENCE
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.input], [], [], max(0, end - time.monotonic()))
            data = os.read(self.input, 1 << 20) if ready else b""
            if not data:
                raise RuntimeError("Chromium does not answer")
            self.rest += data
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.output, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait(self, event):
        while True:
            for seen in self.events:
                if seen.get("method") == event:
                    self.events.remove(seen)
                    return
            self.events.append(self.read())

    def begin(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target,
                                 flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def open(self, path, width, scheme, script=True, media=""):
        self.events.clear()
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900,
                  deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url="file://" + path)
        self.wait("Page.loadEventFired")

    def run(self, script):
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True,
                           awaitPromise=True, userGesture=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description"))
        return answer["result"].get("value")

    def complaints(self):
        self.run("1")  # what is on its way has come
        found = []
        for event in self.events:
            if event.get("method") == "Log.entryAdded":
                found.append(event["params"]["entry"]["text"])
            if event.get("method") in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
                found.append(json.dumps(event["params"])[:300])
            if event.get("method") == "Network.requestWillBeSent" and \
                    not event["params"]["request"]["url"].startswith("file:///"):
                found.append(event["params"]["request"]["url"])
        return found

    def picture(self, path):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip={
            "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1})
        with open(path, "wb") as out:
            out.write(base64.b64decode(data["data"]))

    def end(self):
        os.close(self.output)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


# Runs in the page. What is wrong with its layout and its colours, as a list of texts.
JUDGE = r"""
(function () {
	var wrong = [], root = document.documentElement;

	if (root.scrollWidth > root.clientWidth)
		wrong.push("the page is " + root.scrollWidth + " wide, of " + root.clientWidth);

	function scrolls(element) {
		for (; element; element = element.parentElement)
			if (element.matches(".picture, pre, .skip, .hidden, thead, .more p"))
				return true;
		return false;
	}

	/* what a closed fold holds has boxes, too */
	function shown(element) {
		return element.checkVisibility();
	}

	document.querySelectorAll("body *").forEach(function (element) {
		var box = element.getBoundingClientRect();

		if (!box.width || !shown(element) || scrolls(element))
			return;
		if (box.right > root.clientWidth + 1 || box.left < -1)
			wrong.push("out of the page: " + element.outerHTML.slice(0, 120));
		if (element.scrollWidth > element.clientWidth + 1 && element.clientWidth &&
		    getComputedStyle(element).overflowX !== "visible")
			wrong.push("cut off: " + element.outerHTML.slice(0, 120));
	});

	/* texts of different elements do not lie on one another */
	var boxes = [];
	document.querySelectorAll("h1, h2, h3, p, li, td, tbody th, summary, button").forEach(function (element) {
		if (!shown(element) || scrolls(element) || element.querySelector("h1, h2, h3, p, li, td, th, summary, button"))
			return;
		Array.prototype.forEach.call(element.getClientRects(), function (box) {
			if (box.width > 1 && box.height > 1)
				boxes.push({element: element, box: box});
		});
	});
	boxes.sort(function (a, b) { return a.box.top - b.box.top; });
	for (var i = 0; i < boxes.length; i++)
		for (var j = i + 1; j < boxes.length && boxes[j].box.top < boxes[i].box.bottom - 1; j++) {
			var a = boxes[i].box, b = boxes[j].box;

			if (boxes[i].element.contains(boxes[j].element) ||
			    boxes[j].element.contains(boxes[i].element))
				continue;
			if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1)
				wrong.push("one covers the other: " + boxes[i].element.outerHTML.slice(0, 80) +
					   " and " + boxes[j].element.outerHTML.slice(0, 80));
		}

	function color(text) {
		var parts = text.match(/[\d.]+/g).map(Number);

		return {r: parts[0], g: parts[1], b: parts[2], a: parts.length > 3 ? parts[3] : 1};
	}

	function light(c) {
		var parts = [c.r, c.g, c.b].map(function (v) {
			v /= 255;
			return v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4);
		});

		return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
	}

	function back(element) {
		var place = element.closest("g.place");

		if (place)
			return color(getComputedStyle(place.querySelector("path, polygon, ellipse")).fill);
		for (; element; element = element.parentElement) {
			var c = getComputedStyle(element).backgroundColor;

			if (c && color(c).a === 1)
				return color(c);
		}
		return {r: 255, g: 255, b: 255};
	}

	function contrast(element) {
		var style = getComputedStyle(element), svg = element instanceof SVGElement;
		var one = light(color(svg ? style.fill : style.color)), two = light(back(element));

		return (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
	}

	var worst = 21, seen = 0, walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walker.nextNode()) {
		var element = walker.currentNode.parentElement;

		if (!walker.currentNode.data.trim() || element.matches("script, style") ||
		    !shown(element) || element.closest(".hidden"))
			continue;
		var ratio = contrast(element);

		seen++;
		worst = Math.min(worst, ratio);
		if (ratio < 4.5)
			wrong.push("contrast " + ratio.toFixed(2) + ": " + element.outerHTML.slice(0, 120));
	}
	return {wrong: wrong.slice(0, 10), worst: worst, seen: seen};
})()
"""


def report(work, name, topology):
    path = os.path.join(work, name + ".html")
    done = subprocess.run([CONFGEN, "report", "-o", path, topology], capture_output=True, text=True,
                          timeout=120)
    check(done.returncode in (0, 1) and os.path.exists(path), name, done.stderr)
    return path


def hostile(work):
    """Names that are markup, break out of attributes, or are far too long for a phone."""
    text = open(SOURCE + "/examples/dms-relay/topology.yaml").read()
    long = ".".join(["a" * 60] * 4)[:240]
    text = text.replace("tests:\n", "tests:\n  - {name: '</script><script>document.title=\"x\""
                        "</script><img src=x onerror=alert(1)>', at: public, client: 203.0.113.9, "
                        "to: x@elsewhere.test, expect: rejected}\n")
    text = text.replace("networks:\n", f"  {long}.example: {{mailboxes: private}}\nnetworks:\n", 1)
    text = text.replace("to:   [example.com]", f"to: [example.com, {long}.example]")
    text = text.replace("from: [example.com]", f"from: [example.com, {long}.example]")
    path = os.path.join(work, "\"><svg onload=alert(1)>\u202e.yaml")
    with open(path, "w") as out:
        out.write(text)
    return path


def many(work):
    with open(os.path.join(work, "domains.txt"), "w") as out:
        out.writelines(f"customer-{i:06}.example\n" for i in range(10000))
    path = os.path.join(work, "many.yaml")
    text = open(SOURCE + "/examples/dms-relay/topology.yaml").read()
    text = text.replace("networks:\n", "domain_sets:\n  customers: {file: domains.txt, mailboxes: "
                        "private}\nnetworks:\n", 1)
    text = text.replace("to:   [example.com]", "to: [example.com, customers]")
    text = text.replace("from: [example.com]", "from: [example.com, customers]")
    with open(path, "w") as out:
        out.write(text)
    return path


def judge(browser, name, path, width, scheme, script=True, media="", unfold=False):
    what = f"{name}, {width} pixels, {scheme}, {'with' if script else 'without'} JavaScript {media}"
    browser.open(path, width, scheme, script, media)
    if unfold:
        browser.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    verdict = browser.run(JUDGE)
    check(not verdict["wrong"], what + ":", "\n  ".join([""] + verdict["wrong"]))
    check(verdict["seen"] > 100, what, "only", verdict["seen"], "texts were looked at")
    check(not browser.complaints(), what, browser.complaints())
    dark = browser.run("getComputedStyle(document.body).backgroundColor")
    if not media:
        check((dark == "rgb(16, 21, 27)") == (scheme == "dark"), what, "is", dark)
    records = browser.run("document.querySelectorAll('[data-copy]').length")
    buttons = browser.run("document.querySelectorAll('button').length")
    check(records > 1 and buttons == (records if script else 0), what, records, buttons)
    if SCREENSHOTS:
        browser.picture(os.path.join(SCREENSHOTS, f"{name}-{width}-{scheme}"
                                     f"{'' if script else '-plain'}{media}.png"))
    return verdict["worst"]


def judge_copying(browser, path):
    browser.open(path, 1280, "light")
    wanted = browser.run("document.querySelector('code[data-copy]').textContent")
    browser.run("""(function () {
        Object.defineProperty(navigator, "clipboard", {value: {writeText: function (text) {
            window.copied = text;
            return Promise.resolve();
        }}});
        document.querySelector("code[data-copy]").previousElementSibling.focus();
    })()""")
    check(browser.run("document.activeElement.getAttribute('aria-label')").startswith("Copy the "),
          "a copy button has no name")
    for kind in ("keyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", text="\r",
                     windowsVirtualKeyCode=13)
    check(browser.run("window.copied") == wanted, "copied:", browser.run("window.copied"), wanted)
    check(browser.run("document.activeElement.textContent") == "Copied", "nothing says so")
    # the first stop of the tabulator key is the link over the navigation
    browser.open(path, 1280, "light")
    for kind in ("keyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab",
                     windowsVirtualKeyCode=9)
    check(browser.run("document.activeElement.className") == "skip", "the first stop is another")
    check(browser.run("document.activeElement.getBoundingClientRect().left >= 0"),
          "the skip link cannot be seen")


def judge_policy(browser, work, path):
    """What got into the page by a mistake of ours would not run, nor load."""
    text = open(path).read()
    forged = os.path.join(work, "forged.html")
    with open(forged, "w") as out:
        out.write(text.replace("</main>", "<script>window.owned = 1</script><img src='http://"
                               "127.0.0.1:9/x' onerror='window.owned = 1'><style>h1 {color: red}"
                               "</style></main>"))
    browser.open(forged, 1280, "light")
    check(browser.run("window.owned") is None, "a foreign script ran")
    check(browser.run("getComputedStyle(document.querySelector('h1')).color") != "rgb(255, 0, 0)",
          "a foreign style counts")
    refused = " ".join(browser.complaints())
    for directive in ("script-src", "style-src", "img-src"):
        check(directive in refused, "the browser does not refuse by", directive, refused)


def judge_mermaid(browser, work):
    script = os.environ.get("POSTERN_MERMAID")
    if not script:
        return
    page = os.path.join(work, "mermaid.html")
    shutil.copy(script, os.path.join(work, "mermaid.js"))
    with open(page, "w") as out:
        out.write("<!DOCTYPE html><meta charset=utf-8><div id=x></div><script src=mermaid.js></script>")
    browser.open(page, 1280, "light")
    for path in glob.glob(SOURCE + "/examples/*/topology.yaml") + \
            glob.glob(SOURCE + "/test/golden/topologies/*.yaml"):
        source = subprocess.run([CONFGEN, "graph", "-f", "mermaid", path], capture_output=True,
                                text=True).stdout
        drawn = browser.run("mermaid.initialize({startOnLoad: false, securityLevel: 'strict'}), "
                            "mermaid.render('g" + str(checks) + "', " + json.dumps(source) +
                            ").then(function (r) { return r.svg; }, "
                            "function (e) { return 'error: ' + e.message; })")
        check(drawn.startswith("<svg"), path, drawn[:300])
        for name in re.findall(r'<b>([^<]*)</b>', source):
            check(name.startswith("! ") or name.replace("#95;", "_") in drawn, path, name)
    print("Mermaid itself drew all pictures")


def main():
    program = shutil.which("chromium")
    if not program:
        print("Chromium (package chromium) is not installed")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as work:
        pages = {name: report(work, name, f"{SOURCE}/examples/{name}/topology.yaml")
                 for name in EXAMPLES}
        pages["dangers"] = report(work, "dangers", SOURCE + "/test/golden/topologies/proxies.yaml")
        pages["hostile"] = report(work, "hostile", hostile(work))
        pages["many"] = report(work, "many", many(work))
        browser = Browser(program, os.path.join(work, "profile"))
        try:
            browser.begin()
            worst = min(judge(browser, name, path, width, scheme)
                        for name, path in pages.items() for width in (1280, 390)
                        for scheme in ("light", "dark"))
            judge(browser, "many", pages["many"], 390, "dark", unfold=True)
            for name in EXAMPLES:
                browser.open(pages[name], 390, "light")
                cut = browser.run("Array.from(document.querySelectorAll('.picture')).filter(e => "
                                  "e.checkVisibility()).map(e => e.scrollWidth - e.clientWidth)")
                check(cut == [0], name, "has a picture that a phone does not show whole", cut)
            for width in (1280, 390):
                judge(browser, "dms-relay", pages["dms-relay"], width, "light", script=False)
            judge(browser, "dangers", pages["dangers"], 720, "light", media="print")
            check(browser.run("document.title") != "x", "a name of the topology ran")
            judge_copying(browser, pages["dms-relay"])
            judge_policy(browser, work, pages["dms-relay"])
            judge_mermaid(browser, work)
        finally:
            browser.end()
    print(f"{checks} checks, {failures} failed; the least contrast is {worst:.2f}")
    sys.exit(1 if failures else 0)


main()
