// Pens: what they feel is seen, and kept.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Board, Host, chromium, tidy } from "./lab.mjs";

after(tidy);

/** How thick the black ink is in some columns of the page, in pixels, from one row to another; pale ones count in part. */
async function thickness(board, columns, [top, bottom]) {
    const picture = await board.page.screenshot({ encoding: "base64" });
    return board.page.evaluate(async (picture, columns, top, bottom) => {
        const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${picture}`)).blob());
        const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
        context.drawImage(image, 0, 0);
        const inked = (column) => {
            const { data } = context.getImageData(column, top, 1, bottom - top);
            const reds = data.filter((_, at) => at % 4 === 0);
            return reds.reduce((ink, red) => ink + (255 - red) / (255 - 0x1e), 0);
        };
        return columns.map(inked);
    }, picture, columns, top, bottom);
}

/** Draws a line by a kind of pointer, along a row from left to right, with a force at each of its places. */
async function draw(board, pointerType, row, force) {
    const session = await board.page.createCDPSession();
    const send = (type, x, force, buttons) => session.send("Input.dispatchMouseEvent", {
        type, x, y: row, force, pointerType, button: "left", buttons, clickCount: type === "mouseMoved" ? 0 : 1,
    });
    await send("mousePressed", 90, force(0), 1);
    for (let step = 1; step <= 100; step++) await send("mouseMoved", 90 + step * 3, force(step / 100), 1);
    await send("mouseReleased", 390, 0, 0);
}

test("the harder a pen is pressed the wider is its line, and a mouse's is even", async () => {
    const host = await Host.start();
    const board = await Board.open(await chromium(), host.url);
    await board.wait("a leader", (status) => status.role === "leader");
    await draw(board, "pen", 136, (share) => 0.05 + 0.95 * share);
    await board.wait("the pen's stroke", (status) => status.strokes === 1 && status.pending === 0);
    await draw(board, "mouse", 165, () => 0.5);
    const drawn = await board.wait("the mouse's stroke", (status) => status.strokes === 2 && status.pending === 0);

    // The pointer rests beside the strokes, so that it covers none.
    await board.page.mouse.move(240, 215);
    await board.picture("a pen's stroke above a mouse's");
    const columns = [110, 240, 370];
    const [light, middle, hard] = await thickness(board, columns, [122, 150]);
    assert.ok(light > 0.8 && light + 1 < middle && middle + 1 < hard, `${light}, ${middle} and ${hard} pixels`);
    const even = await thickness(board, columns, [157, 173]);
    assert.ok(even.every((pixels) => Math.abs(pixels - 4) < 1), `${even} pixels`);

    // What was felt is in the board, not in this page alone.
    await board.page.reload();
    const again = await board.wait("the board again", (status) => status.strokes === 2);
    assert.equal(again.digest, drawn.digest);
    const [before, now] = [[light, middle, hard], await thickness(board, columns, [122, 150])];
    assert.ok(now.every((pixels, at) => Math.abs(pixels - before[at]) < 1), `${before} and then ${now} pixels`);
});
