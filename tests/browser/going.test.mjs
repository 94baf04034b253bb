// Pages that are hidden, killed, loaded again and forgotten: the board goes on, and comes back.

import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";
import { Board, Host, Native, agreed, chromium, folder, strokes, tidy, until } from "./lab.mjs";

afterEach(tidy);
after(tidy);

/** A page that opened a board, with one native peer; the page leads. */
async function pair(strokesOfPage = 0) {
    const host = await Host.start([], { page: strokes(0, strokesOfPage) });
    const browser = await chromium();
    const query = strokesOfPage > 0 ? "&draw=/strokes/page.json" : "";
    const page = await Board.open(browser, host.url, { query });
    await page.wait("a leader", (status) => status.role === "leader");
    const native = Native.start(["--headless", "--data", await folder(), await page.link()]);
    await native.wait("two voters", (status) => status.voters.length === 2);
    return { host, browser, page, native };
}

test("a hidden page hands over, and catches up when it is shown again", async () => {
    const { browser, page, native } = await pair(20);
    await agreed(20, page, native);
    const { node } = await page.status();
    const other = await browser.newPage();
    await other.bringToFront();
    assert.equal(await page.page.evaluate(() => document.visibilityState), "hidden");
    const handed = await native.wait("the office", (status) => status.role === "leader");
    assert.ok(handed.voters.includes(node), "it goes on voting");
    await page.page.bringToFront();
    await agreed(20, page, native);
});

test("a page that is loaded again is the same node, and shows its board before anybody answers", async () => {
    const { page, native } = await pair(20);
    await agreed(20, page, native);
    const { node } = await page.status();
    await native.kill();
    await page.page.reload();
    // Alone of two, it decides nothing: what it shows is its own.
    const status = await page.wait("its own board", (status) => status.strokes === 20);
    assert.equal(status.node, node);
});

test("the others go on when the leader's page is killed", async () => {
    const { page, native } = await pair();
    const link = await page.link();
    const third = Native.start(["--headless", "--data", await folder(), link]);
    await native.wait("three voters", (status) => status.voters.length === 3);
    const session = await page.page.createCDPSession();
    session.send("Page.crash").catch(() => {});
    const leads = (status) => status.role === "leader";
    await until("a new leader", async () => {
        const all = [await native.status(), await third.status()];
        return all.some(leads) || undefined;
    });
});

test("everybody closes the board, and it is there when they open it again", async () => {
    const { page, native } = await pair(20);
    await agreed(20, page, native);
    const [link, { node }] = [await page.link(), await page.status()];
    await native.kill("SIGTERM");
    await page.wait("to be alone", (status) => status.voters.length === 1);
    const context = page.page.browserContext();
    await page.page.close();
    const again = await Board.open(context, link);
    const status = await again.wait("the board", (status) => status.strokes === 20 && status.role === "leader");
    assert.equal(status.node, node);
});
