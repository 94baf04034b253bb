// Leaving a page, and coming back to it.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Board, Host, Native, agreed, chromium, folder, strokes, tidy, until } from "./lab.mjs";

afterEach(tidy);

/** A page that opened a board of its own, with some strokes on it. */
async function alone(count = 0) {
    const host = await Host.start();
    const board = await Board.open(await chromium(), host.url);
    await board.wait("its board", (status) => status.role === "leader");
    await board.draw(strokes(0, count));
    const { node } = await board.wait("its strokes", (status) => status.strokes === count && status.pending === 0);
    await board.link();
    return { host, board, node };
}

/** Closes a page as its user would, and waits until it is gone. */
async function close({ page }) {
    await page.close({ runBeforeUnload: true });
    await until("the page to be closed", () => page.isClosed());
}

test("who has the only copy of a drawing is asked before it is closed", async () => {
    const { board } = await alone();
    await board.drawLine(200);
    await board.wait("the stroke", (status) => status.strokes === 1 && status.pending === 0);
    await close(board);
    assert.deepEqual(board.asked, ["beforeunload"]);
});

test("who has strokes that are not decided is asked before it is closed", async () => {
    const { board } = await alone();
    const link = await board.link();
    const others = [];
    for (let voters = 2; voters <= 3; voters++) {
        others.push(Native.start(["--headless", "--data", await folder(), link]));
        await board.wait("another voter", (status) => status.voters.length === voters);
    }
    for (const other of others) await other.kill();
    await board.drawLine(200);
    await board.wait("an undecided stroke", (status) => status.pending === 1);
    await close(board);
    assert.deepEqual(board.asked, ["beforeunload"]);
});

test("who leaves a drawing with somebody else isn't asked", async () => {
    const { board } = await alone();
    await board.drawLine(200);
    const native = Native.start(["--headless", "--data", await folder(), await board.link()]);
    await agreed(1, board, native);
    await board.wait("two voters", (status) => status.voters.length === 2);
    await close(board);
    assert.deepEqual(board.asked, []);
});

test("who gives the tab the address of another board gets that board", async () => {
    const { board, host } = await alone(20);
    const other = await Board.open(await chromium(), host.url);
    await other.wait("its board", (status) => status.role === "leader");
    await other.draw(strokes(1, 3));
    const { digest } = await other.wait("its strokes", (status) => status.strokes === 3 && status.pending === 0);
    const { hash } = new URL(await other.link());
    await board.page.evaluate((hash) => (location.hash = hash), hash);
    await until("the other board", async () => {
        // A page that is being loaded doesn't answer.
        const status = await board.status().catch(() => undefined);
        return status?.digest === digest;
    });
});

test("who goes elsewhere and back finds the board, and is who they were", async () => {
    const { board, node } = await alone(20);
    await board.page.evaluate(() => (window.left = true));
    await board.page.goto("about:blank");
    await board.page.goBack();
    const status = await until("the board, begun anew", async () => {
        // A page that the browser kept loads again, and doesn't answer meanwhile.
        const isNew = await board.page.evaluate(() => !window.left).catch(() => false);
        const status = isNew && (await board.status());
        return status?.strokes === 20 && status.role === "leader" && status;
    });
    assert.equal(status.node, node);
});

test("a page that the browser kept for later, links cut and room left, begins anew as who it was", async () => {
    const { board, node } = await alone(20);
    // Which pages a browser keeps is its own affair; what it tells those is told here.
    const tell = (kind) => window.dispatchEvent(new PageTransitionEvent(kind, { persisted: true }));
    await board.page.evaluate(tell, "pagehide");
    const isHeld = async () => (await navigator.locks.query()).held.length > 0;
    await until("its store to be free", async () => !(await board.page.evaluate(isHeld)));
    await Promise.all([board.page.waitForNavigation(), board.page.evaluate(tell, "pageshow")]);
    const status = await board.wait("the board", (status) => status.strokes === 20 && status.role === "leader");
    assert.equal(status.node, node);
});
