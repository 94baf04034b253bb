// A phone: fingers draw, and move the board.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Board, Host, chromium, tidy } from "./lab.mjs";

after(tidy);

const PHONE = { viewport: { width: 390, height: 780, hasTouch: true, isMobile: true, deviceScaleFactor: 1 } };

test("one finger draws, and two that pinch leave no stroke", async () => {
    const host = await Host.start();
    const board = await Board.open(await chromium(), host.url, PHONE);
    await board.wait("a leader", (status) => status.role === "leader");
    const { touchscreen } = board.page;
    await touchscreen.touchStart(100, 300);
    for (let step = 1; step < 12; step++) await touchscreen.touchMove(100 + step * 15, 300 + Math.sin(step) * 40);
    await touchscreen.touchEnd();
    const drawn = await board.wait("a stroke", (status) => status.strokes === 1 && status.pending === 0);

    const session = await board.page.createCDPSession();
    const fingers = (type, ...places) =>
        session.send("Input.dispatchTouchEvent", { type, touchPoints: places.map(([x, y], id) => ({ x, y, id })) });
    await fingers("touchStart", [150, 400]);
    await fingers("touchStart", [150, 400], [250, 400]);
    for (let step = 1; step < 8; step++) await fingers("touchMove", [150 - step * 8, 400], [250 + step * 8, 400]);
    await fingers("touchEnd");
    // Whatever the fingers left would be decided before what is drawn after them.
    await touchscreen.touchStart(100, 500);
    await touchscreen.touchMove(200, 520);
    await touchscreen.touchEnd();
    const after = await board.wait("another stroke", (status) => status.commit > drawn.commit && status.pending === 0);
    assert.equal(after.strokes, 2);
});
