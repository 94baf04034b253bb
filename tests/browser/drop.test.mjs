// Files that are dropped on the board.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Board, Host, chromium, strokes, tidy } from "./lab.mjs";

after(tidy);

/** Drops a file with a text in it on the board; whether the page took it off the browser, which would show it. */
async function drop(board, text) {
    return board.page.evaluate((text) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([text], "strokes.json", { type: "application/json" }));
        const canvas = document.getElementById("board");
        const tell = (type) => {
            const event = new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true });
            return !canvas.dispatchEvent(event);
        };
        return ["dragover", "drop"].map(tell);
    }, text);
}

test("the strokes of a dropped file are drawn and undone like one's own, and other files draw nothing", async () => {
    const host = await Host.start();
    const board = await Board.open(await chromium(), host.url);
    await board.wait("a leader", (status) => status.role === "leader");
    assert.deepEqual(await drop(board, "These are no strokes."), [true, true]);
    assert.deepEqual(await drop(board, JSON.stringify(strokes(0, 30))), [true, true]);
    await board.wait("the file's strokes", (status) => status.strokes === 30 && status.pending === 0);
    await board.page.focus("#board");
    await board.page.keyboard.down("Control");
    await board.page.keyboard.press("z");
    await board.page.keyboard.up("Control");
    await board.wait("one less", (status) => status.strokes === 29 && status.pending === 0);
});
