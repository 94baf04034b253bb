// Pages that are hidden, killed, loaded again and forgotten: the board goes on, and comes back.

import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";
import { Board, Host, Native, agreed, chromium, crash, folder, strokes, tidy, until } from "./lab.mjs";

afterEach(tidy);
after(tidy);

/** A page that opened a board, with one native peer; the page leads. */
async function pair(strokesOfPage = 0) {
    const host = await Host.start([], { page: strokes(0, strokesOfPage), later: strokes(1, 1) });
    const browser = await chromium();
    const query = strokesOfPage > 0 ? "&draw=/strokes/page.json" : "";
    const page = await Board.open(browser, host.url, { query });
    await page.wait("a leader", (status) => status.role === "leader");
    const native = Native.start(["--headless", "--data", await folder(), await page.link()]);
    await native.wait("two voters", (status) => status.voters.length === 2);
    return { host, browser, page, native };
}

/** Deletes what the browser keeps for the pages of a link. */
async function wipe(context, link) {
    const page = await context.newPage();
    const session = await page.createCDPSession();
    await session.send("Storage.clearDataForOrigin", { origin: new URL(link).origin, storageTypes: "all" });
    await page.close();
}

test("a hidden page hands over, goes on storing, and catches up when it is shown again", async () => {
    const { page, native } = await pair(20);
    await agreed(20, page, native);
    const { node } = await page.status();
    await page.hide();
    const handed = await native.wait("the office", (status) => status.role === "leader");
    assert.ok(handed.voters.includes(node), "it goes on voting");
    const visible = await Board.open(await chromium(), await page.link());
    await visible.wait("to be in", (status) => status.voters.length === 3 && status.strokes === 20);
    await visible.draw(strokes(1, 400));
    await agreed(420, visible, native);
    const { commit } = await native.status();
    await until("the hidden page to have stored it", async () => (await page.consensus()).commit >= commit);
    assert.equal((await page.status()).strokes, 20, "it draws nothing while nobody looks");
    await page.page.bringToFront();
    await agreed(420, page, visible, native);
});

test("what is put into a hidden page is decided when nobody sees any page of the room", async () => {
    const host = await Host.start();
    const pages = [];
    for (let number = 0; number < 3; number++) {
        const link = number === 0 ? host.url : await pages[0].link();
        pages.push(await Board.open(await chromium(), link));
        await pages[0].wait("a voter more", (status) => status.voters.length === number + 1);
    }
    for (const page of pages) await page.hide();
    // Leaders that hand over put an entry into the log, too: whatever comes after this is the stroke.
    const before = await until("one leader of all", async () => {
        const [first, ...others] = await Promise.all(pages.map((page) => page.consensus()));
        const same = ({ leader, term, commit }) => leader === first.leader && term === first.term && commit === first.commit;
        return first.leader !== null && others.every(same) && first;
    });
    const frames = () => Promise.all(pages.map(async (page) => (await page.status()).strokes));
    assert.equal(await pages[1].draw(strokes(0, 1)), 1);
    const decided = async (page) => (await page.consensus()).commit > before.commit;
    await until("a majority to have it", async () => {
        const all = await Promise.all(pages.map(decided));
        return all.filter(Boolean).length >= 2;
    });
    assert.deepEqual(await frames(), [0, 0, 0], "no page has drawn it");
    for (const page of pages) await page.page.bringToFront();
    await agreed(1, ...pages);
});

test("a page that may run no worker draws with the others, also while it is hidden", async () => {
    const host = await Host.start();
    await host.change("whiteboard/index.html", "worker-src 'self' blob:", "worker-src 'none'");
    const page = await Board.open(await chromium(), host.url, { prepare: (page) => page.evaluateOnNewDocument(note) });
    await page.wait("a leader", (status) => status.role === "leader");
    const native = Native.start(["--headless", "--data", await folder(), await page.link()]);
    await native.wait("two voters", (status) => status.voters.length === 2);
    await page.draw(strokes(0, 20));
    await agreed(20, page, native);
    await page.hide();
    await page.draw(strokes(1, 20));
    await native.wait("what was put into the hidden page", (status) => status.strokes === 40);
    assert.deepEqual(await page.page.evaluate(() => window.forbidden), ["worker-src"]);

    /** Runs in the page, and notes what its rules forbade. */
    function note() {
        window.forbidden = [];
        document.addEventListener("securitypolicyviolation", (event) => window.forbidden.push(event.effectiveDirective));
    }
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
    const { host, page, native } = await pair();
    const link = await page.link();
    const third = Native.start(["--headless", "--data", await folder(), link]);
    await native.wait("three voters", (status) => status.voters.length === 3);
    await page.wait("to lead them", (status) => status.role === "leader" && status.voters.length === 3);
    await crash(page.page);
    const leads = (status) => status.role === "leader";
    await until("a new leader", async () => {
        const all = [await native.status(), await third.status()];
        return all.some(leads) || undefined;
    });
    const fourth = Native.start(["--headless", "--data", await folder(), "--draw", host.file("later"), link]);
    await agreed(1, native, third, fourth);
});

test("a page that the browser froze goes on as who it was when it thaws", async () => {
    const { host, page, native } = await pair(20);
    const link = await page.link();
    const third = Native.start(["--headless", "--data", await folder(), link]);
    await agreed(20, page, native, third);
    const { node } = await page.wait("three voters", (status) => status.voters.length === 3);
    const front = await page.hide();
    const session = await page.page.createCDPSession();
    await session.send("Page.setWebLifecycleState", { state: "frozen" });
    const fourth = Native.start(["--headless", "--data", await folder(), "--draw", host.file("later"), link]);
    await agreed(21, native, third, fourth);
    await session.send("Page.setWebLifecycleState", { state: "active" });
    await front.close();
    await page.page.bringToFront();
    await agreed(21, page, native, third, fourth);
    const status = await page.wait("to vote again", (status) => status.voters.includes(node));
    assert.equal(status.node, node);
});

test("a page whose store is wiped comes in as another node, and takes the place of the one it was", async () => {
    const { page, native } = await pair(20);
    const link = await page.link();
    const third = Native.start(["--headless", "--data", await folder(), link]);
    await agreed(20, page, native, third);
    const { node } = await page.wait("three voters", (status) => status.voters.length === 3);
    const context = page.page.browserContext();
    await crash(page.page);
    await page.page.close();
    await wipe(context, link);
    const again = await Board.open(context, link);
    const replaced = (status) => status.voters.length === 3 && !status.voters.includes(node);
    const status = await again.wait("its place", replaced);
    assert.ok(status.voters.includes(status.node));
    await agreed(20, again, native, third);
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
