// What people say they are called.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Board, Host, chromium, tidy } from "./lab.mjs";

after(tidy);

const VIEWPORT = { width: 800, height: 600 };

/** Opens the dialog with the invitation; the browser's own field in it. */
async function field(board) {
    await board.page.focus("#board");
    await board.page.keyboard.down("Control");
    await board.page.keyboard.press("i");
    await board.page.keyboard.up("Control");
    return board.page.waitForSelector("#text-field");
}

test("a name is typed into a field of the browser's own, which remembers it", async () => {
    const host = await Host.start();
    const board = await Board.open(await chromium(), host.url, { viewport: VIEWPORT });
    await board.wait("a leader", (status) => status.role === "leader");
    const name = await field(board);
    await name.click({ count: 3 });
    // On the board, `h` would take the hand, with which nothing is drawn.
    await board.page.keyboard.type("Zoë h");
    await board.picture("a name in its field");
    await board.page.keyboard.press("Enter");
    await board.page.keyboard.press("Escape");
    await board.page.waitForSelector("#text-field", { hidden: true });
    const { mouse } = board.page;
    await mouse.move(200, 300);
    await mouse.down();
    await mouse.move(300, 350, { steps: 8 });
    await mouse.up();
    await board.wait("a stroke", (status) => status.strokes === 1 && status.pending === 0);

    await board.page.reload();
    await board.wait("the board again", (status) => status.strokes === 1);
    const again = await field(board);
    assert.equal(await again.evaluate((input) => input.value), "Zoë h");
});
